// The order of one account's entries, from what statements showed of it and, where none did, from a
// ledger; and whose entry each of them is. An amount that two transactions carry does not name one of
// them: then the reply's balance does, or the request in the ledger; or it stays unknown.

import { float, int } from "../columns.js";
import type { LedgerEntry } from "../run-record.js";
import type { AccountHistory, AccountWrite, StatementRead } from "./account-history.js";

/** Something that no order of the account's entries explains. */
export type Contradiction = {
  name: "incompatible-order" | "garbage-read" | "G1a" | "duplicate-elements" | "internal";
  text: string;
  txns: readonly number[];
};

/** An account's entries as a ledger has them, oldest first; `txns` -1 where the request is not known. */
export type LedgerPostings = { readonly amounts: number[]; readonly txns: number[] };

const NO_POSTINGS: LedgerPostings = { amounts: [], txns: [] };

export type AccountOrder = {
  /** By position, from 0: the write that stands there; undefined where it is not known which. */
  order: (AccountWrite | undefined)[];
  /** By count of entries: the balance after so many; NaN where it is not known. */
  sums: Float64Array;
  /** Writes that stand at no known position. */
  unplaced: AccountWrite[];
  contradictions: Contradiction[];
};

export function accountOrder(
  history: AccountHistory,
  ledger: LedgerPostings = NO_POSTINGS,
): AccountOrder {
  const entries = new Entries(history, ledger.amounts.length);
  for (const statement of history.statements) entries.show(statement);
  for (const [position, amount] of ledger.amounts.entries()) entries.claim(position, amount);
  entries.sumUp();
  const { order, unplaced } = place(history, ledger, entries);
  return { order, sums: entries.sums, unplaced, contradictions: entries.contradictions };
}

/** The account's postings in a ledger's entries, oldest first, by account. */
export function ledgerPostings(
  entries: readonly LedgerEntry[],
  txnOf: (client: number, timestamp: number) => number | undefined,
): ReadonlyMap<string, LedgerPostings> {
  const postings = new Map<string, LedgerPostings>();
  const add = (account: string, amount: number, txn: number) => {
    let known = postings.get(account);
    if (known === undefined) {
      known = { amounts: [], txns: [] };
      postings.set(account, known);
    }
    known.amounts.push(amount);
    known.txns.push(txn);
  };
  for (const { kind, debit, credit, amount, client, timestamp } of entries) {
    if (kind === "open") continue;
    const txn = txnOf(client, timestamp) ?? -1;
    if (kind !== "deposit") add(debit, -amount, txn);
    if (kind !== "withdraw") add(credit, amount, txn);
  }
  return postings;
}

/** Guards: an amount, once shown at a position, is never replaced by another. */
class Entries {
  /** By position, and by count of entries; NaN where it is not known. */
  readonly amounts: Float64Array;
  readonly sums: Float64Array;
  /** By position: the statement that showed it first; -1: a ledger did. */
  readonly #shownBy: Int32Array;
  readonly contradictions: Contradiction[] = [];
  readonly #account: string;
  readonly #writes: number;

  constructor({ account, writes, statements }: AccountHistory, ledgerEntries: number) {
    const shown = statements.map(({ entryCount }) => (entryCount > writes.length ? 0 : entryCount));
    const count = shown.reduce((most, each) => Math.max(most, each), ledgerEntries);
    this.amounts = new Float64Array(count).fill(Number.NaN);
    this.sums = new Float64Array(count + 1).fill(Number.NaN, 1);
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
      const known = float(this.amounts, position);
      if (Number.isNaN(known)) {
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
      const known = float(this.sums, count);
      if (!Number.isNaN(known) && known !== sum) {
        const text = `the balance after ${count} entries is ${sum} in one read and ${known} in another`;
        this.#contradict("incompatible-order", text, [txn]);
        return;
      }
      this.sums[count] = sum;
      sum -= float(this.amounts, count - 1);
    }
  }

