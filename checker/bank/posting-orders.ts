// A 32-bit hash of the order of postings, for each account whose order some statement shows.
// (Balances depend only on the set of operations performed; statements also on their order.)

import { mix } from "../configurations.js";
import { type AccountTable, NONE } from "./account-table.js";
import type { BankOperation } from "./bank-operation.js";

/** The hashes of an operation's first and second account. */
export type Orders = { first: number; second: number };

/** Guards: a hash follows from the postings made so far. Those of two salts are independent. */
export class PostingOrders {
  readonly #accounts: AccountTable;
  readonly #salt: number;
  readonly #shown: Uint8Array;
  readonly #hashes: Int32Array;
  /** What each operation posts to its first account, and to its second. */
  readonly #first: Int32Array;
  readonly #second: Int32Array;

  constructor(operations: readonly BankOperation[], accounts: AccountTable, salt: number) {
    this.#accounts = accounts;
    this.#salt = salt;
    this.#shown = new Uint8Array(accounts.count);
    this.#hashes = new Int32Array(accounts.count);
    for (const [op, { kind }] of operations.entries()) {
      if (kind === "statement") this.#shown[accounts.first[op] ?? NONE] = 1;
    }
    const posting = (amount: number) =>
      mix(amount | 0, mix(Math.floor(amount / 2 ** 32), this.#salt));
    this.#first = Int32Array.from(operations, (operation) => {
      if (!("amount" in operation)) return 0;
      // Signed: a deposit and a withdrawal of one amount are two different postings.
      return posting(operation.kind === "deposit" ? operation.amount : -operation.amount);
    });
    this.#second = Int32Array.from(operations, (operation) =>
      operation.kind === "move" ? posting(operation.amount) : 0,
    );
  }

  /** Notes that the operation was performed; returns the hashes before, for `restore`. */
  post(op: number): Orders {
    const before = this.#now(op);
    this.#append(this.#accounts.first[op] ?? NONE, this.#first[op] ?? 0);
    this.#append(this.#accounts.second[op] ?? NONE, this.#second[op] ?? 0);
    return before;
  }

  restore(op: number, { first, second }: Orders): void {
    const { first: firsts, second: seconds } = this.#accounts;
    const [one, two] = [firsts[op] ?? NONE, seconds[op] ?? NONE];
    if (one !== NONE) this.#hashes[one] = first;
    if (two !== NONE) this.#hashes[two] = second;
  }

  /** What turns a fingerprint with the hashes `before` into one with those now, by exclusive or. */
  change(op: number, before: Orders): number {
    const now = this.#now(op);
    let change = 0;
    if (now.first !== before.first) {
      const account = mix(this.#accounts.first[op] ?? 0, this.#salt);
      change ^= mix(before.first, account) ^ mix(now.first, account);
    }
    if (now.second !== before.second) {
      const account = mix(this.#accounts.second[op] ?? 0, this.#salt);
      change ^= mix(before.second, account) ^ mix(now.second, account);
    }
    return change;
  }

  #now(op: number): Orders {
    const { first, second } = this.#accounts;
    return { first: this.#hash(first[op] ?? NONE), second: this.#hash(second[op] ?? NONE) };
  }

  #hash(account: number): number {
    return account === NONE ? 0 : (this.#hashes[account] ?? 0);
  }

  #append(account: number, posting: number): void {
    if (account === NONE || this.#shown[account] === 0) return;
    this.#hashes[account] = mix(this.#hashes[account] ?? 0, posting);
  }
}
