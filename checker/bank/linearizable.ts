// Whether some order of the operations, respecting real time, makes the bank answer what clients
// saw. First the servers' own order, then the exact search. A pass is only ever a replayed order;
// an "invalid" only ever an exhausted search, and never rests on an order that a server claimed.

import assert from "node:assert/strict";
import { counted, cut, describe } from "../describe.js";
import type { Operation } from "../operations.js";
import type { LedgerDump } from "../run-record.js";
import type { CheckResult } from "../verdict.js";
import { type BankOp, bankHistory } from "./bank-history.js";
import { explain } from "./explain.js";
import { byRequest, longest } from "./ledger-index.js";
import { independentGroups, project } from "./projection.js";
import { replay } from "./replay.js";
import { type SearchLimits, search } from "./search.js";
import { witness } from "./witness.js";

type Figures = {
  operations: number;
  indeterminate: number;
  /** Where the order comes from. */
  order: "by seq" | "searched";
  /** Of the search. */
  steps: number;
};

/** Counted in steps, not in time: a history has one verdict, on whatever machine. */
export const SEARCH_DEFAULTS: SearchLimits = { steps: 4_000_000, configurations: 2_000_000 };

/** The first search, and each view of one account or two, may use this share of the steps. */
const VIEW_SHARE = 1 / 8;
/** … or, in a long history, so many steps for each operation. */
const VIEW_STEPS_PER_OP = 50;

export function linearizable(
  operations: readonly Operation[],
  ledgers: readonly LedgerDump[],
  limits: SearchLimits = SEARCH_DEFAULTS,
): CheckResult {
  const { ops, impossible, notUnderstood } = bankHistory(operations);
  const figures: Figures = {
    operations: ops.length,
    indeterminate: ops.filter(({ optional }) => optional).length,
    order: "by seq",
    steps: 0,
  };
  if (impossible.length > 0) {
    return { valid: false, summary: impossible[0] ?? "", figures, explanation: cut(impossible, 8) };
  }
  const result = judge(ops, ledgers, limits, figures);
  if (result.valid === false || notUnderstood.length === 0) return result;
  const summary = `${counted(notUnderstood.length, "operation")} not understood: ${notUnderstood[0]}`;
  return { valid: "unknown", summary, figures, explanation: cut(notUnderstood, 8) };
}

function judge(
  ops: readonly BankOp[],
  ledgers: readonly LedgerDump[],
  limits: SearchLimits,
  figures: Figures,
): CheckResult {
  if (ops.every(({ optional }) => optional)) {
    return { valid: "unknown", summary: "no operation of the bank was answered", figures };
  }
  const claimed = witness(ops, byRequest(longest(ledgers)?.entries ?? []));
  if ("order" in claimed) {
    const wrong = replay(ops, claimed.order);
    assert(wrong === undefined, `the servers' order does not replay: ${wrong}`);
    const claim = "the order of their seqs respects real time and replays";
    const summary = `${counted(ops.length, "operation")} are linearizable: ${claim}`;
    return { valid: true, summary, figures };
  }
  figures.order = "searched";
  return searchAll(ops, limits, figures, claimed.failure);
}

type Finding = { result: CheckResult; steps: number };

/** Accounts that no operation connects are judged one group after the other. */
function searchAll(
  ops: readonly BankOp[],
  limits: SearchLimits,
  figures: Figures,
  witnessFailure: string,
): CheckResult {
  const groups = independentGroups(ops);
  const unknown: string[] = [];
  let steps = 0;
  for (const group of groups) {
    const own = groups.length === 1 ? ops : project(ops, new Set(group));
    const finding = searchGroup(own, group, limits);
    steps += finding.steps;
    figures.steps = steps;
    if (finding.result.valid === false) return { ...finding.result, figures };
    if (finding.result.valid === "unknown") unknown.push(finding.result.summary);
  }
  const claim = `the order of the seqs is no witness: ${witnessFailure}`;
  if (unknown.length > 0) {
    return {
      valid: "unknown",
      summary: unknown[0] ?? "",
      figures,
      explanation: [...unknown, claim],
    };
  }
  const summary = `${counted(ops.length, "operation")} are linearizable: an order was found and replayed`;
  return { valid: true, summary, figures, explanation: [claim] };
}

/** One group of connected accounts: all at once while that is cheap, then views, then again. */
function searchGroup(
  ops: readonly BankOp[],
  group: readonly string[],
  limits: SearchLimits,
): Finding {
  const cheap = cheapLimits(ops, limits);
  const first = search(ops, new Map(), cheap);
  if (first.found === true) return { result: passed(ops, first.order), steps: first.steps };
  let steps = first.steps;
  for (const view of viewsOf(ops, group)) {
    if (steps - first.steps > limits.steps) break;
    const projected = project(ops, new Set(view));
    const viewLimits = cheapLimits(projected, limits);
    const seen = search(projected, new Map(), viewLimits);
    steps += ops.length + seen.steps;
    if (seen.found === false) {
      return { result: refuted(projected, view, seen.blocked, viewLimits), steps };
    }
  }
  if (first.found === false) return { result: refuted(ops, group, first.blocked, limits), steps };
  const last = cheap.steps === limits.steps ? first : search(ops, new Map(), limits);
  if (last !== first) steps += last.steps;
  if (last.found === true) return { result: passed(ops, last.order), steps };
  if (last.found === false) return { result: refuted(ops, group, last.blocked, limits), steps };
  const unit = last.cause === "steps" ? "step" : "configuration";
  const budget = counted(limits[last.cause], unit);
  const summary = `no order found for ${group.join(", ")} within ${budget}, and none excluded`;
  return { result: { valid: "unknown", summary }, steps };
}

function cheapLimits(ops: readonly BankOp[], limits: SearchLimits): SearchLimits {
  const share = Math.max(limits.steps * VIEW_SHARE, ops.length * VIEW_STEPS_PER_OP);
  return { ...limits, steps: Math.min(limits.steps, Math.ceil(share)) };
}

/** Each account alone, then the pairs that some operation connects. */
function* viewsOf(ops: readonly BankOp[], group: readonly string[]): Generator<readonly string[]> {
  if (group.length === 1) return;
  for (const account of group) yield [account];
  if (group.length === 2) return;
  const pairs = new Map<string, readonly string[]>();
  for (const { operation } of ops) {
    if (operation.kind !== "move") continue;
    const pair = [operation.from, operation.to].sort((a, b) => (a < b ? -1 : 1));
    pairs.set(pair.join(" "), pair);
  }
  yield* pairs.values();
}

function passed(ops: readonly BankOp[], order: readonly number[]): CheckResult {
  const wrong = replay(ops, order);
  assert(wrong === undefined, `the order found does not replay: ${wrong}`);
  return { valid: true, summary: "" };
}

function refuted(
  ops: readonly BankOp[],
  accounts: readonly string[],
  blocked: number,
  limits: SearchLimits,
): CheckResult {
  const op = ops[blocked];
  assert(op !== undefined, "the blocked operation is one of those searched");
  const summary = `not linearizable on ${accounts.join(", ")}: no order gives ${describe(op.source)}`;
  return { valid: false, summary, explanation: explain(ops, blocked, limits) };
}
