// What a model is: a sequential data type, small and pure. A user's own has the same shape.
// Source: knossos.model; Porcupine's Model

/** One operation as a model sees it. */
export type Call = {
  f: string;
  /** What was asked or, in an answer that carries a value, what was answered: Jepsen's :value. */
  value: unknown;
  /** `fail`: it had no effect. `info`: nobody knows whether it happened, nor what it answered. */
  outcome: "ok" | "fail" | "info";
};

/** Only `name`, `init` and `step` are needed; the rest makes checks faster or explains better. */
export type Model<State = unknown> = {
  readonly name: string;
  /** The state before all operations. */
  readonly init: State;
  /**
   * The state after the call; undefined where the call cannot come next in this state, or cannot
   * have been answered like this. A function of its arguments, neither of which it changes.
   */
  step(state: State, call: Call): State | undefined;
  /** What is wrong with a call that the model does not know; undefined where nothing is. */
  refuse?(call: Call): string | undefined;
  /** Calls in different parts never concern each other; each part is judged by itself. */
  partition?(call: Call): string | number;
  /** Whether the call leaves every state as it is. A claim that is checked at each step. */
  isReadOnly?(call: Call): boolean;
  /** Whether the call says anything at all; default: whether it did not fail. */
  counts?(call: Call): boolean;
  /** Finds early that a read to come cannot be answered any more; see Lookahead. */
  lookahead?: Lookahead<State>;
  /** Equal for equal states and only for them; default: the state, or its JSON. */
  identity?(state: State): string | number;
  describe?(call: Call): string;
  describeState?(state: State): string;
};

/** For states that grow: a read names much of what came before it. */
export type Lookahead<State> = {
  /** Whether the call may lead anywhere, from whatever state. */
  resets(call: Call): boolean;
  /** Whether a read-only call can become legal in this state after calls that do not reset. */
  canReach(state: State, call: Call): boolean;
};

/** A call in one line; the default of `describe`. */
export function describeCall({ f, value }: Call): string {
  return value === undefined || value === null ? f : `${f} ${describeValue(value)}`;
}

/** A value in one line, as JSON, cut where it is long. */
export function describeValue(value: unknown): string {
  const text = value === undefined ? "nil" : (JSON.stringify(value) ?? String(value));
  return text.length > 200 ? `${text.slice(0, 200)}… (${text.length} characters)` : text;
}
