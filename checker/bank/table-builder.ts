// A bank's table while its history is being read: columns that grow, events put in the order of time
// as they come, and at the end the rows in the order of their calls, in the same memory.

import { byte, float, int } from "../columns.js";
import {
  BALANCE,
  type BankTable,
  hasNoEffect,
  NO_ACCOUNT,
  NO_RETURN,
  type Shown,
} from "./bank-table.js";

/** What became of a row. */
const OPEN_STILL = 0;
const ANSWERED = 1;
const UNKNOWN = 2;
/** It never reached the bank, or nobody heard what a read said. */
const DROPPED = 3;

/** An event may stand so many places from where time puts it, on average. */
const DISPLACED_MAX = 64;
const EVENTS_FEW = 1_024;
/** Times are kept of so many events, a power of two; none stands further from its place. */
const WINDOW = 1 << 16;
/** Columns have room for so many rows from the start, and at most before any is read. */
const CAPACITY_FIRST = 1_024;
const CAPACITY_RESERVED_MAX = 1 << 26;

/** Guards: rows are in the order in which they began to be read, events in the order of time. */
export class TableBuilder {
  #capacity = 0;
  #count = 0;
  #kind = new Uint8Array(0);
  #refusal = new Uint8Array(0);
  #fate = new Uint8Array(0);
  #first = new Int32Array(0);
  #second = new Int32Array(0);
  #amount = new Float64Array(0);
  #balance = new Float64Array(0);
  #toBalance = new Float64Array(0);
  #seq = new Float64Array(0);
  /** Rows that begin, or ~rows that end; of the last ones, when. */
  #events = new Int32Array(0);
  readonly #times = new Float64Array(WINDOW);
  #eventCount = 0;
  #displaced = 0;
  readonly #statements = new Map<number, Shown>();

  constructor() {
    this.#grow(CAPACITY_FIRST);
  }

