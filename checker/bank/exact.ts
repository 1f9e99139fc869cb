// The exact search over a history's accounts, for what nothing quicker decides. Budgets grow: first
// the accounts that are under suspicion, each alone and only as far as the suspicion goes; then
// everything connected, cheaply; then each account and each pair; then everything again.

import assert from "node:assert/strict";
import { counted, describe } from "../describe.js";
import type { CheckResult } from "../verdict.js";
import type { BankOp } from "./bank-history.js";
import { accountsOf } from "./bank-operation.js";
import { counterexample } from "./counterexample.js";
import { explain } from "./explain.js";
import { independentGroups, project } from "./projection.js";
import { replay } from "./replay.js";
import { type SearchLimits, search } from "./search.js";
import { endingWith, smallestPart } from "./shrink.js";

/** Counted in steps, not in time: a history has one verdict, on whatever machine. */
export const SEARCH_DEFAULTS: SearchLimits = { steps: 4_000_000, configurations: 2_000_000 };

/** The first search, and each view of one account or two, may use this share of the steps. */
const VIEW_SHARE = 1 / 8;
/** … or, in a long history, so many steps for each operation. */
const VIEW_STEPS_PER_OP = 50;
/** Operations under suspicion that are looked at first. */
const SUSPECTS_MAX = 4;

/** What a search of everything came to; `steps` of all searches together. */
export type Finding = { result: CheckResult; steps: number };

/** `suspects` are positions in `ops` that something quicker could not place, the likeliest first. */
export function searchAll(
  ops: readonly BankOp[],
  suspects: readonly number[],
  limits: SearchLimits,
): Finding {
  const suspected = searchSuspects(ops, suspects, limits);
  let steps = suspected.steps;
  if (suspected.result.valid === false) return suspected;
  const groups = independentGroups(ops);
  const unknown: string[] = [];
  for (const group of groups) {
    const own = groups.length === 1 ? ops : project(ops, new Set(group));
    const finding = searchGroup(own, group, limits);
    steps += finding.steps;
    if (finding.result.valid === false) return { result: finding.result, steps };
    if (finding.result.valid === "unknown") unknown.push(finding.result.summary);
  }
  if (unknown.length === 0) return { result: { valid: true, summary: "" }, steps };
  return { result: { valid: "unknown", summary: unknown[0] ?? "", explanation: unknown }, steps };
}

/** Each account of a suspect alone, up to the suspect's return. */
function searchSuspects(
  ops: readonly BankOp[],
  suspects: readonly number[],
  limits: SearchLimits,
): Finding {
  let steps = 0;
  for (const position of suspects.slice(0, SUSPECTS_MAX)) {
    const suspect = ops[position];
    if (suspect === undefined) continue;
    const before = endingWith(ops, suspect);
    for (const account of accountsOf(suspect.operation)) {
      const view = project(before, new Set([account]));
      const viewLimits = cheapLimits(view, limits);
      const seen = search(view, new Map(), viewLimits);
      steps += seen.steps;
      if (seen.found !== false) continue;
      return { result: refuted(view, [account], seen, viewLimits), steps };
    }
  }
  return { result: { valid: "unknown", summary: "" }, steps };
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
      return { result: refuted(projected, view, seen, viewLimits), steps };
    }
  }
  if (first.found === false) return { result: refuted(ops, group, first, limits), steps };
  const last = cheap.steps === limits.steps ? first : search(ops, new Map(), limits);
  if (last !== first) steps += last.steps;
  if (last.found === true) return { result: passed(ops, last.order), steps };
  if (last.found === false) return { result: refuted(ops, group, last, limits), steps };
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

type Refutation = { blocked: number; longest: readonly number[] };

function refuted(
  ops: readonly BankOp[],
  accounts: readonly string[],
  { blocked, longest }: Refutation,
  limits: SearchLimits,
): CheckResult {
  const op = ops[blocked];
  assert(op !== undefined, "the blocked operation is one of those searched");
  const summary = `not linearizable on ${accounts.join(", ")}: no order gives ${describe(op.source)}`;
  const part = smallestPart(ops, op);
  const explanation = explain(ops, blocked, longest, part, limits);
  const smallest = part === undefined ? [] : counterexample(part);
  return { valid: false, summary, explanation, ...(smallest.length > 0 ? { smallest } : {}) };
}
