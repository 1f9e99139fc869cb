// Given the order in which writes took effect, places everything that has no effect: each as early
// as its window allows and its answer fits. Early is never wrong, for what has no effect restricts
// the others only through real time. Two passes, linear but for reads of long windows. Exact for the
// order given: where it fails, that order is no linearization, though another may be.

import { float, int } from "../columns.js";
import {
  ABSENT,
  ACCOUNT_EXISTS,
  type BankTable,
  DEPOSIT,
  INSUFFICIENT_FUNDS,
  isFree,
  MOVE,
  NO_ACCOUNT,
  NO_SUCH_ACCOUNT,
  OPEN,
  OVERFLOW,
  STATEMENT,
  WITHDRAW,
} from "./bank-table.js";
import { BALANCE_MAX } from "./model.js";

export type Placement =
  | { order: Int32Array }
  /** `row` contradicts the order of the writes. */
  | { row: number; wrong: "real time" | "answer" | "missing" };

/** `writes` are rows that have effects, each once. Those not among them have not happened. */
export function placeAround(table: BankTable, writes: Int32Array): Placement {
  const versions = new Versions(table, writes);
  const refused = versions.fill();
  if (refused >= 0) return { row: refused, wrong: "answer" };
  return new Placer(table, writes, versions).run();
}

/** Guards: version v of an account is its balance once `positions[v]` of the writes are over. */
class Versions {
  readonly #table: BankTable;
  readonly #writes: Int32Array;
  /** By account, where its versions begin; one more than there are accounts. */
  readonly starts: Int32Array;
  readonly positions: Int32Array;
  readonly balances: Float64Array;

  constructor(table: BankTable, writes: Int32Array) {
    const { first, second, accounts } = table;
    this.#table = table;
    this.#writes = writes;
    this.starts = new Int32Array(accounts.length + 1);
    // Each account has one version before any write.
    for (let account = 0; account < accounts.length; account++) this.starts[account + 1] = 1;
    for (const row of writes) {
      add(this.starts, int(first, row) + 1);
      const two = int(second, row);
      if (two !== NO_ACCOUNT) add(this.starts, two + 1);
    }
    for (let account = 0; account < accounts.length; account++) {
      this.starts[account + 1] = int(this.starts, account + 1) + int(this.starts, account);
    }
    const count = int(this.starts, accounts.length);
    this.positions = new Int32Array(count);
    this.balances = new Float64Array(count).fill(ABSENT);
  }

  /** Performs the writes; the first row that breaks a rule or has another answer, or -1. */
  fill(): number {
    const { kind, first, second, amount, balance, toBalance, accounts } = this.#table;
    const last = this.starts.slice(0, accounts.length);
    let position = 0;
    for (const row of this.#writes) {
      position += 1;
      const one = int(first, row);
      const version = int(last, one);
      const sum = float(amount, row);
      const code = kind[row];
      const before = float(this.balances, version);
      const opens = code === OPEN;
      const after = opens ? 0 : code === DEPOSIT ? before + sum : before - sum;
      if (opens !== (before === ABSENT) || after < 0 || after > BALANCE_MAX) return row;
      if (differs(float(balance, row), after)) return row;
      this.positions[version + 1] = position;
      this.balances[version + 1] = after;
      last[one] = version + 1;
      if (code !== MOVE) continue;
      const two = int(second, row);
      const other = int(last, two);
      const given = float(this.balances, other) + sum;
      if (this.balances[other] === ABSENT || given > BALANCE_MAX) return row;
      if (differs(float(toBalance, row), given)) return row;
      this.positions[other + 1] = position;
      this.balances[other + 1] = given;
      last[two] = other + 1;
    }
    return -1;
  }
}

/** Guards: whatever is over when an operation begins has a place not after that of the operation. */
class Placer {
  readonly #table: BankTable;
  readonly #writes: Int32Array;
  readonly #versions: Versions;
  /** By row: the number of writes before it, itself included; -1 where it did not happen. */
  readonly #place: Int32Array;
  /** By row without effect: the least place at its call, and the version current there. */
  readonly #placeMin: Int32Array;
  readonly #versionMin: Int32Array;
  /** By account: the version current at the least place. */
  readonly #current: Int32Array;
  #totals: Float64Array | undefined;

