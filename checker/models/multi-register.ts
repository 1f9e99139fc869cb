// Registers that are read and written together: txn [[f key value] …], f is read or write.
// Source: knossos.model/multi-register

import { canonical } from "./canonical.js";
import { type Call, describeValue, type Model } from "./model.js";
import { sameValue } from "./values.js";

type State = ReadonlyMap<string, unknown>;
type MicroOp = { f: "read" | "write"; key: string; value: unknown };

/** `initial`: what each register holds at first, or a map from keys to that. A read of nil says nothing. */
export function multiRegister({ initial = null }: { initial?: unknown } = {}): Model<State> {
  const isMap = typeof initial === "object" && initial !== null && !Array.isArray(initial);
  const others = isMap ? null : initial;
  const init: State = new Map(isMap ? Object.entries(initial) : []);
  return {
    name: "multi-register",
    init,
    step(state, { value }) {
      let after: Map<string, unknown> | undefined;
      for (const { f, key, value: of } of microOps(value) ?? []) {
        const now = after ?? state;
        if (f === "write") {
          after ??= new Map(state);
          after.set(key, of);
        } else if (of !== null) {
          const held = now.has(key) ? now.get(key) : others;
          if (!sameValue(held, of)) return undefined;
        }
      }
      return after ?? state;
    },
    refuse({ f, value }) {
      if (f !== "txn") return `a multi-register knows txn, not ${f}`;
      if (microOps(value) !== undefined) return undefined;
      return `txn wants [[read|write key value] …], not ${describeValue(value)}`;
    },
    isReadOnly: (call) => isReading(call),
    identity: (state) => canonical([...state].sort(([a], [b]) => (a < b ? -1 : 1))),
    describeState: (state) => `the registers hold ${describeValue(Object.fromEntries(state))}`,
  };
}

function isReading({ value }: Call): boolean {
  return (microOps(value) ?? []).every(({ f }) => f === "read");
}

/** Undefined where the value is no transaction. */
function microOps(value: unknown): MicroOp[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const ops: MicroOp[] = [];
  for (const part of value) {
    const [name, key, of] = Array.isArray(part) ? part : [];
    const f = name === "r" || name === "read" ? "read" : name === "w" ? "write" : name;
    if (f !== "read" && f !== "write") return undefined;
    ops.push({ f, key: typeof key === "string" ? key : canonical(key ?? null), value: of ?? null });
  }
  return ops;
}
