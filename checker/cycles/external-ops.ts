// What a transaction shows to others, key by key: the first version it read before writing there
// itself, and the last one it wrote.

import { READ, type Transactions } from "./transactions.js";

export type ExternalOps = {
  /** Calls `visit` for each key that the transaction touched, in the order of first touches. */
  each(
    txn: number,
    visit: (key: number, read: number | undefined, write: number | undefined) => void,
  ): void;
};

/** Reads and writes are told as elements; a read of the initial state as INITIAL. */
export function externalOps(transactions: Transactions): ExternalOps {
  const { start, kind, key, keys, element } = transactions;
  const NONE = -2;
  const reads = new Int32Array(keys.length).fill(NONE);
  const writes = new Int32Array(keys.length).fill(NONE);
  return {
    each(txn, visit) {
      const touched: number[] = [];
      for (let op = start[txn] ?? 0; op < (start[txn + 1] ?? 0); op++) {
        const number = key[op] ?? 0;
        const fresh = reads[number] === NONE && writes[number] === NONE;
        if (fresh) touched.push(number);
        if (kind[op] !== READ) writes[number] = element[op] ?? 0;
        else if (fresh) reads[number] = element[op] ?? 0;
      }
      for (const number of touched) {
        const [read, write] = [reads[number] ?? NONE, writes[number] ?? NONE];
        reads[number] = NONE;
        writes[number] = NONE;
        visit(number, read === NONE ? undefined : read, write === NONE ? undefined : write);
      }
    },
  };
}
