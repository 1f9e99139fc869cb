// Why no order explains a history, for people: what was over before the operation in question, what
// went on meanwhile, what was possible, and what the impossible answer looks like.

import { counted, cut, describe, duration, seconds } from "../describe.js";
import type { BankOp } from "./bank-history.js";
import { accountsOf } from "./bank-operation.js";
import { type SearchLimits, search } from "./search.js";
import { type Part, settledBank } from "./shrink.js";

const BEFORE_MAX = 3;
const CONCURRENT_MAX = 12;
const UNKNOWN_MAX = 4;
const BALANCES_MAX = 8;
const LONGEST_SHOWN = 3;
/** A part of so many operations is small enough to be looked at. */
const PART_MAX = 8;

/**
 * `ops` have no linearization because of the one at `blocked`, as `search` found; `longest` is the
 * order that got furthest, `part` what still fails alone.
 */
export function explain(
  ops: readonly BankOp[],
  blocked: number,
  longest: readonly number[],
  part: Part | undefined,
  limits: SearchLimits,
): string[] {
  const op = ops[blocked];
  if (op === undefined) return [];
  const balances = possibleBalances(ops, blocked, limits);
  return [
    `no order gives: ${describe(op.source)}`,
    ...certain(ops, op),
    ...around(ops, op),
    ...balances.map(({ account, values }) => possible(account, values)),
    ...resemblances(ops, op, balances),
    ...furthest(ops, op, longest),
    ...smallest(part),
  ];
}

/** What each of the operation's accounts had when it began, less what was still going on. */
function certain(ops: readonly BankOp[], blocked: BankOp): string[] {
  return accountsOf(blocked.operation).map((account) => {
    const over = ops.filter(
      (op) => !op.optional && op.ret < blocked.call && effectOn(op, account) !== 0,
    );
    const balance = over.reduce((sum, op) => sum + effectOn(op, account), 0);
    const writes = counted(over.length, "write");
    return `certain when it began: ${writes} of ${account} were over, which leave ${balance}`;
  });
}

/** The longest legal order, and what cannot follow. */
function furthest(ops: readonly BankOp[], blocked: BankOp, longest: readonly number[]): string[] {
  const last = longest.slice(-LONGEST_SHOWN).flatMap((position) => ops[position] ?? []);
  if (last.length === 0) return [];
  const count = counted(longest.length, "operation");
  return [
    `the longest legal order that respects real time has ${count} of ${ops.length}, and ends with:`,
    ...last.map(({ source }) => `  ${describe(source)}`),
    "  what cannot follow, and can neither wait nor come sooner:",
    `  ${describe(blocked.source)}`,
  ];
}

/** What touches the operation's accounts, before it and beside it. */
function around(ops: readonly BankOp[], blocked: BankOp): string[] {
  const all = [...new Set(ops.flatMap(({ operation }) => accountsOf(operation)))];
  // In a view of two accounts it is what happened to both that contradicts itself.
  const accounts = all.length <= 2 ? all : accountsOf(blocked.operation);
  const near = ops.filter(
    (op) =>
      op.source !== blocked.source &&
      accountsOf(op.operation).some((account) => accounts.includes(account)),
  );
  const settled = near.filter(({ optional }) => !optional);
  const before = settled.filter(({ ret }) => ret < blocked.call).sort((a, b) => a.ret - b.ret);
  const beside = settled.filter(({ call, ret }) => call < blocked.ret && ret > blocked.call);
  const unknown = near.filter(({ optional, call }) => optional && call < blocked.ret);
  const lines: string[] = [];
  const list = (what: string, some: readonly BankOp[]) => {
    lines.push(some.length === 0 ? `${what}: nothing` : `${what}:`);
    lines.push(
      ...cut(
        some.map(({ source }) => `  ${describe(source)}`),
        CONCURRENT_MAX,
      ),
    );
  };
  list(`over before it began, on ${accounts.join(", ")}, the last`, before.slice(-BEFORE_MAX));
  list("beside it", beside);
  if (unknown.length > 0) {
    const count = counted(unknown.length, "operation");
    list(`${count} that may have acted by then, or later, or never, the newest`, [
      ...unknown.slice(-UNKNOWN_MAX),
    ]);
  }
  return lines;
}

type Balances = { account: string; values: ReadonlySet<number | "no account"> };

