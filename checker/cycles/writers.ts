// Who wrote each element, and whether it may be committed.

import { FAIL, type Transactions, WRITE } from "./transactions.js";
import { shown } from "./wording.js";

export type Writers = {
  /** By element: the transaction that wrote it and did not fail, or -1. */
  writer: Int32Array;
  /** By element: the transaction that wrote it and failed, or -1. */
  failed: Int32Array;
  /** By element: 1 where its transaction wrote the key again afterwards. */
  intermediate: Uint8Array;
  /** Values that were written twice, so that a read does not tell by whom; one line each. */
  doubts: string[];
};

export function writersOf(transactions: Transactions): Writers {
  const { count, start, kind, key, element, outcome, keys, values } = transactions;
  const writer = new Int32Array(values.length).fill(-1);
  const failed = new Int32Array(values.length).fill(-1);
  const intermediate = new Uint8Array(values.length);
  const doubts: string[] = [];
  const newest = new Int32Array(keys.length).fill(-1);
  const newestTxn = new Int32Array(keys.length).fill(-1);
  for (let txn = 0; txn < count; txn++) {
    const column = outcome[txn] === FAIL ? failed : writer;
    const end = start[txn + 1] ?? 0;
    for (let op = start[txn] ?? 0; op < end; op++) {
      if (kind[op] !== WRITE) continue;
      const [each, number] = [element[op] ?? 0, key[op] ?? 0];
      if ((writer[each] ?? -1) >= 0 || (failed[each] ?? -1) >= 0) {
        doubts.push(`${shown(values[each])} was written to ${shown(keys[number])} more than once`);
      }
      column[each] = txn;
      if (newestTxn[number] === txn) intermediate[newest[number] ?? 0] = 1;
      newest[number] = each;
      newestTxn[number] = txn;
    }
  }
  return { writer, failed, intermediate, doubts };
}

/** By key: elements that may be committed, and that no read of the key has placed. */
export function unseenElements(
  { elementKey }: Transactions,
  { writer }: Writers,
  position: Int32Array,
  ofKey: (key: number) => boolean,
): Map<number, number[]> {
  const unseen = new Map<number, number[]>();
  for (let element = 0; element < writer.length; element++) {
    if ((position[element] ?? -1) >= 0 || (writer[element] ?? -1) < 0) continue;
    const key = elementKey[element] ?? 0;
    if (!ofKey(key)) continue;
    const known = unseen.get(key);
    if (known === undefined) unseen.set(key, [element]);
    else known.push(element);
  }
  for (const elements of unseen.values()) {
    elements.sort((a, b) => (writer[a] ?? 0) - (writer[b] ?? 0));
  }
  return unseen;
}
