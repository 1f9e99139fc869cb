// The smallest part of a refuted history that is still refuted, as far as that is cheap to find.

import type { BankOp } from "./bank-history.js";
import { type Bank, perform } from "./model.js";
import { isEffectFree, type SearchLimits, search } from "./search.js";

/** Steps of all searches that make one part smaller. */
const STEPS_MAX = 400_000;

export type Part = {
  /** By call; the blocked operation is among them. */
  ops: readonly BankOp[];
  blocked: BankOp;
  /** Over before any of `ops` began, and performed first, in this order. */
  settled: readonly BankOp[];
};

/** `blocked` could not be placed among `ops`. Undefined where not even that is cheap to see again. */
export function smallestPart(ops: readonly BankOp[], blocked: BankOp): Part | undefined {
  const budget = { steps: STEPS_MAX };
  const whole: Part = { ops: endingWith(ops, blocked), blocked, settled: [] };
  const settled = settle(whole.ops, blocked);
  const [start] = [balancesOnly(settled), settled, balancesOnly(whole), whole].filter((part) =>
    stillFails(part, budget),
  );
  if (start === undefined) return undefined;
  let smallest = start;
  for (const op of start.ops) {
    if (op.source === blocked.source || !isEffectFree(op)) continue;
    const smaller = { ...smallest, ops: smallest.ops.filter((other) => other !== op) };
    if (stillFails(smaller, budget)) smallest = smaller;
    if (budget.steps <= 0) break;
  }
  return smallest;
}

/** The bank after the settled operations; undefined where they cannot be performed in this order. */
export function settledBank({ settled }: Part): Bank | undefined {
  const bank: Bank = new Map();
  return settled.every(({ operation }) => perform(bank, operation)) ? bank : undefined;
}

/** Without what was invoked after `last` returned; what returned after it may come after it. */
export function endingWith(ops: readonly BankOp[], last: BankOp): BankOp[] {
  return ops
    .filter(({ call }) => call < last.ret)
    .map((op) => (op.ret > last.ret ? { ...op, optional: true } : op));
}

/** Divides at the last moment before `blocked` at which nothing that must happen was going on. */
function settle(ops: readonly BankOp[], blocked: BankOp): Part {
  let start = 0;
  let latest = -1;
  for (const [position, { call, ret, optional }] of ops.entries()) {
    if (call > blocked.call) break;
    if (latest < call) start = position;
    if (!optional) latest = Math.max(latest, ret);
  }
  const before = ops.slice(0, start);
  // Which order they really took is not known; for balances it makes no difference.
  const settled = before
    .filter((op) => !op.optional && !isEffectFree(op))
    .sort((a, b) => a.ret - b.ret);
  const rest = [...before.filter(({ optional }) => optional), ...ops.slice(start)];
  return { ops: rest, blocked, settled };
}

/** With statements that show no postings, so that what came before can be summed up. */
function balancesOnly(part: Part): Part {
  const plain = (op: BankOp): BankOp => {
    const { operation, answer } = op;
    if (operation.kind !== "statement" || answer?.kind !== "ok") return op;
    const { balance } = answer;
    const said = balance === undefined ? { kind: "ok" as const } : { kind: "ok" as const, balance };
    return { ...op, operation: { kind: "balance", account: operation.account }, answer: said };
  };
  return { ...part, ops: part.ops.map(plain) };
}

/** Takes its steps from the budget. */
function stillFails(part: Part, budget: { steps: number }): boolean {
  const bank = settledBank(part);
  if (bank === undefined || budget.steps <= 0) return false;
  const limits: SearchLimits = { steps: budget.steps, configurations: budget.steps };
  const result = search(part.ops, bank, limits);
  budget.steps -= result.steps;
  return result.found === false && part.ops[result.blocked]?.source === part.blocked.source;
}