  /** What a ledger says stands there; counts where no statement showed it. */
  claim(position: number, amount: number): void {
    const known = float(this.amounts, position);
    if (Number.isNaN(known)) {
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
      const sum = float(this.sums, position) + amount;
      if (Number.isNaN(sum)) continue;
      const known = float(this.sums, position + 1);
      if (!Number.isNaN(known) && known !== sum) {
        const text = `its first ${position + 1} entries make ${sum}, and a read says ${known}`;
        this.#contradict("incompatible-order", text, []);
        return;
      }
      this.sums[position + 1] = sum;
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
  ledger: LedgerPostings,
  { amounts, sums, contradictions }: Entries,
): Pick<AccountOrder, "order" | "unplaced"> {
  const candidates = new ByAmount(writes);
  const positionOf = new Int32Array(writes.length).fill(-1);
  const order = Array.from(amounts, (amount, position): AccountWrite | undefined => {
    if (Number.isNaN(amount)) return undefined;
    const sum = float(sums, position + 1);
    const index =
      candidates.named(ledger.txns[position] ?? -1, amount) ?? candidates.oneOf(amount, sum);
    const entry = () => `account ${account}: entry ${position}, of ${amount},`;
    if (index === NOBODY) {
      const broken = failed.find((write) => write.amount === amount);
      const text = `${entry()} was asked for by ${broken === undefined ? "nobody" : "what failed"}`;
      const name = broken === undefined ? "garbage-read" : "G1a";
      contradictions.push({ name, text, txns: broken === undefined ? [] : [broken.txn] });
      return undefined;
    }
    const write = index === undefined ? undefined : writes[index];
    if (index === undefined || write === undefined) return undefined;
    const before = positionOf[index] ?? -1;
    if (before >= 0) {
      const text = `${entry()} is the same as entry ${before}`;
      contradictions.push({ name: "duplicate-elements", text, txns: [write.txn] });
      return undefined;
    }
    positionOf[index] = position;
    if (write.after !== undefined && !Number.isNaN(sum) && write.after !== sum) {
      const text = `${entry()} made ${sum}, but its reply said ${write.after}`;
      contradictions.push({ name: "internal", text, txns: [write.txn] });
    }
    return write;
  });
  return { order, unplaced: writes.filter((_, index) => (positionOf[index] ?? -1) < 0) };
}

/** No write has the amount. */
const NOBODY = -1;

/** Writes of one account by their amounts, as chains of indexes: most amounts have one write. */
class ByAmount {
  /** In the order of their transactions. */
  readonly #writes: readonly AccountWrite[];
  /** Made when asked for: where a ledger names all requests, nobody asks. */
  #head: Map<number, number> | undefined;
  readonly #next: Int32Array;

  constructor(writes: readonly AccountWrite[]) {
    this.#writes = writes;
    this.#next = new Int32Array(writes.length);
  }

  /** The index of a transaction's write, where it is of that amount. */
  named(txn: number, amount: number): number | undefined {
    let [low, high] = [0, this.#writes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#writes[middle]?.txn ?? 0) < txn) low = middle + 1;
      else high = middle;
    }
    const write = this.#writes[low];
    return write?.txn === txn && write.amount === amount ? low : undefined;
  }

  /** The one that must be meant; undefined where several may be, NOBODY where none can. */
  oneOf(amount: number, sum: number): number | undefined {
    this.#head ??= this.#chained();
    const first = this.#head.get(amount) ?? NOBODY;
    if (first === NOBODY || int(this.#next, first) === NOBODY) return first;
    let [possible, count] = [first, 0];
    for (let index = first; index !== NOBODY; index = int(this.#next, index)) {
      const after = this.#writes[index]?.after;
      // One whose reply was lost could stand here as well.
      if (after !== undefined && after !== sum) continue;
      possible = index;
      count += 1;
    }
    return !Number.isNaN(sum) && count === 1 ? possible : undefined;
  }

  #chained(): Map<number, number> {
    const head = new Map<number, number>();
    for (const [index, { amount }] of this.#writes.entries()) {
      this.#next[index] = head.get(amount) ?? NOBODY;
      head.set(amount, index);
    }
    return head;
  }
}
