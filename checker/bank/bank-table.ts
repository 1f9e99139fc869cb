// A bank's operations as columns of numbers: what the fast checks read, a few dozen bytes each.
// Every account starts absent; an opening makes it exist with a balance of 0.

import { byte } from "../columns.js";
import type { BankOp } from "./bank-history.js";
import { accountsOf, type BankOperation } from "./bank-operation.js";

/** The code of each kind; those from `BALANCE` on never change anything. */
export const OPEN = 0;
export const DEPOSIT = 1;
export const WITHDRAW = 2;
export const MOVE = 3;
export const BALANCE = 4;
export const STATEMENT = 5;

/** The code of each refusal; ACCEPTED where there was none. */
export const ACCEPTED = 0;
export const NO_SUCH_ACCOUNT = 1;
export const ACCOUNT_EXISTS = 2;
export const INSUFFICIENT_FUNDS = 3;
export const OVERFLOW = 4;
/** A refusal that the bank never gives to an operation of this shape. */
export const UNFOUNDED = 5;

/** No second account. */
export const NO_ACCOUNT = -1;
/** The balance of an account that is not open. */
export const ABSENT = -1;
/** The return of an operation of unknown outcome. */
export const NO_RETURN = 0x7fffffff;

/** What a statement showed; absent fields said nothing. */
export type Shown = {
  limit: number;
  entryCount: number | undefined;
  amounts: readonly number[] | undefined;
};

/** One row an operation, by call. */
export type BankTable = {
  count: number;
  /** Names, by number. */
  accounts: readonly string[];
  kind: Uint8Array;
  refusal: Uint8Array;
  /** 1 where nobody knows whether it took effect. */
  optional: Uint8Array;
  /** 1 where it can never have an effect, in whatever state it is performed. */
  free: Uint8Array;
  /** The account taken from or looked at; of a deposit or an opening, the account itself. */
  first: Int32Array;
  /** Where a move goes to; else NO_ACCOUNT. */
  second: Int32Array;
  amount: Float64Array;
  /** What the answer said `first` and `second` had afterwards; NaN where it said nothing. */
  balance: Float64Array;
  toBalance: Float64Array;
  /** Positions in `events`; NO_RETURN for an optional one. */
  call: Int32Array;
  ret: Int32Array;
  /** In the order of real time: a row that begins, or ~row for one that ends. */
  events: Int32Array;
  /** By row. */
  statements: ReadonlyMap<number, Shown>;
};

export function bankTable(ops: readonly BankOp[]): BankTable {
  const count = ops.length;
  const numbers = new Map<string, number>();
  const statements = new Map<number, Shown>();
  const table = {
    ...emptyColumns(count),
    accounts: [] as string[],
    events: eventsOf(ops),
    statements,
  };
  const numberOf = (account: string): number => {
    const known = numbers.get(account);
    if (known !== undefined) return known;
    numbers.set(account, table.accounts.length);
    return table.accounts.push(account) - 1;
  };
  for (const [row, { operation, answer, optional }] of ops.entries()) {
    const [first, second] = accountsOf(operation);
    table.kind[row] = kindOf(operation);
    table.optional[row] = optional ? 1 : 0;
    table.first[row] = first === undefined ? NO_ACCOUNT : numberOf(first);
    table.second[row] = second === undefined ? NO_ACCOUNT : numberOf(second);
    table.amount[row] = "amount" in operation ? operation.amount : 0;
    if (answer?.kind === "refused") table.refusal[row] = refusalOf(answer.refusal);
    table.free[row] = hasNoEffect(byte(table.kind, row), byte(table.refusal, row)) ? 1 : 0;
    table.balance[row] = answer?.kind === "ok" ? (answer.balance ?? Number.NaN) : Number.NaN;
    table.toBalance[row] = answer?.kind === "ok" ? (answer.toBalance ?? Number.NaN) : Number.NaN;
    if (operation.kind === "statement" && answer?.kind === "ok") {
      const { entryCount, amounts } = answer;
      statements.set(row, { limit: operation.limit, entryCount, amounts });
    }
  }
  for (const [position, event] of table.events.entries()) {
    if (event >= 0) table.call[event] = position;
    else table.ret[~event] = position;
  }
  return table;
}

/** Columns of `count` rows in which nothing was asked and nothing answered. */
export function emptyColumns(count: number) {
  return {
    count,
    kind: new Uint8Array(count),
    refusal: new Uint8Array(count),
    optional: new Uint8Array(count),
    free: new Uint8Array(count),
    first: new Int32Array(count),
    second: new Int32Array(count),
    amount: new Float64Array(count),
    balance: new Float64Array(count),
    toBalance: new Float64Array(count),
    call: new Int32Array(count),
    ret: new Int32Array(count).fill(NO_RETURN),
  };
}

/** Whether what was asked, and answered so, can never have an effect. */
export function hasNoEffect(kind: number, refusal: number): boolean {
  return kind >= BALANCE || refusal !== ACCEPTED;
}

export function isFree({ free }: BankTable, row: number): boolean {
  return free[row] === 1;
}

/** Ranks are counted out where there are at most so many for each event. */
const RANKS_AN_EVENT_MAX = 8;
/** No event has a rank. */
const NO_EVENT = -0x80000000;

/** The calls and returns of `ops`, whose ranks may have gaps, in order. */
function eventsOf(ops: readonly BankOp[]): Int32Array {
  let returns = 0;
  let last = -1;
  for (const { call, ret } of ops) {
    const isOver = Number.isFinite(ret);
    if (isOver) returns += 1;
    last = Math.max(last, call, isOver ? ret : -1);
  }
  const first = ops[0]?.call ?? 0;
  const span = last - first + 1;
  const count = ops.length + returns;
  if (span > RANKS_AN_EVENT_MAX * (count + 1)) return sortedEvents(ops, count);
  const byRank = new Int32Array(span).fill(NO_EVENT);
  for (const [row, { call, ret }] of ops.entries()) {
    byRank[call - first] = row;
    if (Number.isFinite(ret)) byRank[ret - first] = ~row;
  }
  let next = 0;
  for (const event of byRank) if (event !== NO_EVENT) byRank[next++] = event;
  return byRank.slice(0, next);
}

function sortedEvents(ops: readonly BankOp[], count: number): Int32Array {
  const rets = ops.flatMap(({ ret }, row) => (Number.isFinite(ret) ? [{ ret, row }] : []));
  rets.sort((a, b) => a.ret - b.ret);
  const events = new Int32Array(count);
  let next = 0;
  let over = 0;
  for (const [row, { call }] of ops.entries()) {
    for (; (rets[over]?.ret ?? call) < call; over++) events[next++] = ~(rets[over]?.row ?? 0);
    events[next++] = row;
  }
  for (; over < rets.length; over++) events[next++] = ~(rets[over]?.row ?? 0);
  return events;
}

const KINDS = ["open", "deposit", "withdraw", "move", "balance", "statement"];
const REFUSALS = ["", "no-such-account", "account-exists", "insufficient-funds", "overflow"];

function kindOf({ kind }: BankOperation): number {
  return KINDS.indexOf(kind);
}

function refusalOf(refusal: string): number {
  const code = REFUSALS.indexOf(refusal);
  return code < 0 ? UNFOUNDED : code;
}