  /** Makes room for a file that is so many times as long as what was read. */
  reserve(times: number): void {
    const capacity = Math.min(Math.ceil(times * this.#count), CAPACITY_RESERVED_MAX);
    if (capacity > this.#capacity) this.#grow(capacity);
  }

  kindOf(row: number): number {
    return byte(this.#kind, row);
  }

  amountOf(row: number): number {
    return float(this.#amount, row);
  }

  /** A new row; accounts by the numbers of their names. `amount` is a statement's limit, too. */
  begin(kind: number, first: number, second: number, amount: number, time: number): number {
    if (this.#count === this.#capacity) this.#grow(2 * this.#capacity);
    const row = this.#count++;
    this.#kind[row] = kind;
    this.#first[row] = first;
    this.#second[row] = second;
    this.#amount[row] = amount;
    this.#balance[row] = Number.NaN;
    this.#toBalance[row] = Number.NaN;
    this.#seq[row] = Number.NaN;
    this.#event(row, time);
    return row;
  }

  end(
    row: number,
    refusal: number,
    balance: number,
    toBalance: number,
    seq: number,
    time: number,
  ): true {
    this.#fate[row] = ANSWERED;
    this.#refusal[row] = refusal;
    this.#balance[row] = balance;
    this.#toBalance[row] = toBalance;
    this.#seq[row] = seq;
    this.#event(~row, time);
    return true;
  }

  show(row: number, shown: Shown): void {
    this.#statements.set(row, shown);
  }

  /** Nobody learns what became of it. */
  leave(row: number, time: number): true {
    this.#fate[row] = UNKNOWN;
    this.#event(~row, time);
    return true;
  }

  /** It did not happen. */
  drop(row: number, time: number): true {
    this.#fate[row] = DROPPED;
    this.#event(~row, time);
    return true;
  }

  /**
   * The table, whose columns are the builder's: it is over with that. `names` by number. Undefined
   * where times are too far out of order.
   */
  finish(names: readonly string[]): { table: BankTable; seqs: Float64Array } | undefined {
    if (this.#isFarOff(0)) return undefined;
    const rows = this.#renumber();
    const { count } = rows;
    const events = this.#eventsOf(rows);
    for (const column of this.#columns()) move(column, rows);
    const kind = this.#kind.subarray(0, count);
    const refusal = this.#refusal.subarray(0, count);
    const optional = this.#fate.subarray(0, count);
    const free = new Uint8Array(count);
    for (let row = 0; row < count; row++) {
      free[row] = hasNoEffect(byte(kind, row), byte(refusal, row)) ? 1 : 0;
      optional[row] = optional[row] === ANSWERED ? 0 : 1;
    }
    const first = this.#first.subarray(0, count);
    const second = this.#second.subarray(0, count);
    const amounts = {
      amount: this.#amount.subarray(0, count),
      balance: this.#balance.subarray(0, count),
      toBalance: this.#toBalance.subarray(0, count),
    };
    const table = {
      ...{ count, accounts: named(first, second, names), kind, refusal, optional, free },
      ...{ first, second, ...amounts, ...windows(count, events), events },
      statements: this.#statementsOf(rows),
    };
    return { table, seqs: this.#seq.subarray(0, count) };
  }

  /**
   * By time, at one time what begins before what ends, and else as they were read: by insertion, for
   * they are nearly in order.
   */
  #event(event: number, time: number): void {
    if (this.#eventCount === this.#events.length) this.#growEvents(2 * this.#eventCount);
    const [events, times] = [this.#events, this.#times];
    const end = this.#eventCount++;
    const start = Math.max(0, end - WINDOW + 1);
    let at = end;
    for (; at > start; at--) {
      const before = float(times, (at - 1) & (WINDOW - 1));
      if (before < time || (before === time && (int(events, at - 1) >= 0 || event < 0))) break;
      if (this.#isFarOff(EVENTS_FEW)) return;
      events[at] = int(events, at - 1);
      times[at & (WINDOW - 1)] = before;
      this.#displaced += 1;
    }
    events[at] = event;
    times[at & (WINDOW - 1)] = time;
    // It may belong before events whose times are forgotten.
    if (at === start && start > 0) this.#displaced = Number.POSITIVE_INFINITY;
  }

  /** Whether times are too far out of order, as long as there are more than a few. */
  #isFarOff(few: number): boolean {
    return this.#displaced > DISPLACED_MAX * Math.max(few, this.#eventCount);
  }

  #renumber(): Rows {
    const numbers = new Int32Array(this.#count).fill(-1);
    let count = 0;
    let last = -1;
    let inOrder = true;
    for (let index = 0; index < this.#eventCount; index++) {
      const row = int(this.#events, index);
      if (row < 0 || !this.#counts(row)) continue;
      numbers[row] = count++;
      if (row < last) inOrder = false;
      last = row;
    }
    return { numbers, count, inOrder };
  }

  #counts(row: number): boolean {
    const fate = this.#fate[row];
    const unheard = fate === OPEN_STILL || fate === UNKNOWN;
    return fate !== DROPPED && !(unheard && byte(this.#kind, row) >= BALANCE);
  }

  /** Of the rows that count, by their new numbers; what nobody answered does not end. */
  #eventsOf({ numbers }: Rows): Int32Array {
    const events = this.#events;
    let next = 0;
    for (let index = 0; index < this.#eventCount; index++) {
      const event = int(events, index);
      const row = int(numbers, event >= 0 ? event : ~event);
      if (row < 0) continue;
      if (event >= 0) events[next++] = row;
      else if (this.#fate[~event] === ANSWERED) events[next++] = ~row;
    }
    return events.subarray(0, next);
  }

  #statementsOf({ numbers }: Rows): Map<number, Shown> {
    const statements: [row: number, shown: Shown][] = [];
    for (const [old, shown] of this.#statements) {
      const row = int(numbers, old);
      if (row >= 0) statements.push([row, shown]);
    }
    return new Map(statements.sort(([one], [other]) => one - other));
  }

  #columns(): readonly Column[] {
    return [
      ...[this.#kind, this.#refusal, this.#fate, this.#first, this.#second],
      ...[this.#amount, this.#balance, this.#toBalance, this.#seq],
    ];
  }

  #grow(capacity: number): void {
    this.#capacity = capacity;
    this.#kind = grown(this.#kind, new Uint8Array(capacity));
    this.#refusal = grown(this.#refusal, new Uint8Array(capacity));
    this.#fate = grown(this.#fate, new Uint8Array(capacity));
    this.#first = grown(this.#first, new Int32Array(capacity));
    this.#second = grown(this.#second, new Int32Array(capacity));
    this.#amount = grown(this.#amount, new Float64Array(capacity));
    this.#balance = grown(this.#balance, new Float64Array(capacity));
    this.#toBalance = grown(this.#toBalance, new Float64Array(capacity));
    this.#seq = grown(this.#seq, new Float64Array(capacity));
    if (2 * capacity > this.#events.length) this.#growEvents(2 * capacity);
  }

  #growEvents(length: number): void {
    this.#events = grown(this.#events, new Int32Array(length));
  }
}

/** New numbers by old ones, in the order of the calls; -1 for rows that do not count. */
type Rows = { numbers: Int32Array; count: number; inOrder: boolean };
type Column = Uint8Array | Int32Array | Float64Array;

/** Puts each row in its new place, and forgets those that do not count. */
function move(column: Column, { numbers, count, inOrder }: Rows): void {
  if (inOrder && count === numbers.length) return;
  // Where the order is the same, a row never moves to where one is that has not moved.
  const from = inOrder ? column : column.slice(0, numbers.length);
  for (let old = 0; old < numbers.length; old++) {
    const row = int(numbers, old);
    if (row >= 0) column[row] = from[old] ?? 0;
  }
}

/** Numbers the accounts anew, by first use; their names. */
function named(first: Int32Array, second: Int32Array, names: readonly string[]): string[] {
  const accounts: string[] = [];
  const numbers = new Int32Array(names.length).fill(-1);
  const numberOf = (name: number): number => {
    if (numbers[name] === -1) numbers[name] = accounts.push(names[name] ?? "") - 1;
    return int(numbers, name);
  };
  for (let row = 0; row < first.length; row++) {
    first[row] = numberOf(int(first, row));
    if (second[row] !== NO_ACCOUNT) second[row] = numberOf(int(second, row));
  }
  return accounts;
}

function windows(count: number, events: Int32Array): { call: Int32Array; ret: Int32Array } {
  const call = new Int32Array(count);
  const ret = new Int32Array(count).fill(NO_RETURN);
  for (let position = 0; position < events.length; position++) {
    const event = int(events, position);
    if (event >= 0) call[event] = position;
    else ret[~event] = position;
  }
  return { call, ret };
}

function grown<C extends Column>(old: Column, bigger: C): C {
  bigger.set(old);
  return bigger;
}
