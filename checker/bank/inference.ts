// Balances as constraints. Effects commute, so a balance depends only on the set of writes before it:
// for each balance that an answer names, the subset of the concurrent writes that it must have seen
// is found by exact subset sum. One explanation places the observation, and each of those writes
// before or behind it; several, or none, place nothing here. Nothing that a server says about order
// is looked at. One sweep over the events.

import { float, int } from "../columns.js";
import { ABSENT, type BankTable, isFree, NO_ACCOUNT, OPEN } from "./bank-table.js";
import { changeOf, Explanations } from "./explanations.js";

/** Nothing is known: no limit. */
export const UNPLACED = 0x7fffffff;

/**
 * What is known of places. An account's place is how many of its postings came before. Index
 * 2 × row, or 2 × row + 1 for the second account of a move.
 */
export type Places = {
  /** The write comes behind everything up to this place. */
  behind: Int32Array;
  /** It is among the postings up to this place, or, where it is a read, reads exactly there. */
  within: Int32Array;
  /** 1 where the row took effect, or must have. */
  applied: Uint8Array;
  /** Rows whose answer nothing explained, given what was inferred before. */
  unexplained: number[];
  /** Rows with several explanations, or too many candidates to try. */
  ambiguous: number[];
};

export function infer(table: BankTable): Places {
  return new Inference(table).run();
}

/** Guards: `base` of an account is the sum of the writes settled so far, those in its log. */
class Inference {
  readonly #table: BankTable;
  readonly #places: Places;
  readonly #base: Float64Array;
  /** By account: its log, from `starts` on, `logged` long. */
  readonly #starts: Int32Array;
  readonly #log: Int32Array;
  readonly #logged: Int32Array;
  /** By index: the account's base, and the length of its log, at the call. */
  readonly #baseAt: Float64Array;
  readonly #loggedAt: Int32Array;
  /** By account: writes going on, and writes of unknown outcome, not settled. */
  readonly #pending: number[][];
  readonly #unresolved: number[][];
  /** 1 at each place of the log where the set of writes is known, and by account the last. */
  readonly #known: Uint8Array;
  readonly #knownLast: Int32Array;
  /** By index: 1 where the write is in the account's log. */
  readonly #settled: Uint8Array;
  readonly #explanations: Explanations;

