// Why no order explains a history, for people: the smallest part of it that still cannot be
// explained, what was certain before it, what was going on meanwhile, and what was possible.

import type { BankOp } from "./bank-history.js";
import { accountsOf } from "./bank-operation.js";
import { counted, cut, describe, seconds } from "./describe.js";
import type { Bank } from "./model.js";
import { perform } from "./model.js";
import { isEffectFree, type SearchLimits, search } from "./search.js";

const CONCURRENT_MAX = 12;
/** Searches spent on making the explanation smaller. */
const SHRINK_SEARCHES_MAX = 200;
/** Each of those searches may take so many steps. */
const SHRINK_STEPS_MAX = 50_000;

type Part = {
  ops: readonly BankOp[];
  blocked: BankOp;
  /** Performed before all others, in this order: none of them was concurrent with any of `ops`. */
  settled: readonly BankOp[];
};

/** `ops` have no linearization because of the one at `blocked`, as `search` found. */
export function explain(ops: readonly BankOp[], blocked: number, limits: SearchLimits): string[] {
  const op = ops[blocked];
  if (op === undefined) return [];
  const whole = { ops: endingWith(ops, op), blocked: op, settled: [] };
  const part = shrink(settle(whole, limits));
  const lines = [`what cannot be explained: ${describe(op.source)}`, ...certain(part)];
  const others = part.ops.filter((other) => other.source !== op.source);
  if (others.length === 0) lines.push("nothing else was going on");
  else {
    lines.push(`what was going on meanwhile, in order of invocation:`);
    lines.push(
      ...cut(
        others.map(({ source }) => `  ${describe(source)}`),
        CONCURRENT_MAX,
      ),
    );
  }
  lines.push(...possible(part, limits));
  return lines;
}

/**
 * The history up to the return of `last`: what was invoked later is left out, and what returned
 * later may have come later.
 */
function endingWith(ops: readonly BankOp[], last: BankOp): BankOp[] {
  return ops
    .filter(({ call }) => call < last.ret)
    .map((op) => (op.ret > last.ret ? { ...op, optional: true } : op));
}

/** Moves to `settled` all that was over before the last moment of rest before the blocked one. */
function settle(part: Part, limits: SearchLimits): Part {
  const { ops, blocked } = part;
  let restAt = 0;
  let latest = -1;
  for (const [position, { call, ret, optional }] of ops.entries()) {
    if (call > blocked.call) break;
    if (latest < call) restAt = position;
    if (!optional) latest = Math.max(latest, ret);
  }
  const before = ops.slice(0, restAt);
  const rest = [...before.filter(({ optional }) => optional), ...ops.slice(restAt)];
  // Which order they really took is not known; for balances it makes no difference.
  const settled = before
    .filter((op) => !op.optional && !isEffectFree(op))
    .sort((a, b) => a.ret - b.ret);
  const shorter = { ops: rest, blocked, settled };
  return stillFails(shorter, limits) ? shorter : part;
}

/** Leaves out reads and refusals, the earliest first, as long as what is left still fails. */
function shrink(part: Part): Part {
  const limits = { steps: SHRINK_STEPS_MAX, configurations: SHRINK_STEPS_MAX };
  let smallest = part;
  let searches = 0;
  for (const op of part.ops) {
    if (op.source === part.blocked.source || !isEffectFree(op)) continue;
    if (searches === SHRINK_SEARCHES_MAX) break;
    searches += 1;
    const smaller = { ...smallest, ops: smallest.ops.filter((other) => other !== op) };
    if (stillFails(smaller, limits)) smallest = smaller;
  }
  return smallest;
}

function stillFails(part: Part, limits: SearchLimits): boolean {
  const bank = settledBank(part);
  if (bank === undefined) return false;
  const result = search(part.ops, bank, limits);
  return result.found === false && part.ops[result.blocked]?.source === part.blocked.source;
}

/** Undefined where the settled operations cannot be performed in the order assumed. */
function settledBank({ settled }: Part): Bank | undefined {
  const bank: Bank = new Map();
  return settled.every(({ operation }) => perform(bank, operation)) ? bank : undefined;
}

function certain(part: Part): string[] {
  const bank = settledBank(part);
  const last = part.settled.at(-1)?.source.completion;
  if (bank === undefined || last === undefined) return ["before it, nothing is certain"];
  const balances = [...bank].map(([account, { balance }]) => `${account} has ${balance}`);
  const count = counted(part.settled.length, "write");
  return [`certain at ${seconds(last.time)}, from ${count} that were over: ${balances.join(", ")}`];
}

/** The balances that were possible where the blocked operation had to take place. */
function possible(part: Part, limits: SearchLimits): string[] {
  const bank = settledBank(part);
  if (bank === undefined) return [];
  const accounts = accountsOf(part.blocked.operation);
  const seen = new Map(accounts.map((account) => [account, new Set<string>()]));
  search(part.ops, bank, limits, (deadline, now) => {
    if (part.ops[deadline]?.source !== part.blocked.source) return;
    for (const [account, balances] of seen) {
      balances.add(String(now.get(account)?.balance ?? "no account"));
    }
  });
  return [...seen].map(([account, balances]) => {
    const sorted = [...balances].sort((a, b) => Number(a) - Number(b));
    const list = cut(sorted, CONCURRENT_MAX).join(", ");
    return `in every order that explains the rest, ${account} has at that point: ${list}`;
  });
}
