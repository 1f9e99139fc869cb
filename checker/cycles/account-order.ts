// The order of one account's entries, from what statements showed of it and, where none did, from a
// ledger; and whose entry each of them is. An amount that two transactions carry does not name one of
// them: then the reply's balance does, or the request in the ledger; or it stays unknown.

import type { LedgerEntry } from "../run-record.js";
import type { AccountHistory, AccountWrite, StatementRead } from "./account-history.js";

/** Something that no order of the account's entries explains. */
export type Contradiction = {
  name: "incompatible-order" | "garbage-read" | "G1a" | "duplicate-elements" | "internal";
  text: string;
  txns: readonly number[];
};

/** An entry as a ledger has it; `txn` where its request is known. */
export type LedgerPosting = { amount: number; txn: number | undefined };

export type AccountOrder = {
  /** By position, from 0: the write that stands there; undefined where it is not known which. */
  order: (AccountWrite | undefined)[];
  /** By count of entries: the balance after so many; undefined where it is not known. */
  sums: (number | undefined)[];
  /** Writes that stand at no known position. */
  unplaced: AccountWrite[];
  contradictions: Contradiction[];
};

export function accountOrder(
  history: AccountHistory,
  ledger: readonly LedgerPosting[],
): AccountOrder {
  const entries = new Entries(history, ledger.length);
  for (const statement of history.statements) entries.show(statement);
  for (const [position, { amount }] of ledger.entries()) entries.claim(position, amount);
  entries.sumUp();
  const { order, unplaced } = place(history, ledger, entries);
  return { order, sums: entries.sums, unplaced, contradictions: entries.contradictions };
}

/** The account's postings in a ledger's entries, oldest first, by account. */
export function ledgerPostings(
  entries: readonly LedgerEntry[],
  txnOf: (client: number, timestamp: number) => number | undefined,
): ReadonlyMap<string, LedgerPosting[]> {
  const postings = new Map<string, LedgerPosting[]>();
  const add = (account: string, amount: number, txn: number | undefined) => {
    const known = postings.get(account);
    if (known === undefined) postings.set(account, [{ amount, txn }]);
    else known.push({ amount, txn });
  };
  for (const { kind, debit, credit, amount, client, timestamp } of entries) {
    if (kind === "open") continue;
    const txn = txnOf(client, timestamp);
    if (kind !== "deposit") add(debit, -amount, txn);
    if (kind !== "withdraw") add(credit, amount, txn);
  }
  return postings;
}

/** Guards: an amount, once shown at a position, is never replaced by another. */
class Entries {
  /** Filled from the start: an array that is written from its end becomes a slow one. */
  readonly amounts: (number | undefined)[];
  readonly sums: (number | undefined)[];
  /** By position: the statement that showed it first; -1: a ledger did. */
  readonly #shownBy: Int32Array;
  readonly contradictions: Contradiction[] = [];
  readonly #account: string;
  readonly #writes: number;

  constructor({ account, writes, statements }: AccountHistory, ledgerEntries: number) {
    const shown = statements.map(({ entryCount }) => (entryCount > writes.length ? 0 : entryCount));
    const count = shown.reduce((most, each) => Math.max(most, each), ledgerEntries);
    this.amounts = Array.from({ length: count }, () => undefined);
    this.sums = Array.from({ length: count + 1 }, (_, length) => (length === 0 ? 0 : undefined));
    this.#shownBy = new Int32Array(count).fill(-1);
    this.#account = account;
    this.#writes = writes.length;
  }

  show({ txn, entryCount, amounts, balance }: StatementRead): void {
    if (entryCount > this.#writes || entryCount < amounts.length) {
      const asked = `${this.#writes} were ever asked for`;
      this.#contradict("garbage-read", `it has ${entryCount} entries, but ${asked}`, [txn]);
      return;
    }
    const first = entryCount - amounts.length;
    for (const [offset, amount] of amounts.entries()) {
      const position = first + offset;
      const known = this.amounts[position];
      if (known === undefined) {
        this.amounts[position] = amount;
        this.#shownBy[position] = txn;
      } else if (known !== amount) {
        const other = this.#shownBy[position] ?? -1;
        const text = `entry ${position} is ${amount} in one read and ${known} in another`;
        this.#contradict("incompatible-order", text, [other, txn]);
        return;
      }
    }
    let sum = balance;
    for (let count = entryCount; count >= first; count--) {
      const known = this.sums[count];
      if (known !== undefined && known !== sum) {
        const text = `the balance after ${count} entries is ${sum} in one read and ${known} in another`;
        this.#contradict("incompatible-order", text, [txn]);
        return;
      }
      this.sums[count] = sum;
      sum -= this.amounts[count - 1] ?? 0;
    }
  }

