// A register: read, write and, in a cas-register, compare-and-set.
// Source: knossos.model/cas-register; Porcupine's etcd model

import { type Call, describeValue, type Model } from "./model.js";
import { sameValue } from "./values.js";

export type RegisterOptions = {
  /** What the register holds at first; null: nothing. */
  initial?: unknown;
  /**
   * What an answer of nil to a read means: `unknown` says nothing (Knossos), `nothing` says that the
   * register was empty (etcd).
   */
  nilRead?: "unknown" | "nothing";
  /**
   * What a failed cas means: `no-effect` only that (Jepsen), `mismatch` that the register held
   * another value (etcd's answer is a reading, too).
   */
  failedCas?: "no-effect" | "mismatch";
};

export function register(options: RegisterOptions = {}): Model<unknown> {
  return registerModel("register", ["read", "write"], options);
}

export function casRegister(options: RegisterOptions = {}): Model<unknown> {
  return registerModel("cas-register", ["read", "write", "cas"], options);
}

function registerModel(
  name: string,
  functions: readonly string[],
  { initial = null, nilRead = "unknown", failedCas = "no-effect" }: RegisterOptions,
): Model<unknown> {
  return {
    name,
    init: initial,
    step(state, { f, value, outcome }) {
      if (f === "write") return value ?? null;
      if (f === "read") return sameValue(state, value ?? null) ? state : undefined;
      const [from, to] = Array.isArray(value) ? value : [];
      const isEqual = sameValue(state, from ?? null);
      if (outcome === "fail") return isEqual ? undefined : state;
      return isEqual ? (to ?? null) : undefined;
    },
    refuse({ f, value }) {
      if (!functions.includes(f)) return `a ${name} knows ${functions.join(", ")}, not ${f}`;
      if (f !== "cas" || (Array.isArray(value) && value.length === 2)) return undefined;
      return `cas wants [from to], not ${describeValue(value)}`;
    },
    isReadOnly: ({ f, outcome, value }) =>
      f === "read" || outcome === "fail" || (f === "cas" && swapsNothing(value)),
    counts({ f, value, outcome }: Call): boolean {
      if (f === "read" && outcome === "ok")
        return nilRead === "nothing" || (value ?? null) !== null;
      if (f === "cas" && outcome === "fail") return failedCas === "mismatch";
      return outcome !== "fail";
    },
    describe: ({ f, value, outcome }) =>
      `${outcome === "fail" ? "refused " : ""}${f} ${describeValue(value ?? null)}`,
    describeState: (state) => `the register holds ${describeValue(state)}`,
  };
}

/** [a a] leaves the register as it is, wherever it is legal. */
function swapsNothing(value: unknown): boolean {
  return Array.isArray(value) && sameValue(value[0] ?? null, value[1] ?? null);
}
