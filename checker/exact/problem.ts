// The operations of one part of a history as the exact search wants them: numbers, in order of call.

import { columnsIn, int } from "../columns.js";
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
  /** By kind: 1 or 0. */
  readOnly: readonly number[];
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
  let count = 0;
  let ranks = 0;
  for (const operation of operations) {
    current = operation;
    const { outcome, ret } = operation;
    const { part, kind } = kinds.of(operation.f, outcome, answerOf(operation));
    if (part === undefined) continue;
    count += 1;
    part.kind.push(kind);
    part.operations.push(operation);
    if (outcome === "info") continue;
    part.returned += 1;
    if (ret >= ranks) ranks = ret + 1;
  }
  const column = columnsIn(new ArrayBuffer(4 * (4 * count + 2 * ranks)));
  // So that nobody has to sort returns: the part's number, and the position in it.
  const byRank = column(2 * ranks);
  const inOrder = [...parts.values()];
  const problems = inOrder.map((part) => problemOf(model, part, column, byRank));
  for (let slot = byRank.length - 2; slot >= 0; slot -= 2) {
    const number = int(byRank, slot);
    if (number === 0) continue;
    const part = inOrder[number - 1];
    const returns = problems[number - 1]?.returns;
    if (part === undefined || returns === undefined) continue;
    part.returned -= 1;
    returns[part.returned] = int(byRank, slot + 1);
  }
  return problems.sort((a, b) => a.operations.length - b.operations.length);
}

type Part = {
  /** From 1, in the order of their first call. */
  number: number;
  name: Problem["part"];
  calls: Call[];
  readOnly: number[];
  kind: number[];
  operations: Operation[];
  returned: number;
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
      name,
      calls: [],
      readOnly: [],
      kind: [],
      operations: [],
      returned: 0,
    };
    parts.set(name, part);
  }
  part.readOnly.push(isReadOnly ? 1 : 0);
  return { part, kind: part.calls.push(call) - 1 };
}

/** Returns are left to the caller. */
function problemOf(
  model: Model,
  { number, name, calls, readOnly, kind, operations, returned }: Part,
  column: (length: number) => Int32Array,
  byRank: Int32Array,
): Problem {
  const count = operations.length;
  const problem = {
    model,
    part: name,
    operations,
    calls,
    readOnly,
    kind: column(count),
    call: column(count),
    ret: column(count),
    returns: column(returned),
  };
  for (let op = 0; op < count; op += 1) {
    const operation = operations[op];
    if (operation === undefined) continue;
    problem.kind[op] = kind[op] ?? 0;
    problem.call[op] = operation.call;
    if (operation.outcome === "info") {
      problem.ret[op] = NO_RETURN;
      continue;
    }
    problem.ret[op] = operation.ret;
    byRank[2 * operation.ret] = number;
    byRank[2 * operation.ret + 1] = op;
  }
  return problem;
}

/** What was answered; an answer without a value says what was asked. */
function answerOf({ value, outcome, completion }: Operation): unknown {
  return outcome === "ok" && completion !== undefined ? (completion.value ?? value) : value;
}