  /** What a ledger says stands there; counts where no statement showed it. */
  claim(position: number, amount: number): void {
    const known = this.amounts[position];
    if (known === undefined) {
      this.amounts[position] = amount;
    } else if (known !== amount) {
      const txn = this.#shownBy[position] ?? -1;
      const text = `entry ${position} is ${amount} in the ledger and ${known} in a read`;
      this.#contradict("incompatible-order", text, [txn]);
    }
  }

  /** Balances follow from amounts, from the first entry on, as far as these are known. */
  sumUp(): void {
    for (const [position, amount] of this.amounts.entries()) {
      const before = this.sums[position];
      if (before === undefined || amount === undefined) continue;
      const known = this.sums[position + 1];
      if (known !== undefined && known !== before + amount) {
        const text = `its first ${position + 1} entries make ${before + amount}, and a read says ${known}`;
        this.#contradict("incompatible-order", text, []);
        return;
      }
      this.sums[position + 1] = before + amount;
    }
  }

  #contradict(name: Contradiction["name"], text: string, txns: readonly number[]): void {
    const all = txns.filter((txn) => txn >= 0);
    this.contradictions.push({ name, text: `account ${this.#account}: ${text}`, txns: all });
  }
}

/** Finds the write of each entry. */
function place(
  { account, writes, failed }: AccountHistory,
  ledger: readonly LedgerPosting[],
  { amounts, sums, contradictions }: Entries,
): Pick<AccountOrder, "order" | "unplaced"> {
  const candidates = new ByAmount(writes);
  const positionOf = new Int32Array(writes.length).fill(-1);
  const order = amounts.map((amount, position): AccountWrite | undefined => {
    if (amount === undefined) return undefined;
    const entry = () => `account ${account}: entry ${position}, of ${amount},`;
    if (candidates.first(amount) < 0) {
      const broken = failed.find((write) => write.amount === amount);
      const text = `${entry()} was asked for by ${broken === undefined ? "nobody" : "what failed"}`;
      const name = broken === undefined ? "garbage-read" : "G1a";
      contradictions.push({ name, text, txns: broken === undefined ? [] : [broken.txn] });
      return undefined;
    }
    const sum = sums[position + 1];
    const index = candidates.oneOf(amount, sum, ledger[position]);
    const write = index === undefined ? undefined : writes[index];
    if (index === undefined || write === undefined) return undefined;
    const before = positionOf[index] ?? -1;
    if (before >= 0) {
      const text = `${entry()} is the same as entry ${before}`;
      contradictions.push({ name: "duplicate-elements", text, txns: [write.txn] });
      return undefined;
    }
    positionOf[index] = position;
    if (write.after !== undefined && sum !== undefined && write.after !== sum) {
      const text = `${entry()} made ${sum}, but its reply said ${write.after}`;
      contradictions.push({ name: "internal", text, txns: [write.txn] });
    }
    return write;
  });
  return { order, unplaced: writes.filter((_, index) => (positionOf[index] ?? -1) < 0) };
}

/** Writes of one account by their amounts, as chains of indexes: most amounts have one write. */
class ByAmount {
  readonly #writes: readonly AccountWrite[];
  readonly #head = new Map<number, number>();
  readonly #next: Int32Array;

  constructor(writes: readonly AccountWrite[]) {
    this.#writes = writes;
    this.#next = new Int32Array(writes.length);
    for (const [index, { amount }] of writes.entries()) {
      this.#next[index] = this.#head.get(amount) ?? -1;
      this.#head.set(amount, index);
    }
  }

  /** -1 where nobody wrote the amount. */
  first(amount: number): number {
    return this.#head.get(amount) ?? -1;
  }

  /** The one that must be meant; undefined where several may be. */
  oneOf(
    amount: number,
    sum: number | undefined,
    posting: LedgerPosting | undefined,
  ): number | undefined {
    const first = this.first(amount);
    if ((this.#next[first] ?? -1) < 0) return first;
    let [possible, count] = [first, 0];
    for (let index = first; index >= 0; index = this.#next[index] ?? -1) {
      const write = this.#writes[index];
      if (write === undefined) continue;
      if (write.txn === posting?.txn) return index;
      // One whose reply was lost could stand here as well.
      if (write.after !== undefined && write.after !== sum) continue;
      possible = index;
      count += 1;
    }
    return sum !== undefined && count === 1 ? possible : undefined;
  }
}
