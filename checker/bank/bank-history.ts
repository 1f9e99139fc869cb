// A history as the bank's model sees it: who asked what, what was answered, and what cannot matter.

import { describe } from "../describe.js";
import type { Operation } from "../operations.js";
import { bankAnswer, bankOperation, isRead } from "./bank-operation.js";
import type { SearchOp } from "./search.js";

/** An operation to be linearized, and where it came from. */
export type BankOp = SearchOp & { source: Operation };

export type BankHistory = {
  /** By call. What never had, nor may have, an effect and answered nothing is left out. */
  ops: BankOp[];
  /** Operations that no state of the bank explains, one line each. */
  impossible: string[];
  /** Operations that the model cannot judge, one line each. */
  notUnderstood: string[];
};

/** The hint of an operation of which nobody said where it stands. */
export const NO_HINT = Number.MAX_SAFE_INTEGER;

export function bankHistory(operations: readonly Operation[]): BankHistory {
  const history: BankHistory = { ops: [], impossible: [], notUnderstood: [] };
  for (const operation of operations) add(history, operation);
  return history;
}

function add(history: BankHistory, source: Operation): void {
  const asked = bankOperation(source.f, source.value);
  if (asked === undefined) {
    history.notUnderstood.push(`no function of the bank: ${describe(source)}`);
    return;
  }
  const { outcome, call, ret } = source;
  const hint = source.seq ?? NO_HINT;
  if (outcome === "info") {
    // A read that nobody heard, and what the bank must refuse, leave no trace.
    if (isRead(source.f) || asked.kind === "malformed") return;
    history.ops.push({
      operation: asked,
      answer: undefined,
      optional: true,
      call,
      ret,
      hint,
      source,
    });
    return;
  }
  const said = bankAnswer(source);
  if (said === undefined) return;
  if (asked.kind === "malformed") {
    if (outcome === "ok") history.impossible.push(`the bank must refuse it: ${describe(source)}`);
    return;
  }
  if (typeof said === "string") history.notUnderstood.push(`${said}: ${describe(source)}`);
  const answer = typeof said === "string" ? { kind: "ok" as const } : said;
  history.ops.push({ operation: asked, answer, optional: false, call, ret, hint, source });
}
