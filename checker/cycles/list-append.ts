// Transactions over lists. Appended values are unique, so a read of a list tells the order of all the
// appends before it; the longest read of a key is the order of its versions.
// Source: Kingsbury & Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations"

import type { Step } from "./cycle.js";
import { EdgeList, RW, WR, WW } from "./edges.js";
import { Findings } from "./findings.js";
import { type ListOrders, listOrders } from "./list-orders.js";
import { checkReads } from "./list-reads.js";
import { lostUpdates } from "./lost-update.js";
import { READ, type Transactions } from "./transactions.js";
import { type CyclesOptions, type CyclesResult, judgeTransactions } from "./verdict.js";
import { addVersionEdges, type Versions } from "./versions.js";
import { orderText, shown, transactionText, type Wording } from "./wording.js";
import { unseenElements, type Writers, writersOf } from "./writers.js";

export function checkListAppend(
  transactions: Transactions,
  options: CyclesOptions = {},
): CyclesResult {
  const findings = new Findings();
  const writers = writersOf(transactions);
  const orders = listOrders(transactions);
  const wording = listWording(transactions, writers, orders);
  checkReads(transactions, writers, orders, findings, wording);
  lostUpdates(transactions, lastSeen(transactions), findings, wording);
  // A write has one edge or none; a read two at most.
  const edges = new EdgeList(Math.ceil(1.6 * transactions.kind.length));
  addVersionEdges(versionsOf(transactions, writers, orders, edges), edges);
  return judgeTransactions(transactions, edges, findings, wording, options, writers.doubts);
}

/** By read: the newest element it saw, INITIAL where the list was empty. */
function lastSeen({ kind, listStart, listLength, lists }: Transactions): Int32Array {
  const last = new Int32Array(kind.length).fill(-1);
  for (let op = 0; op < kind.length; op++) {
    const length = listLength[op] ?? 0;
    if (length > 0) last[op] = lists[(listStart[op] ?? 0) + length - 1] ?? -1;
  }
  return last;
}

function versionsOf(
  transactions: Transactions,
  writers: Writers,
  { start, order, position, fits, distinct }: ListOrders,
  edges: EdgeList,
): Versions {
  const { count, kind, key, keys, listStart, listLength, lists } = transactions;
  let reads = 0;
  for (let op = 0; op < kind.length; op++) reads += Number(kind[op] === READ && fits[op] === 1);
  const [readTxn, readKey] = [new Int32Array(reads), new Int32Array(reads)];
  const readLength = new Int32Array(reads);
  const contested = new Set<number>();
  let [read, op] = [0, 0];
  for (let txn = 0; txn < count; txn++) {
    for (const end = transactions.start[txn + 1] ?? 0; op < end; op++) {
      if (kind[op] !== READ) continue;
      const number = key[op] ?? 0;
      const length = listLength[op] ?? 0;
      const last = lists[(listStart[op] ?? 0) + length - 1] ?? -1;
      if (fits[op] === 0) {
        // What it missed is not known, for its order is another; what it saw is.
        contested.add(number);
        const writer = writers.writer[last] ?? -1;
        if (writer >= 0) edges.add(writer, txn, WR, last);
        continue;
      }
      readTxn[read] = txn;
      readKey[read] = number;
      // An element may stand in a list twice: it counts where it stood first.
      const exact = distinct[number] === 1 || length === 0;
      readLength[read++] = exact ? length : (position[last] ?? 0) + 1;
    }
  }
  // Where reads do not agree on the order, nobody knows what comes after all of it.
  const unseen = unseenElements(
    transactions,
    writers,
    position,
    (number) => !contested.has(number),
  );
  return {
    start: start.subarray(0, keys.length + 1),
    order,
    writer: writers.writer,
    readTxn,
    readKey,
    readLength,
    unseen,
  };
}

function listWording(transactions: Transactions, writers: Writers, orders: ListOrders): Wording {
  const { values, keys, elementKey } = transactions;
  const { writer } = writers;
  const value = (element: number) => shown(values[element]);
  /** The newest element before this one that the transaction appended to its key. */
  const earlier = (element: number, txn: number): number | undefined => {
    const key = elementKey[element] ?? 0;
    const begin = orders.start[key] ?? 0;
    const placed = orders.position[element] ?? -1;
    const end = placed < 0 ? (orders.start[key + 1] ?? 0) : begin + placed;
    for (let position = end - 1; position >= begin; position--) {
      const found = orders.order[position] ?? 0;
      if (writer[found] === txn) return found;
    }
    return undefined;
  };
  return {
    transaction: (txn) => transactionText(transactions, txn, "append"),
    order: (step, a, b) => orderText(transactions, step, a, b),
    dependency({ from, kind, reason }: Step, a, b) {
      const key = shown(keys[elementKey[reason] ?? 0]);
      if (kind === RW) return `${a} did not observe ${b}'s append of ${value(reason)} to ${key}`;
      if (kind !== WW) return `${b} observed ${a}'s append of ${value(reason)} to ${key}`;
      const before = value(earlier(reason, from) ?? reason);
      const seen = (orders.position[reason] ?? -1) >= 0;
      const after = seen ? "" : `, which no read of ${key} shows yet`;
      return `${b} appended ${value(reason)} to ${key} after ${a} appended ${before}${after}`;
    },
  };
}
