// A set: add, and read of all elements. Source: knossos.model's set; jepsen.checker/set

import { createHash } from "node:crypto";
import { describeValue, type Model } from "./model.js";

/** A set that grew by one element. Two sets of one size and one sum hold the same elements. */
export type SetState = {
  size: number;
  /** Sum of the elements' hashes, modulo 2^48. */
  sum: number;
  /** JSON of the element. */
  added: string;
  before: SetState | undefined;
};

const SUM_MODULUS = 2 ** 48;

export function set(): Model<SetState> {
  return {
    name: "set",
    init: { size: 0, sum: 0, added: "", before: undefined },
    step(state, { f, value }) {
      if (f === "add") {
        const added = JSON.stringify(value);
        if (holds(state, added)) return state;
        return { size: state.size + 1, sum: sumOf(state.sum, added), added, before: state };
      }
      const elements = new Set(Array.isArray(value) ? value.map((one) => JSON.stringify(one)) : []);
      if (elements.size !== state.size) return undefined;
      return [...elements].reduce(sumOf, 0) === state.sum ? state : undefined;
    },
    refuse({ f, value, outcome }) {
      if (f !== "add" && f !== "read") return `a set knows add, read, not ${f}`;
      if (f === "add") return (value ?? null) === null ? "add wants a value" : undefined;
      if (outcome !== "ok" || Array.isArray(value)) return undefined;
      return `read wants the elements, not ${describeValue(value)}`;
    },
    isReadOnly: ({ f }) => f === "read",
    /** A read of nil says nothing. */
    counts: ({ f, value, outcome }) =>
      outcome !== "fail" && !(f === "read" && (value ?? null) === null),
    identity: ({ size, sum }) => `${size} ${sum}`,
    describeState: (state) => `the set holds {${[...elementsOf(state)].sort().join(", ")}}`,
  };
}

function holds(state: SetState, element: string): boolean {
  for (const known of elementsOf(state)) if (known === element) return true;
  return false;
}

function* elementsOf(state: SetState): Generator<string> {
  for (let at = state; at.before !== undefined; at = at.before) yield at.added;
}

function sumOf(sum: number, element: string): number {
  const digest = createHash("sha256").update(element).digest();
  return (sum + digest.readUIntBE(0, 6)) % SUM_MODULUS;
}
