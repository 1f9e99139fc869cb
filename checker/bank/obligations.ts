// What must come before what, on each account, as inference found it: writes and reads in the order
// of the places by which they must be over.

import { int } from "../columns.js";
import { type BankTable, isFree, NO_ACCOUNT, OPEN } from "./bank-table.js";
import { type Places, UNPLACED } from "./inference.js";

/** No item. */
export const NONE = -1;

/** Guards: an account's items stand in the order of their places, at one place the writes first. */
export class Obligations {
  readonly #table: BankTable;
  readonly #places: Places;
  readonly #placed: Uint8Array;
  /** By account, where its items begin; one more than there are accounts. */
  readonly #starts: Int32Array;
  readonly #rows: Int32Array;
  /** By item, the place by which it must be over. */
  readonly #due: Int32Array;
  /** By account, the first item that may not be placed. */
  readonly #cursors: Int32Array;
  /** By account, the row that opens it, or NONE. */
  readonly #openers: Int32Array;

  /** `placed` is read: 1 for each row that is placed. */
  constructor(table: BankTable, places: Places, placed: Uint8Array) {
    this.#table = table;
    this.#places = places;
    this.#placed = placed;
    const sizes = new Int32Array(table.accounts.length + 1);
    each(table, places, (account) => add(sizes, account + 1));
    for (let account = 0; account < table.accounts.length; account++) {
      sizes[account + 1] = int(sizes, account + 1) + int(sizes, account);
    }
    this.#starts = sizes;
    this.#cursors = sizes.slice(0, table.accounts.length);
    const count = int(sizes, table.accounts.length);
    this.#rows = new Int32Array(count);
    this.#due = new Int32Array(count);
    this.#fill();
    this.#openers = openersOf(table);
  }

  openerOf(account: number): number {
    return int(this.#openers, account);
  }

  row(item: number): number {
    return item === NONE ? NONE : int(this.#rows, item);
  }

  /** The first item behind `item` (from the start: NONE) that is due by `limit` and not placed. */
  next(account: number, item: number, limit: number): number {
    const end = int(this.#starts, account + 1);
    let next = item === NONE ? this.#cursor(account) : item + 1;
    while (next < end && this.#placed[int(this.#rows, next)] === 1) next += 1;
    return next < end && int(this.#due, next) <= limit ? next : NONE;
  }

  /** Whether nothing has to be placed before a write. */
  isNext(row: number): boolean {
    const { first, second } = this.#table;
    const { behind } = this.#places;
    if (this.next(int(first, row), NONE, int(behind, 2 * row)) !== NONE) return false;
    const two = int(second, row);
    return two === NO_ACCOUNT || this.next(two, NONE, int(behind, 2 * row + 1)) === NONE;
  }

  #cursor(account: number): number {
    const end = int(this.#starts, account + 1);
    let cursor = int(this.#cursors, account);
    while (cursor < end && this.#placed[int(this.#rows, cursor)] === 1) cursor += 1;
    this.#cursors[account] = cursor;
    return cursor;
  }

  /** Two counting sorts: by place, the writes before the reads; then, keeping that, by account. */
  #fill(): void {
    const count = this.#rows.length;
    const byPlace = new Int32Array(count);
    const ends = new Int32Array(2 * this.#table.count + 4);
    const keyOf = (index: number, free: boolean) =>
      2 * int(this.#places.within, index) + (free ? 1 : 0);
    each(this.#table, this.#places, (_, index, free) => add(ends, keyOf(index, free) + 1));
    for (let key = 1; key < ends.length; key++) ends[key] = int(ends, key) + int(ends, key - 1);
    each(this.#table, this.#places, (_, index, free) => {
      const key = keyOf(index, free);
      byPlace[int(ends, key)] = index;
      add(ends, key);
    });
    const fill = this.#starts.slice();
    for (const index of byPlace) {
      const row = index >> 1;
      const { first, second } = this.#table;
      const account = (index % 2 === 0 ? first[row] : second[row]) ?? 0;
      const item = int(fill, account);
      fill[account] = item + 1;
      this.#rows[item] = row;
      this.#due[item] = int(this.#places.within, index);
    }
  }
}

/** Calls back for each side of a row that has its place. */
function each(
  table: BankTable,
  { within, applied }: Places,
  item: (account: number, index: number, free: boolean) => void,
): void {
  const { count, first, second } = table;
  for (let row = 0; row < count; row++) {
    if (applied[row] === 0) continue;
    const free = isFree(table, row);
    if (within[2 * row] !== UNPLACED) item(int(first, row), 2 * row, free);
    if (within[2 * row + 1] !== UNPLACED) item(int(second, row), 2 * row + 1, free);
  }
}

/** By account: what opened it, or else the first that may have. */
function openersOf(table: BankTable): Int32Array {
  const { count, accounts, kind, refusal, optional, first } = table;
  const openers = new Int32Array(accounts.length).fill(NONE);
  for (let row = 0; row < count; row++) {
    if (kind[row] !== OPEN || refusal[row] !== 0) continue;
    const account = int(first, row);
    const known = int(openers, account);
    if (known === NONE || (optional[known] === 1 && optional[row] === 0)) openers[account] = row;
  }
  return openers;
}

function add(counts: Int32Array, index: number): void {
  counts[index] = int(counts, index) + 1;
}