  constructor(table: BankTable) {
    const { count, accounts, optional } = table;
    this.#table = table;
    this.#base = new Float64Array(accounts.length);
    this.#starts = startsOf(table);
    this.#log = new Int32Array(int(this.#starts, accounts.length));
    this.#known = new Uint8Array(this.#log.length);
    this.#logged = new Int32Array(accounts.length);
    this.#knownLast = new Int32Array(accounts.length);
    this.#baseAt = new Float64Array(2 * count);
    this.#loggedAt = new Int32Array(2 * count);
    this.#pending = accounts.map(() => []);
    this.#unresolved = accounts.map(() => []);
    this.#settled = new Uint8Array(2 * count);
    this.#explanations = new Explanations(table);
    this.#places = {
      behind: new Int32Array(2 * count),
      within: new Int32Array(2 * count).fill(UNPLACED),
      applied: optional.map((unknown) => 1 - unknown),
      unexplained: [],
      ambiguous: [],
    };
  }

  run(): Places {
    for (const event of this.#table.events) {
      if (event >= 0) this.#begin(event);
      else this.#end(~event);
    }
    return this.#places;
  }

  #begin(row: number): void {
    const { optional, kind, second } = this.#table;
    if (kind[row] === OPEN) return;
    const sides = second[row] === NO_ACCOUNT ? 1 : 2;
    for (let side = 0; side < sides; side++) {
      const account = this.#account(row, side);
      this.#baseAt[2 * row + side] = float(this.#base, account);
      this.#loggedAt[2 * row + side] = int(this.#logged, account);
      if (isFree(this.#table, row)) continue;
      const list = optional[row] === 1 ? this.#unresolved[account] : this.#pending[account];
      list?.push(row);
    }
  }

  #end(row: number): void {
    const { kind, refusal, balance, toBalance } = this.#table;
    if (kind[row] === OPEN || refusal[row] !== 0) return;
    this.#explain(row, 0, float(balance, row));
    if (isFree(this.#table, row)) return;
    this.#explain(row, 1, float(toBalance, row));
    this.#settle(row, 0);
    if (this.#table.second[row] !== NO_ACCOUNT) this.#settle(row, 1);
  }

  /** Finds the writes that an answered balance must have seen. */
  #explain(row: number, side: number, answer: number): void {
    if (Number.isNaN(answer)) return;
    const index = 2 * row + side;
    const isWrite = !isFree(this.#table, row);
    const own = isWrite ? changeOf(this.#table, row, side) : 0;
    const account = this.#account(row, side);
    this.#gather(row, account, int(this.#loggedAt, index));
    const explanations = this.#explanations;
    const unresolved = this.#unresolved[account] ?? [];
    const found = explanations.explain(answer - own, float(this.#baseAt, index), unresolved);
    if (found !== "one") {
      const list = found === "none" ? this.#places.unexplained : this.#places.ambiguous;
      list.push(row);
      return;
    }
    let place = int(this.#loggedAt, index);
    for (let member = 0; member < explanations.count; member++) {
      if (explanations.isChosen(member)) place += 1;
    }
    this.#place(row, side, account, place, isWrite);
  }

  /** Writes that may or may not come before: settled since its call, or going on. */
  #gather(row: number, account: number, from: number): void {
    const start = int(this.#starts, account);
    const end = start + int(this.#logged, account);
    this.#explanations.reset(account);
    for (let entry = start + from; entry < end; entry++) {
      const other = int(this.#log, entry);
      if (other !== row) this.#explanations.add(other);
    }
    for (const other of this.#pending[account] ?? []) {
      if (other !== row) this.#explanations.add(other);
    }
  }

  /** The observation sees exactly `place` postings, those chosen among them. */
  #place(row: number, side: number, account: number, place: number, isWrite: boolean): void {
    const { behind, within, applied } = this.#places;
    const after = isWrite ? place + 1 : place;
    if (isWrite) behind[2 * row + side] = Math.max(int(behind, 2 * row + side), place);
    within[2 * row + side] = after;
    const { count } = this.#explanations;
    for (let member = 0; member < count; member++) {
      const other = this.#explanations.row(member);
      const index = 2 * other + (this.#account(other, 0) === account ? 0 : 1);
      if (this.#explanations.isChosen(member)) {
        within[index] = Math.min(int(within, index), place);
      } else behind[index] = Math.max(int(behind, index), after);
    }
    for (let member = 0; member < count; member++) {
      if (!this.#explanations.isChosen(member)) continue;
      const other = this.#explanations.row(member);
      if (applied[other] === 0) this.#resolve(other);
      this.#settle(other, this.#account(other, 0) === account ? 0 : 1);
    }
    this.#know(account, place);
    this.#know(account, after);
  }

  /**
   * A write of unknown outcome was seen, so it happened; on each account it comes behind what was seen
   * without it, and may have been seen by whatever is going on.
   */
  #resolve(row: number): void {
    const { behind, applied, within } = this.#places;
    applied[row] = 1;
    const sides = this.#table.second[row] === NO_ACCOUNT ? 1 : 2;
    for (let side = 0; side < sides; side++) {
      const account = this.#account(row, side);
      const index = 2 * row + side;
      const last = this.#knownBefore(account, int(within, index));
      behind[index] = Math.max(int(behind, index), last);
      remove(this.#unresolved[account] ?? [], row);
      this.#pending[account]?.push(row);
    }
  }

  #know(account: number, place: number): void {
    this.#known[int(this.#starts, account) + place] = 1;
    this.#knownLast[account] = Math.max(int(this.#knownLast, account), place);
  }

  /** The last place below `place` at which the set of writes is known. */
  #knownBefore(account: number, place: number): number {
    const start = int(this.#starts, account);
    let before = Math.min(place - 1, int(this.#knownLast, account));
    while (before > 0 && this.#known[start + before] === 0) before -= 1;
    return Math.max(0, before);
  }

  /** From here on it is before whatever begins on that account. */
  #settle(row: number, side: number): void {
    const index = 2 * row + side;
    if (this.#settled[index] === 1) return;
    this.#settled[index] = 1;
    const account = this.#account(row, side);
    const logged = int(this.#logged, account);
    this.#base[account] = float(this.#base, account) + changeOf(this.#table, row, side);
    this.#log[int(this.#starts, account) + logged] = row;
    this.#logged[account] = logged + 1;
    remove(this.#pending[account] ?? [], row);
  }

  #account(row: number, side: number): number {
    const { first, second } = this.#table;
    return (side === 0 ? first[row] : second[row]) ?? ABSENT;
  }
}

/** By account: where its log begins. Room for each posting, and for the place behind the last. */
function startsOf(table: BankTable): Int32Array {
  const { accounts, count, first, second } = table;
  const starts = new Int32Array(accounts.length + 1).fill(1, 1);
  for (let row = 0; row < count; row++) {
    if (isFree(table, row)) continue;
    const [one, two] = [int(first, row), int(second, row)];
    starts[one + 1] = int(starts, one + 1) + 1;
    if (two !== NO_ACCOUNT) starts[two + 1] = int(starts, two + 1) + 1;
  }
  for (let account = 0; account < accounts.length; account++) {
    starts[account + 1] = int(starts, account + 1) + int(starts, account);
  }
  return starts;
}

function remove(list: number[], row: number): void {
  const index = list.lastIndexOf(row);
  if (index >= 0) list.splice(index, 1);
}
