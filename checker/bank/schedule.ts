// An order from what was inferred: whatever returns must be placed by then, behind all that must come
// before it, and nothing is placed sooner than it must be, except what has no effect, which is taken
// as soon as its answer fits. The order is a candidate; replay has the last word. Where a balance is
// not pinned down, the choice that looks best is taken, and taken back only by beginning anew.

import { float, int } from "../columns.js";
import {
  ACCEPTED,
  ACCOUNT_EXISTS,
  type BankTable,
  INSUFFICIENT_FUNDS,
  isFree,
  NO_ACCOUNT,
  NO_SUCH_ACCOUNT,
  OPEN,
} from "./bank-table.js";
import { changeOf } from "./explanations.js";
import { type Places, UNPLACED } from "./inference.js";
import { NONE, Obligations } from "./obligations.js";
import { Standing } from "./standing.js";
import { CANDIDATES_MAX, SubsetSum } from "./subset-sum.js";

export type Schedule =
  | { order: Int32Array }
  /** `row` had to be placed and could not be; `pinned` where no choice led there. */
  | { row: number; pinned: boolean };

/** Chains of operations that wait for each other; a longer one is given up. */
const DEPTH_MAX = 2_000;
const ROUNDS_MAX = 64;
/** Each try costs as much as the first; each but the first wants one row more early. */
const TRIES_MAX = 16;

/** How to choose where balances leave it open. */
type Preference = {
  /** Rows that are wanted from their call on. */
  early: Set<number>;
  /** Of writes that would help, first those by the place at which they are due, or by their return. */
  first: "place" | "return";
};

/** Tries again where a choice led nowhere; a row that could not be placed at its return is wanted earlier. */
export function schedule(table: BankTable, places: Places): Schedule {
  let failed: Schedule = { row: NONE, pinned: true };
  for (const first of ["place", "return"] as const) {
    const early = new Set<number>();
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const found = new Scheduler(table, places, { early, first }).run();
      if ("order" in found || found.pinned) return found;
      failed = found;
      if (early.has(found.row)) break;
      early.add(found.row);
    }
  }
  return failed;
}

/** Where a row stands; 0 where it has not been called. */
const CALLED = 1;
const WANTED = 2;
const PLACED = 3;

/** Guards: what is placed could be performed, in this order, by the bank that `#standing` is. */
class Scheduler {
  readonly #table: BankTable;
  readonly #places: Places;
  readonly #standing: Standing;
  readonly #obligations: Obligations;
  readonly #state: Uint8Array;
  /** 1 for each row that is placed. */
  readonly #isPlaced: Uint8Array;
  readonly #order: Int32Array;
  #placed = 0;
  /** By account: called, not placed; those without effect, and the others. */
  readonly #waiting: number[][];
  readonly #open: number[][];
  readonly #subsets = new SubsetSum();
  readonly #preference: Preference;
  /** Rows that are wanted early, were called and are not placed. */
  #wanted: number[] = [];
  #depth = 0;
  #pinned = true;

  constructor(table: BankTable, places: Places, preference: Preference) {
    this.#table = table;
    this.#places = places;
    this.#preference = preference;
    this.#standing = new Standing(table);
    this.#isPlaced = new Uint8Array(table.count);
    this.#obligations = new Obligations(table, places, this.#isPlaced);
    this.#state = new Uint8Array(table.count);
    this.#order = new Int32Array(table.count);
    this.#waiting = table.accounts.map(() => []);
    this.#open = table.accounts.map(() => []);
  }

