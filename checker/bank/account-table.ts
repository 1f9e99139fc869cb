// Which operations are connected through the accounts they name.

import { accountsOf, type BankOperation } from "./bank-operation.js";

/** Where an operation names no such account. */
export const NONE = -1;

/** Guards: accounts are numbered densely, so that all of this is arrays. */
export class AccountTable {
  /** By operation, the number of its first account, and of its second; or NONE. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly count: number;
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
    this.first = Int32Array.from(operations, (operation) => numberOf(accountsOf(operation)[0]));
    this.second = Int32Array.from(operations, (operation) => numberOf(accountsOf(operation)[1]));
    this.count = numbers.size;
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

  #mark(op: number): void {
    const [one, two] = [this.first[op] ?? NONE, this.second[op] ?? NONE];
    if (one !== NONE) this.#stamps[one] = this.#stamp;
    if (two !== NONE) this.#stamps[two] = this.#stamp;
  }

  #isMarked(op: number): boolean {
    const [one, two] = [this.first[op] ?? NONE, this.second[op] ?? NONE];
    return this.#stamps[one] === this.#stamp || this.#stamps[two] === this.#stamp;
  }
}