/** The balances, in all orders tried, at the moments when the blocked operation could take place. */
function possibleBalances(
  ops: readonly BankOp[],
  blocked: number,
  limits: SearchLimits,
): Balances[] {
  const op = ops[blocked];
  const accounts = op === undefined ? [] : accountsOf(op.operation);
  const seen = accounts.map((account) => ({ account, values: new Set<number | "no account">() }));
  search(ops, new Map(), limits, (deadline, bank) => {
    const next = ops[deadline];
    if (op === undefined || next === undefined || op.call > next.ret) return;
    for (const { account, values } of seen) {
      values.add(bank.get(account)?.balance ?? "no account");
    }
  });
  return seen;
}

function possible(account: string, values: Balances["values"]): string {
  const sorted = [...values].sort((a, b) => Number(a) - Number(b));
  const list = cut(sorted.map(String), BALANCES_MAX).join(", ");
  return `whatever order is tried, while it could take place ${account} has: ${list}`;
}

/** What the impossible balance looks like: an old one, or one with a write too few or too many. */
function resemblances(
  ops: readonly BankOp[],
  blocked: BankOp,
  balances: readonly Balances[],
): string[] {
  return balanceSaid(blocked).flatMap(({ account, balance }) => {
    const own = balances.find((candidate) => candidate.account === account);
    const values = [...(own?.values ?? [])].filter((value) => value !== "no account");
    if (own === undefined || own.values.has(balance)) return [];
    const effect = effectOn(blocked, account);
    return [
      ...staleness(ops, blocked, account, balance),
      ...difference(
        ops,
        blocked,
        account,
        values.map((value) => balance - (value + effect)),
      ),
    ];
  });
}

function staleness(
  ops: readonly BankOp[],
  blocked: BankOp,
  account: string,
  balance: number,
): string[] {
  const earlier = ops.findLast(
    (op) =>
      op.ret < blocked.call &&
      balanceSaid(op).some((said) => said.account === account && said.balance === balance),
  );
  if (earlier === undefined) return [];
  const ended = earlier.source.completion?.time ?? 0;
  const ago = duration(blocked.source.invocation.time - ended);
  return [
    `it looks stale: ${account} had ${balance} at ${seconds(ended)}, ${ago} before, as seen by`,
  ].concat(`  ${describe(earlier.source)}`);
}

/** Names the write whose amount is the difference between what was said and what was possible. */
function difference(
  ops: readonly BankOp[],
  blocked: BankOp,
  account: string,
  offs: readonly number[],
): string[] {
  const suspect = ops.findLast(
    (op) =>
      op.source !== blocked.source &&
      op.call < blocked.ret &&
      effectOn(op, account) !== 0 &&
      offs.some((off) => Math.abs(effectOn(op, account)) === Math.abs(off)),
  );
  if (suspect === undefined) return [];
  const effect = effectOn(suspect, account);
  const missing = offs.includes(-effect);
  const off = missing ? -effect : effect;
  const looks = missing ? "the effect of this write is missing" : "this write counts twice";
  return [`it is off by ${off}, as if ${looks}:`, `  ${describe(suspect.source)}`];
}

function effectOn({ operation, answer }: BankOp, account: string): number {
  if (answer?.kind === "refused") return 0;
  switch (operation.kind) {
    case "deposit":
      return operation.account === account ? operation.amount : 0;
    case "withdraw":
      return operation.account === account ? -operation.amount : 0;
    case "move":
      if (operation.from === account) return -operation.amount;
      return operation.to === account ? operation.amount : 0;
    default:
      return 0;
  }
}

/** The balances that an answer names. */
function balanceSaid({ operation, answer }: BankOp): { account: string; balance: number }[] {
  if (answer?.kind !== "ok") return [];
  const [first, second] = accountsOf(operation);
  const said: { account: string; balance: number }[] = [];
  if (first !== undefined && answer.balance !== undefined) {
    said.push({ account: first, balance: answer.balance });
  }
  if (second !== undefined && answer.toBalance !== undefined) {
    said.push({ account: second, balance: answer.toBalance });
  }
  return said;
}

/** A part that contradicts itself already, where it is small. */
function smallest(part: Part | undefined): string[] {
  const bank = part === undefined ? undefined : settledBank(part);
  if (part === undefined || bank === undefined || part.ops.length > PART_MAX) return [];
  const balances = [...bank]
    .map(([account, { balance }]) => `${account} has ${balance}`)
    .join(", ");
  const writes = counted(part.settled.length, "write");
  return [
    `these alone contradict each other, once ${writes} before them are over (${balances}):`,
    ...part.ops.map(({ source }) => `  ${describe(source)}`),
  ];
}
