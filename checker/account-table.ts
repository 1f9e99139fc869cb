// What the search knows of accounts: which operations are connected through them, and a hash of the
// order of postings for each account whose order some statement shows. (Balances depend only on the
// set of operations performed; statements also on their order.)

import { accountsOf, type BankOperation } from "./bank-operation.js";
import { mix } from "./configurations.js";

/** Order hashes of an operation's first and second account. */
export type Orders = { first: number; second: number };

const NONE = -1;

/** Guards: accounts are numbered densely, so that all of this is arrays. */
export class AccountTable {
  readonly #first: Int32Array;
  readonly #second: Int32Array;
  /** What each operation posts, mixed; 0 where the order does not show. */
  readonly #posting: Int32Array;
  readonly #shown: Uint8Array;
  readonly #orders: Int32Array;
  readonly #stamps: Int32Array;
  #stamp = 0;

  constructor(operations: readonly BankOperation[]) {
    const numbers = new Map<string, number>();
    const numberOf = (account: string | undefined): number => {
      if (account === undefined) return NONE;
      const number = numbers.get(account) ?? numbers.size;
      numbers.set(account, number);
      return number;
    };
    this.#first = Int32Array.from(operations, (operation) => numberOf(accountsOf(operation)[0]));
    this.#second = Int32Array.from(operations, (operation) => numberOf(accountsOf(operation)[1]));
    this.#posting = Int32Array.from(operations, (operation) =>
      "amount" in operation ? mix(operation.amount | 0, Math.floor(operation.amount / 2 ** 32)) : 0,
    );
    this.#shown = new Uint8Array(numbers.size);
    for (const operation of operations) {
      if (operation.kind === "statement") this.#shown[numberOf(operation.account)] = 1;
    }
    this.#orders = new Int32Array(numbers.size);
    this.#stamps = new Int32Array(numbers.size);
  }

  share(op: number, other: number): boolean {
    this.#stamp += 1;
    this.#mark(op);
    return this.#isMarked(other);
  }

  /** Those of `window` that share accounts with `op`, directly or through others of `window`. */
  connectedTo(op: number, window: readonly number[]): number[] {
    this.#stamp += 1;
    this.#mark(op);
    let connected: number[] = [];
    for (let size = -1; size !== connected.length; ) {
      size = connected.length;
      connected = window.filter((other) => this.#isMarked(other));
      for (const other of connected) this.#mark(other);
    }
    return connected;
  }

  /** Notes that the operation was performed; returns what `restore` needs. */
  post(op: number): Orders {
    const before = this.orders(op);
    const posting = this.#posting[op] ?? 0;
    this.#append(this.#first[op] ?? NONE, mix(posting, 1));
    this.#append(this.#second[op] ?? NONE, mix(posting, 2));
    return before;
  }

  orders(op: number): Orders {
    return { first: this.#order(this.#first[op]), second: this.#order(this.#second[op]) };
  }

  restore(op: number, { first, second }: Orders): void {
    const [one, two] = [this.#first[op] ?? NONE, this.#second[op] ?? NONE];
    if (one !== NONE) this.#orders[one] = first;
    if (two !== NONE) this.#orders[two] = second;
  }

  /** What turns the fingerprint of the orders with `before` into that of the orders now. */
  change(op: number, before: Orders, salt: number): number {
    const now = this.orders(op);
    let change = 0;
    if (now.first !== before.first) {
      const account = mix(this.#first[op] ?? 0, salt);
      change ^= mix(before.first, account) ^ mix(now.first, account);
    }
    if (now.second !== before.second) {
      const account = mix(this.#second[op] ?? 0, salt);
      change ^= mix(before.second, account) ^ mix(now.second, account);
    }
    return change;
  }

  #append(account: number, posting: number): void {
    if (account === NONE || this.#shown[account] === 0) return;
    this.#orders[account] = mix(this.#orders[account] ?? 0, posting);
  }

  #order(account: number | undefined): number {
    return account === undefined || account === NONE ? 0 : (this.#orders[account] ?? 0);
  }

  #mark(op: number): void {
    const [one, two] = [this.#first[op] ?? NONE, this.#second[op] ?? NONE];
    if (one !== NONE) this.#stamps[one] = this.#stamp;
    if (two !== NONE) this.#stamps[two] = this.#stamp;
  }

  #isMarked(op: number): boolean {
    const [one, two] = [this.#first[op] ?? NONE, this.#second[op] ?? NONE];
    return this.#stamps[one] === this.#stamp || this.#stamps[two] === this.#stamp;
  }
}
