// Transactions as columns: what the checkers of lists and of registers read. A column for each fact
// keeps a million transactions within a few tens of megabytes.

import { IntList } from "./growing.js";

export const OK = 0;
export const INFO = 1;
export const FAIL = 2;
export type OutcomeCode = typeof OK | typeof INFO | typeof FAIL;

export const WRITE = 0;
export const READ = 1;

/** The rank of a completion that never came, or came as info. */
export const NO_RETURN = 2 ** 31 - 1;

/** The element of a read that saw a register's initial state. */
export const INITIAL = -1;

/** Who did something, when, and how it ended. */
export type Timetable = {
  count: number;
  /** OK, INFO or FAIL. */
  outcome: Uint8Array;
  process: Int32Array;
  /** Ranks of invocation and completion in the history; calls ascend. */
  call: Int32Array;
  ret: Int32Array;
  /** Index of the invocation in the history, for people. */
  index: Int32Array;
};

export type Transactions = Timetable & {
  /** Micro-ops of transaction t: start[t] to start[t + 1]. */
  start: Int32Array;
  /** By micro-op: WRITE or READ; the key's number. */
  kind: Uint8Array;
  key: Int32Array;
  /** The element written; of a register's read, what it saw, or INITIAL. */
  element: Int32Array;
  /** Of a list's read: its elements are lists[listStart] to lists[listStart + listLength]. */
  listStart: Int32Array;
  listLength: Int32Array;
  lists: Int32Array;
  /** By the key's number, what the history calls it; by element, its value and its key. */
  keys: readonly unknown[];
  values: readonly unknown[];
  elementKey: Int32Array;
};

/** One transaction as a history tells it. Reads of unknown outcome (info) are left out. */
export type Transaction = {
  outcome: "ok" | "info" | "fail";
  process: number;
  /** Ranks of its events in the history; no two events share one. `ret` is ignored unless ok. */
  call: number;
  ret: number;
  index: number;
  microOps: readonly MicroOp[];
};

/** `append` and `r` of lists, or `w` and `r` of registers. A read of null: the empty list, or nil. */
export type MicroOp = readonly [f: "append" | "w" | "r", key: unknown, value: unknown];

/** Collects transactions in the order of their calls. */
export class TransactionsBuilder {
  readonly #outcome = new IntList();
  readonly #process = new IntList();
  readonly #call = new IntList();
  readonly #ret = new IntList();
  readonly #index = new IntList();
  readonly #start = new IntList();
  readonly #kind = new IntList();
  readonly #key = new IntList();
  readonly #element = new IntList();
  readonly #listStart = new IntList();
  readonly #listLength = new IntList();
  readonly #lists = new IntList();
  readonly #keyNumbers = new Map<unknown, number>();
  readonly #keys: unknown[] = [];
  readonly #elements: Map<unknown, number>[] = [];
  readonly #values: unknown[] = [];
  readonly #elementKey = new IntList();

  /** Throws where the call does not come after that of the one before. */
  begin(call: number, process: number, index: number): void {
    const count = this.#call.length;
    if (count > 0 && call <= this.#call.at(count - 1)) {
      throw new Error(`transaction ${count} was called before the one that came before it`);
    }
    this.#call.push(call);
    this.#process.push(process);
    this.#index.push(index);
    this.#start.push(this.#kind.length);
  }

  write(key: unknown, value: unknown): void {
    const number = this.keyNumber(key);
    this.#microOp(WRITE, number, this.elementNumber(number, value), 0, 0);
  }

  readList(key: unknown, list: readonly unknown[]): void {
    const number = this.keyNumber(key);
    const start = this.#lists.length;
    for (const value of list) this.#lists.push(this.elementNumber(number, value));
    this.#microOp(READ, number, INITIAL, start, list.length);
  }

  readRegister(key: unknown, value: unknown): void {
    const number = this.keyNumber(key);
    const element =
      value === null || value === undefined ? INITIAL : this.elementNumber(number, value);
    this.#microOp(READ, number, element, 0, 0);
  }

  end(outcome: OutcomeCode, ret: number): void {
    this.#outcome.push(outcome);
    this.#ret.push(outcome === OK ? ret : NO_RETURN);
  }

  build(): Transactions {
    const start = new Int32Array(this.#call.length + 1);
    start.set(this.#start.view());
    start[this.#call.length] = this.#kind.length;
    return {
      count: this.#call.length,
      outcome: Uint8Array.from(this.#outcome.view()),
      process: this.#process.view(),
      call: this.#call.view(),
      ret: this.#ret.view(),
      index: this.#index.view(),
      start,
      kind: Uint8Array.from(this.#kind.view()),
      key: this.#key.view(),
      element: this.#element.view(),
      listStart: this.#listStart.view(),
      listLength: this.#listLength.view(),
      lists: this.#lists.view(),
      keys: this.#keys,
      values: this.#values,
      elementKey: this.#elementKey.view(),
    };
  }

  keyNumber(key: unknown): number {
    const name = identity(key);
    const known = this.#keyNumbers.get(name);
    if (known !== undefined) return known;
    this.#keyNumbers.set(name, this.#keys.length);
    this.#elements.push(new Map());
    return this.#keys.push(key) - 1;
  }

  elementNumber(key: number, value: unknown): number {
    const ofKey = this.#elements[key];
    const name = identity(value);
    const known = ofKey?.get(name);
    if (known !== undefined) return known;
    const element = this.#values.push(value) - 1;
    ofKey?.set(name, element);
    this.#elementKey.push(key);
    return element;
  }

  #microOp(kind: number, key: number, element: number, start: number, length: number): void {
    this.#kind.push(kind);
    this.#key.push(key);
    this.#element.push(element);
    this.#listStart.push(start);
    this.#listLength.push(length);
  }
}

const CODES: Readonly<Record<Transaction["outcome"], OutcomeCode>> = {
  ok: OK,
  info: INFO,
  fail: FAIL,
};

/** Columns of transactions in any order. Cost: n log n. */
export function transactionsOf(
  transactions: readonly Transaction[],
  kind: "list-append" | "rw-register",
): Transactions {
  const builder = new TransactionsBuilder();
  for (const each of [...transactions].sort((a, b) => a.call - b.call)) {
    builder.begin(each.call, each.process, each.index);
    for (const [f, key, value] of each.microOps) {
      if (f !== "r") builder.write(key, value);
      else if (each.outcome !== "ok") continue;
      else if (kind === "rw-register") builder.readRegister(key, value);
      else builder.readList(key, Array.isArray(value) ? value : []);
    }
    builder.end(CODES[each.outcome], each.ret);
  }
  return builder.build();
}

/** Equal for values that are equal to people: lists and maps by what they hold. */
function identity(value: unknown): unknown {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}