  run(): Schedule {
    for (const event of this.#table.events) {
      if (event >= 0) this.#call(event);
      else if (!this.#place(~event)) return { row: ~event, pinned: this.#pinned };
      if (this.#preference.early.has(event)) this.#wanted.push(event);
      if (this.#wanted.length > 0) this.#wanted = this.#wanted.filter((row) => !this.#place(row));
    }
    return { order: this.#order.slice(0, this.#placed) };
  }

  #call(row: number): void {
    if (this.#places.applied[row] === 0 && !this.#opens(row)) return;
    this.#state[row] = CALLED;
    const free = isFree(this.#table, row);
    if (free && this.#standing.accepts(row)) {
      this.#done(row);
      return;
    }
    const lists = free ? this.#waiting : this.#open;
    for (const account of this.#accounts(row)) lists[account]?.push(row);
  }

  /** Whether it is an opening of unknown outcome that may have to stand for one that happened. */
  #opens(row: number): boolean {
    const { kind } = this.#table;
    return kind[row] === OPEN && this.#obligations.openerOf(this.#account(row, 0)) === row;
  }

  /** Places a row, and before it all that must come before; false where that cannot be. */
  #place(row: number): boolean {
    if (this.#state[row] === PLACED) return true;
    if (this.#state[row] !== CALLED || this.#depth > DEPTH_MAX) return false;
    this.#state[row] = WANTED;
    this.#depth += 1;
    const placed = this.#prepare(row) && this.#perform(row);
    this.#depth -= 1;
    if (!placed && this.#state[row] === WANTED) this.#state[row] = CALLED;
    return placed;
  }

  /** Places what is known to come before. */
  #prepare(row: number): boolean {
    const { kind, refusal, second } = this.#table;
    if (kind[row] === OPEN || refusal[row] === NO_SUCH_ACCOUNT) return true;
    const free = isFree(this.#table, row);
    const sides = second[row] === NO_ACCOUNT ? 1 : 2;
    for (let side = 0; side < sides; side++) {
      const account = this.#account(row, side);
      if (!this.#standing.isOpen(account)) {
        const opener = this.#obligations.openerOf(account);
        if (opener !== NONE && !this.#place(opener)) return false;
      }
      const index = 2 * row + side;
      const limit = (free ? this.#places.within[index] : this.#places.behind[index]) ?? 0;
      if (limit !== UNPLACED && !this.#settle(account, limit, free)) return false;
    }
    return true;
  }

  /** Places what belongs to the account's first `limit` postings, and the reads of those. */
  #settle(account: number, limit: number, writesOnly: boolean): boolean {
    const due = this.#obligations;
    let item = due.next(account, NONE, limit);
    for (; item !== NONE; item = due.next(account, item, limit)) {
      const other = due.row(item);
      if (writesOnly && isFree(this.#table, other)) continue;
      if (!this.#place(other)) return false;
    }
    return true;
  }

  #perform(row: number): boolean {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      // Something placed meanwhile may have let it in.
      if (this.#state[row] === PLACED) return true;
      if (this.#standing.accepts(row)) {
        this.#letRefusalsPass(row);
        if (!this.#standing.accepts(row)) continue;
        this.#leave(row);
        this.#done(row);
        return true;
      }
      if (!this.#approach(row)) return false;
    }
    return false;
  }

  /**
   * A write that adds money may be the one before which a waiting refusal found too little: where the
   * withdrawals that are open could bring that about, they go first.
   */
  #letRefusalsPass(row: number): void {
    const { refusal, first, amount, second, kind } = this.#table;
    if (isFree(this.#table, row) || kind[row] === OPEN) return;
    const account = second[row] === NO_ACCOUNT ? int(first, row) : int(second, row);
    if (changeOf(this.#table, row, this.#sideOf(row, account)) < 0) return;
    for (const waiting of [...(this.#waiting[account] ?? [])]) {
      if (refusal[waiting] !== INSUFFICIENT_FUNDS || int(first, waiting) !== account) continue;
      if (this.#state[waiting] === PLACED) continue;
      const takers = this.#takers(account);
      const taken = takers.reduce((sum, taker) => sum + float(amount, taker), 0);
      if (this.#standing.balanceOf(account) - taken >= float(amount, waiting)) continue;
      this.#pinned = false;
      for (const taker of takers) {
        if (this.#state[waiting] !== PLACED && this.#standing.accepts(taker)) this.#place(taker);
      }
    }
  }

  /** Open writes that take from an account, and for which nothing else has to be placed first. */
  #takers(account: number): number[] {
    const takers = (this.#open[account] ?? []).filter((other) => {
      if (this.#state[other] !== CALLED || !this.#obligations.isNext(other)) return false;
      return changeOf(this.#table, other, this.#sideOf(other, account)) < 0;
    });
    return this.#soonest(account, takers);
  }

  /** Places something that brings a row's accounts nearer to what it needs. */
  #approach(row: number): boolean {
    const { kind, refusal, balance, toBalance, second } = this.#table;
    if (refusal[row] === NO_SUCH_ACCOUNT) return false;
    if (refusal[row] === ACCOUNT_EXISTS) {
      const opener = this.#obligations.openerOf(this.#account(row, 0));
      return opener !== NONE && this.#place(opener);
    }
    if (kind[row] === OPEN) return false;
    if (refusal[row] === INSUFFICIENT_FUNDS) return this.#shift(row, 0, -1);
    if (refusal[row] !== ACCEPTED) return this.#shift(row, second[row] === NO_ACCOUNT ? 0 : 1, 1);
    if (this.#meet(row, 0, float(balance, row))) return true;
    if (!isFree(this.#table, row)) {
      if (this.#meet(row, 1, float(toBalance, row))) return true;
      if (this.#standing.lacks(row)) return this.#shift(row, 0, 1);
    }
    return this.#shift(row, 0, 0);
  }

  /** Places a set of open writes that leads to the answered balance. */
  #meet(row: number, side: number, answer: number): boolean {
    if (Number.isNaN(answer)) return false;
    const account = this.#account(row, side);
    const own = isFree(this.#table, row) ? 0 : changeOf(this.#table, row, side);
    const target = answer - own - this.#standing.balanceOf(account);
    if (target === 0) return false;
    const candidates = (this.#open[account] ?? []).filter(
      (other) => this.#state[other] === CALLED && !this.#isLater(other, row, account),
    );
    const count = Math.min(candidates.length, CANDIDATES_MAX);
    for (let member = 0; member < count; member++) {
      const other = candidates[member] ?? 0;
      this.#subsets.changes[member] = changeOf(this.#table, other, this.#sideOf(other, account));
    }
    const found = this.#subsets.solve(count, target);
    if (found !== "one" && found !== "several") return false;
    this.#pinned = false;
    const chosen = candidates.filter((_, member) => member < count && this.#subsets.chosen(member));
    return this.#sorted(chosen).every((other) => this.#place(other));
  }

  /** Whether `other` is known to come behind what `row` reads. */
  #isLater(other: number, row: number, account: number): boolean {
    const within = int(this.#places.within, 2 * row + this.#sideOf(row, account));
    const behind = int(this.#places.behind, 2 * other + this.#sideOf(other, account));
    return within !== UNPLACED && behind >= within;
  }

  /** Places one open write of an account, if it can one that changes it in the direction given. */
  #shift(row: number, side: number, direction: -1 | 0 | 1): boolean {
    const account = this.#account(row, side);
    const open = (this.#open[account] ?? []).filter((other) => this.#state[other] === CALLED);
    if (open.length === 0) return false;
    this.#pinned = false;
    const helps = this.#soonest(
      account,
      open.filter(
        (other) => changeOf(this.#table, other, this.#sideOf(other, account)) * direction > 0,
      ),
    );
    const isReady = (other: number) =>
      this.#obligations.isNext(other) && this.#standing.accepts(other);
    const next = helps.find(isReady);
    if (next !== undefined) return this.#place(next);
    // Those that are not ready may bring with them what has to come before.
    if (helps.some((other) => this.#place(other))) return true;
    const item = this.#obligations.next(account, NONE, UNPLACED - 1);
    const due = this.#obligations.row(item);
    return due !== NONE && due !== row && this.#place(due);
  }

  #done(row: number): void {
    this.#state[row] = PLACED;
    this.#isPlaced[row] = 1;
    this.#order[this.#placed++] = row;
    if (isFree(this.#table, row)) return;
    this.#standing.perform(row);
    for (const account of this.#accounts(row)) this.#admit(account);
  }

  /** Takes what has no effect and fits now. */
  #admit(account: number): void {
    const waiting = this.#waiting[account] ?? [];
    for (let index = waiting.length - 1; index >= 0; index--) {
      const row = waiting[index] ?? 0;
      if (!this.#standing.accepts(row)) continue;
      this.#leave(row);
      this.#done(row);
    }
  }

  #leave(row: number): void {
    const lists = isFree(this.#table, row) ? this.#waiting : this.#open;
    for (const account of this.#accounts(row)) {
      const list = lists[account] ?? [];
      const index = list.indexOf(row);
      if (index >= 0) list.splice(index, 1);
    }
  }

  #sorted(rows: readonly number[]): number[] {
    const { ret } = this.#table;
    return [...rows].sort((a, b) => int(ret, a) - int(ret, b) || a - b);
  }

  /** Writes of an account, those that are to be placed first in front. */
  #soonest(account: number, rows: readonly number[]): number[] {
    const sorted = this.#sorted(rows);
    if (this.#preference.first === "return") return sorted;
    const due = (row: number) => int(this.#places.within, 2 * row + this.#sideOf(row, account));
    return sorted.sort((a, b) => due(a) - due(b));
  }

  #accounts(row: number): readonly number[] {
    const { first, second } = this.#table;
    const [one, two] = [int(first, row), int(second, row)];
    return two === NO_ACCOUNT ? [one] : [one, two];
  }

  #account(row: number, side: number): number {
    return (side === 0 ? this.#table.first[row] : this.#table.second[row]) ?? 0;
  }

  #sideOf(row: number, account: number): 0 | 1 {
    return this.#table.first[row] === account ? 0 : 1;
  }
}
