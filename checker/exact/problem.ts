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
  for (const operation of operations) {
    const call = callOf(operation);
    if (!(model.counts?.(call) ?? call.outcome !== "fail")) continue;
    const wrong = model.refuse?.(call);
    if (wrong !== undefined) throw new HistoryError("history-bad-op", where(operation) + wrong);
    if (call.outcome === "info" && model.isReadOnly?.(call) === true) continue;
    const name = model.partition?.(call);
    let part = parts.get(name);
    if (part === undefined) {
      part = { kinds: new Kinds(), kind: [], operations: [] };
      parts.set(name, part);
    }
    part.kind.push(part.kinds.idOf(call));
    part.operations.push(operation);
  }
  const problems: Problem[] = [];
  for (const [name, part] of parts) problems.push(problemOf(model, name, part));
  return problems.sort((a, b) => a.operations.length - b.operations.length);
}

type Part = { kinds: Kinds; kind: number[]; operations: Operation[] };

function problemOf(
  model: Model,
  part: Problem["part"],
  { kinds, kind, operations }: Part,
): Problem {
  const { calls } = kinds;
  const readOnly = new Uint8Array(calls.length);
  if (model.isReadOnly !== undefined) {
    for (let id = 0; id < calls.length; id += 1) {
      const call = calls[id];
      if (call !== undefined && model.isReadOnly(call)) readOnly[id] = 1;
    }
  }
  const call = new Int32Array(operations.length);
  const ret = new Int32Array(operations.length);
  for (let op = 0; op < operations.length; op += 1) {
    const operation = operations[op];
    if (operation === undefined) continue;
    call[op] = operation.call;
    ret[op] = operation.outcome === "info" ? NO_RETURN : operation.ret;
  }
  return { model, part, operations, calls, readOnly, kind: Int32Array.from(kind), call, ret };
}

/** An answer without a value says what was asked. */
export function callOf({ f, value, outcome, completion }: Operation): Call {
  if (outcome !== "ok" || completion === undefined) return { f, value, outcome };
  return { f, value: completion.value ?? value, outcome };
}