  constructor(table: BankTable, writes: Int32Array, versions: Versions) {
    this.#table = table;
    this.#writes = writes;
    this.#versions = versions;
    this.#place = new Int32Array(table.count).fill(-1);
    for (let index = 0; index < writes.length; index++) this.#place[int(writes, index)] = index + 1;
    this.#placeMin = new Int32Array(table.count);
    this.#versionMin = new Int32Array(table.count);
    this.#current = versions.starts.slice(0, table.accounts.length);
  }

  run(): Placement {
    const { events, optional } = this.#table;
    const place = this.#place;
    const limits = this.#limits();
    let least = 0;
    for (let position = 0; position < events.length; position++) {
      const event = int(events, position);
      if (event >= 0) {
        if (isFree(this.#table, event)) this.#begin(event, least);
        else if (int(place, event) >= 0 && int(place, event) <= least) {
          return { row: event, wrong: "real time" };
        }
        continue;
      }
      const row = ~event;
      if (isFree(this.#table, row)) place[row] = this.#find(row, int(limits, position));
      const found = int(place, row);
      if (found < 0 && optional[row] === 0) {
        return { row, wrong: isFree(this.#table, row) ? "answer" : "missing" };
      }
      if (found > least) least = found;
    }
    return { order: this.#order() };
  }

  /** By event: the least place of a write that begins there or later. */
  #limits(): Int32Array {
    const { events } = this.#table;
    const limits = new Int32Array(events.length + 1);
    let limit = this.#writes.length + 1;
    limits[events.length] = limit;
    for (let position = events.length - 1; position >= 0; position--) {
      const event = int(events, position);
      const place = event >= 0 ? int(this.#place, event) : -1;
      if (place > 0 && place < limit) limit = place;
      limits[position] = limit;
    }
    return limits;
  }

  #begin(row: number, least: number): void {
    const account = int(this.#table.first, row);
    this.#placeMin[row] = least;
    this.#versionMin[row] = this.#advance(account, least);
    const two = int(this.#table.second, row);
    // Of the two accounts of a refused move, the one that is not there can be the reason.
    if (two === NO_ACCOUNT || this.#table.refusal[row] === INSUFFICIENT_FUNDS) return;
    const version = this.#advance(two, least);
    const absent = this.#versions.balances[version] === ABSENT;
    if (absent || this.#table.refusal[row] === OVERFLOW) this.#versionMin[row] = version;
  }

  /** The account's version at a place that never goes back. */
  #advance(account: number, place: number): number {
    const { starts, positions } = this.#versions;
    const end = int(starts, account + 1);
    let version = int(this.#current, account);
    while (version + 1 < end && int(positions, version + 1) <= place) version += 1;
    this.#current[account] = version;
    return version;
  }

  /** The least place below `limit` that gives the answer; -1 where there is none. */
  #find(row: number, limit: number): number {
    const { starts, positions } = this.#versions;
    const least = int(this.#placeMin, row);
    if (this.#ofTotal(row)) return this.#findByTotal(row, least, limit);
    const start = int(this.#versionMin, row);
    const account = this.#accountOf(row, start);
    const end = int(starts, account + 1);
    for (let version = start; version < end; version++) {
      const place = Math.max(least, int(positions, version));
      if (place >= limit) return -1;
      if (this.#fits(row, version, version - int(starts, account))) return place;
    }
    return -1;
  }

  #accountOf(row: number, version: number): number {
    const { first, second } = this.#table;
    const { starts } = this.#versions;
    const one = int(first, row);
    const inOne = version >= int(starts, one) && version < int(starts, one + 1);
    return inOne ? one : int(second, row);
  }

  /** `changes` counts the writes that made the version. */
  #fits(row: number, version: number, changes: number): boolean {
    const { kind, refusal, amount, balance } = this.#table;
    const has = float(this.#versions.balances, version);
    switch (refusal[row]) {
      case NO_SUCH_ACCOUNT:
        return kind[row] !== OPEN && has === ABSENT;
      case ACCOUNT_EXISTS:
        return kind[row] === OPEN && has !== ABSENT;
      case INSUFFICIENT_FUNDS:
        if (kind[row] !== WITHDRAW && kind[row] !== MOVE) return false;
        return has !== ABSENT && has < float(amount, row);
      case OVERFLOW:
        return kind[row] === MOVE && has !== ABSENT && has > BALANCE_MAX - float(amount, row);
      case 0:
        if (has === ABSENT || differs(float(balance, row), has)) return false;
        return kind[row] !== STATEMENT || this.#shows(row, version, changes - 1);
      default:
        return false;
    }
  }

  #shows(row: number, version: number, postings: number): boolean {
    const shown = this.#table.statements.get(row);
    if (shown === undefined) return true;
    const { limit, entryCount, amounts } = shown;
    if (entryCount !== undefined && entryCount !== postings) return false;
    if (amounts === undefined) return true;
    if (amounts.length !== Math.min(limit, postings)) return false;
    const { balances } = this.#versions;
    const start = version - amounts.length;
    return amounts.every((amount, index) => {
      const at = start + index;
      return amount === float(balances, at + 1) - float(balances, at);
    });
  }

  /** A deposit is refused when the sum of all balances leaves no room for it. */
  #ofTotal(row: number): boolean {
    return this.#table.refusal[row] === OVERFLOW && this.#table.kind[row] === DEPOSIT;
  }

  #findByTotal(row: number, least: number, limit: number): number {
    this.#totals ??= this.#sums();
    const { starts, positions, balances } = this.#versions;
    let version = int(this.#versionMin, row);
    const end = starts[int(this.#table.first, row) + 1] ?? 0;
    for (let place = least; place < limit; place++) {
      while (version + 1 < end && int(positions, version + 1) <= place) version += 1;
      if (balances[version] === ABSENT) continue;
      if (float(this.#totals, place) > BALANCE_MAX - float(this.#table.amount, row)) return place;
    }
    return -1;
  }

  /** By place: the sum of all balances. */
  #sums(): Float64Array {
    const { kind, amount } = this.#table;
    const sums = new Float64Array(this.#writes.length + 1);
    for (let index = 0; index < this.#writes.length; index++) {
      const row = int(this.#writes, index);
      const sum = float(amount, row);
      const change = kind[row] === DEPOSIT ? sum : kind[row] === WITHDRAW ? -sum : 0;
      sums[index + 1] = float(sums, index) + change;
    }
    return sums;
  }

  /** Rows by place; at one place the write first, then the others by call. */
  #order(): Int32Array {
    const { count } = this.#table;
    const place = this.#place;
    const starts = new Int32Array(this.#writes.length + 2);
    let placed = 0;
    for (let row = 0; row < count; row++) {
      const at = int(place, row);
      if (at < 0) continue;
      placed += 1;
      add(starts, at + 1);
    }
    for (let at = 1; at < starts.length; at++) {
      starts[at] = int(starts, at) + int(starts, at - 1);
    }
    const order = new Int32Array(placed);
    for (const row of this.#writes) {
      const at = int(place, row);
      order[int(starts, at)] = row;
      add(starts, at);
    }
    for (let row = 0; row < count; row++) {
      const at = int(place, row);
      if (at < 0 || !isFree(this.#table, row)) continue;
      order[int(starts, at)] = row;
      add(starts, at);
    }
    return order;
  }
}

function add(counts: Int32Array, index: number): void {
  counts[index] = int(counts, index) + 1;
}

/** Whether an answer, NaN where it said nothing, names another balance. */
function differs(answer: number, balance: number): boolean {
  return answer !== balance && !Number.isNaN(answer);
}
