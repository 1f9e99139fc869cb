// A map from keys to values, each key by itself: get, put, append, cas; an op's value is [key value].
// Source: Porcupine's kv model; jepsen.independent

import { describeValue, type Model } from "./model.js";
import { sameValue } from "./values.js";

const FUNCTIONS = new Map([
  ["get", "get"],
  ["read", "get"],
  ["put", "put"],
  ["write", "put"],
  ["append", "append"],
  ["cas", "cas"],
]);

/** A key holds "" at first; a get of nil finds it so. */
export function kv(): Model<unknown> {
  return {
    name: "kv",
    init: "",
    partition: ({ value }) => partOf(Array.isArray(value) ? value[0] : value),
    step(state, { f, value }) {
      const of = Array.isArray(value) ? value[1] : undefined;
      switch (FUNCTIONS.get(f)) {
        case "put":
          return of ?? "";
        case "append":
          return `${state}${of ?? ""}`;
        case "cas":
          return Array.isArray(of) && sameValue(state, of[0] ?? "") ? (of[1] ?? "") : undefined;
        default:
          return sameValue(state, of ?? "") ? state : undefined;
      }
    },
    refuse({ f, value }) {
      if (!FUNCTIONS.has(f)) return `kv knows get, put, append, cas, not ${f}`;
      if (!Array.isArray(value) || value.length !== 2) {
        return `${f} wants [key value], or :key beside :value; not ${describeValue(value)}`;
      }
      if (f !== "cas" || (Array.isArray(value[1]) && value[1].length === 2)) return undefined;
      return `cas wants [key [from to]], not ${describeValue(value)}`;
    },
    isReadOnly: ({ f }) => FUNCTIONS.get(f) === "get",
    lookahead: {
      resets: ({ f }) => f !== "append" && FUNCTIONS.get(f) !== "get",
      canReach(state, { value }) {
        const of = Array.isArray(value) ? value[1] : undefined;
        return typeof of === "string" && typeof state === "string"
          ? of.startsWith(state)
          : sameValue(state, of ?? "");
      },
    },
    describeState: (state) => `it holds ${describeValue(state)}`,
  };
}

function partOf(key: unknown): string | number {
  return typeof key === "string" || typeof key === "number" ? key : describeValue(key);
}
