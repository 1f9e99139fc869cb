// A bank's table while its history is being read: columns that grow, and at the end the events in the
// order of time and the rows in the order of their calls.

import { byte, float, int } from "../columns.js";
import {
  BALANCE,
  type BankTable,
  emptyColumns,
  hasNoEffect,
  NO_ACCOUNT,
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

/** Guards: rows are in the order in which they began to be read. */
export class TableBuilder {
  #capacity = 1024;
  #count = 0;
  #kind = new Uint8Array(this.#capacity);
  #refusal = new Uint8Array(this.#capacity);
  #fate = new Uint8Array(this.#capacity);
  #first = new Int32Array(this.#capacity);
  #second = new Int32Array(this.#capacity);
  #amount = new Float64Array(this.#capacity);
  #balance = new Float64Array(this.#capacity);
  #toBalance = new Float64Array(this.#capacity);
  #seq = new Float64Array(this.#capacity);
  /** Rows that begin, or ~rows that end, and when. */
  #events = new Int32Array(this.#capacity);
  #times = new Float64Array(this.#capacity);
  #eventCount = 0;
  readonly #statements = new Map<number, Shown>();

  kindOf(row: number): number {
    return byte(this.#kind, row);
  }

  amountOf(row: number): number {
    return float(this.#amount, row);
  }

  /** A new row; accounts by the numbers of their names. `amount` is a statement's limit, too. */
  begin(kind: number, first: number, second: number, amount: number, time: number): number {
    if (this.#count === this.#capacity) this.#grow();
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

  /** `names` by number. Undefined where times are too far out of order. */
  finish(names: readonly string[]): { table: BankTable; seqs: Float64Array } | undefined {
    if (!this.#sort()) return undefined;
    const rows = this.#renumber();
    const { count } = rows;
    const accounts: string[] = [];
    const numbers = new Int32Array(names.length).fill(-1);
    const numberOf = (name: number): number => {
      if (numbers[name] === -1) numbers[name] = accounts.push(names[name] ?? "") - 1;
      return int(numbers, name);
    };
    const columns = emptyColumns(count);
    const seqs = new Float64Array(count);
    const statements = new Map<number, Shown>();
    for (let old = 0; old < this.#count; old++) {
      const row = int(rows.numbers, old);
      if (row < 0) continue;
      columns.kind[row] = byte(this.#kind, old);
      columns.refusal[row] = byte(this.#refusal, old);
      const effectless = hasNoEffect(byte(this.#kind, old), byte(this.#refusal, old));
      columns.free[row] = effectless ? 1 : 0;
      columns.optional[row] = this.#fate[old] === ANSWERED ? 0 : 1;
      columns.amount[row] = float(this.#amount, old);
      columns.balance[row] = float(this.#balance, old);
      columns.toBalance[row] = float(this.#toBalance, old);
      columns.first[row] = int(this.#first, old);
      columns.second[row] = int(this.#second, old);
      seqs[row] = float(this.#seq, old);
      const shown = this.#statements.get(old);
      if (shown !== undefined) statements.set(row, shown);
    }
    for (let row = 0; row < count; row++) {
      columns.first[row] = numberOf(int(columns.first, row));
      const second = int(columns.second, row);
      if (second !== NO_ACCOUNT) columns.second[row] = numberOf(second);
    }
    const events = this.#eventsOf(rows.numbers);
    for (let position = 0; position < events.length; position++) {
      const event = int(events, position);
      if (event >= 0) columns.call[event] = position;
      else columns.ret[~event] = position;
    }
    return { table: { ...columns, accounts, events, statements }, seqs };
  }

  #event(event: number, time: number): void {
    if (this.#eventCount === this.#events.length) {
      this.#events = grown(this.#events, new Int32Array(2 * this.#eventCount));
      this.#times = grown(this.#times, new Float64Array(2 * this.#eventCount));
    }
    this.#events[this.#eventCount] = event;
    this.#times[this.#eventCount] = time;
    this.#eventCount += 1;
  }

  /**
   * By time, at one time what begins before what ends, and else as they were read: by insertion, for
   * they are nearly in order. False where they are not.
   */
  #sort(): boolean {
    const [events, times] = [this.#events, this.#times];
    let moves = 0;
    for (let index = 1; index < this.#eventCount; index++) {
      const event = int(events, index);
      const time = float(times, index);
      let at = index;
      for (; at > 0; at--) {
        const before = float(times, at - 1);
        if (before < time || (before === time && (int(events, at - 1) >= 0 || event < 0))) break;
        events[at] = int(events, at - 1);
        times[at] = before;
      }
      events[at] = event;
      times[at] = time;
      moves += index - at;
      if (moves > DISPLACED_MAX * this.#eventCount) return false;
    }
    return true;
  }

  /** New numbers by old ones, in the order of the calls; -1 for rows that do not count. */
  #renumber(): { numbers: Int32Array; count: number } {
    const numbers = new Int32Array(this.#count).fill(-1);
    let count = 0;
    for (let index = 0; index < this.#eventCount; index++) {
      const row = int(this.#events, index);
      if (row >= 0 && this.#counts(row)) numbers[row] = count++;
    }
    return { numbers, count };
  }

  #counts(row: number): boolean {
    const fate = this.#fate[row];
    const unheard = fate === OPEN_STILL || fate === UNKNOWN;
    return fate !== DROPPED && !(unheard && byte(this.#kind, row) >= BALANCE);
  }

  #eventsOf(numbers: Int32Array): Int32Array {
    const events = new Int32Array(this.#eventCount);
    let next = 0;
    for (let index = 0; index < this.#eventCount; index++) {
      const event = int(this.#events, index);
      const old = event >= 0 ? event : ~event;
      const row = int(numbers, old);
      if (row < 0) continue;
      if (event >= 0) events[next++] = row;
      else if (this.#fate[old] === ANSWERED) events[next++] = ~row;
    }
    return events.slice(0, next);
  }

  #grow(): void {
    this.#capacity *= 2;
    const size = this.#capacity;
    this.#kind = grown(this.#kind, new Uint8Array(size));
    this.#refusal = grown(this.#refusal, new Uint8Array(size));
    this.#fate = grown(this.#fate, new Uint8Array(size));
    this.#first = grown(this.#first, new Int32Array(size));
    this.#second = grown(this.#second, new Int32Array(size));
    this.#amount = grown(this.#amount, new Float64Array(size));
    this.#balance = grown(this.#balance, new Float64Array(size));
    this.#toBalance = grown(this.#toBalance, new Float64Array(size));
    this.#seq = grown(this.#seq, new Float64Array(size));
  }
}

type Column = { set(from: ArrayLike<number>): void };

function grown<C extends Column & ArrayLike<number>>(old: ArrayLike<number>, bigger: C): C {
  bigger.set(old);
  return bigger;
}
