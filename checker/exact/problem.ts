// The operations of one part of a history as the exact search wants them: numbers, in order of call.

import { HistoryError } from "../history-error.js";
import type { Call, Model } from "../models/model.js";
import type { Operation } from "../operations.js";
import { Kinds } from "./kinds.js";

/** The ret of what never returned; above every rank. */
export const NO_RETURN = 0x7fffffff;

/** Columns are by operation, in order of call; windows are ranks as in `Operation`. */
export type Problem = {
  model: Model;
  /** What partition() named; undefined where the model has no parts. */
  part: string | number | undefined;
  operations: readonly Operation[];
  calls: readonly Call[];
  /** By kind. */
  readOnly: Uint8Array;
  kind: Int32Array;
  call: Int32Array;
  ret: Int32Array;
  /** What must be placed, by ret. */
  returns: Int32Array;
  /** 1: may as well not have happened, but if it did, then in its window. Absent: nothing may. */
  skippable?: Uint8Array;
};

/**
 * Divides a history into independent parts, the smallest first. What says nothing is left out: what
 * failed, unless the model wants it, and what may have happened but could not have changed anything.
 * Throws HistoryError where the model does not know a call; `where` names the place of an op.
 */
export function problemsOf(
  operations: readonly Operation[],
  model: Model,
  where: (operation: Operation) => string = ({ invocation }) => `op ${invocation.index}: `,
): Problem[] {
  const parts = new Map<string | number | undefined, Part>();
  let current: Operation | undefined;
  const place = () => (current === undefined ? "" : where(current));
  const kinds = new Kinds((call) => traitOf(call, model, parts, place));
  // By rank, so that nobody has to sort returns: the part's number, and the position in it.
  let returned = new Int32Array(4 * operations.length);
  for (const operation of operations) {
    current = operation;
    const { outcome, ret } = operation;
    const { part, kind } = kinds.of(operation.f, outcome, answerOf(operation));
    if (part === undefined) continue;
    if (outcome !== "info") {
      if (2 * ret >= returned.length) returned = enlarged(returned, 4 * ret + 2);
      returned[2 * ret] = part.number;
      returned[2 * ret + 1] = part.operations.length;
    }
    part.kind.push(kind);
    part.operations.push(operation);
  }
  const inOrder = [...parts.values()];
  for (let slot = 0; slot < returned.length; slot += 2) {
    const number = returned[slot] ?? 0;
    if (number > 0) inOrder[number - 1]?.returns.push(returned[slot + 1] ?? 0);
  }
  const problems: Problem[] = [];
  for (const [name, part] of parts) problems.push(problemOf(model, name, part));
  return problems.sort((a, b) => a.operations.length - b.operations.length);
}

type Part = {
  /** From 1, in the order of their first call. */
  number: number;
  calls: Call[];
  readOnly: number[];
  kind: number[];
  returns: number[];
  operations: Operation[];
};

/** What is true of all calls that are alike; without a part, they say nothing. */
type Trait = { part: Part | undefined; kind: number };

const NOTHING: Trait = { part: undefined, kind: -1 };

function traitOf(
  call: Call,
  model: Model,
  parts: Map<string | number | undefined, Part>,
  where: () => string,
): Trait {
  if (!(model.counts?.(call) ?? call.outcome !== "fail")) return NOTHING;
  const wrong = model.refuse?.(call);
  if (wrong !== undefined) throw new HistoryError("history-bad-op", where() + wrong);
  const isReadOnly = model.isReadOnly?.(call) === true;
  if (call.outcome === "info" && isReadOnly) return NOTHING;
  const name = model.partition?.(call);
  let part = parts.get(name);
  if (part === undefined) {
    part = {
      number: parts.size + 1,
      calls: [],
      readOnly: [],
      kind: [],
      returns: [],
      operations: [],
    };
    parts.set(name, part);
  }
  part.readOnly.push(isReadOnly ? 1 : 0);
  return { part, kind: part.calls.push(call) - 1 };
}

function problemOf(
  model: Model,
  name: Problem["part"],
  { calls, readOnly, kind, returns, operations }: Part,
): Problem {
  const count = operations.length;
  const call = new Int32Array(count);
  const ret = new Int32Array(count);
  for (let op = 0; op < count; op += 1) {
    const operation = operations[op];
    if (operation === undefined) continue;
    call[op] = operation.call;
    ret[op] = operation.outcome === "info" ? NO_RETURN : operation.ret;
  }
  return {
    model,
    part: name,
    operations,
    calls,
    readOnly: new Uint8Array(readOnly),
    kind: new Int32Array(kind),
    call,
    ret,
    returns: new Int32Array(returns),
  };
}

function enlarged(column: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(column);
  return larger;
}

/** What was answered; an answer without a value says what was asked. */
function answerOf({ value, outcome, completion }: Operation): unknown {
  return outcome === "ok" && completion !== undefined ? (completion.value ?? value) : value;
}
