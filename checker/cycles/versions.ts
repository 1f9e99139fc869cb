// What is known of each key's versions: their order, who wrote and who read them; and the edges that
// follow. ww: the next version's writer. wr: who read it. rw: the writer of what a reader missed.

import { int } from "../columns.js";
import { type EdgeList, RW, WR, WW } from "./edges.js";

export type Versions = {
  /** The order of key k's elements: order[start[k]] to order[start[k + 1]]. -1: not known which. */
  start: Int32Array;
  order: Int32Array;
  /** By element: its transaction, where it may have committed; otherwise -1. */
  writer: Int32Array;
  /** By read: transaction, key, and how many of the key's elements it saw. */
  readTxn: Int32Array;
  readKey: Int32Array;
  readLength: Int32Array;
  /** By key: elements that may be committed and come after all of the order. */
  unseen: ReadonlyMap<number, readonly number[]>;
};

export function addVersionEdges(versions: Versions, edges: EdgeList): void {
  const { start, order, writer } = versions;
  const keys = start.length - 1;
  // By position: the nearest writer at or before it, and the nearest element with one after it.
  const lastWriter = new Int32Array(order.length);
  const nextElement = new Int32Array(order.length);
  for (let key = 0; key < keys; key++) {
    const [begin, end] = [int(start, key), int(start, key + 1)];
    let before = -1;
    for (let position = begin; position < end; position++) {
      const element = order[position] ?? -1;
      const txn = element < 0 ? -1 : (writer[element] ?? -1);
      if (txn >= 0) {
        if (before >= 0) edges.add(before, txn, WW, element);
        before = txn;
      }
      lastWriter[position] = before;
    }
    let next = -1;
    for (let position = end - 1; position >= begin; position--) {
      const element = order[position] ?? -1;
      if (element >= 0 && (writer[element] ?? -1) >= 0) next = element;
      nextElement[position] = next;
    }
    for (const element of versions.unseen.get(key) ?? []) {
      if (before >= 0) edges.add(before, writer[element] ?? -1, WW, element);
    }
  }
  addReadEdges(versions, lastWriter, nextElement, edges);
}

function addReadEdges(
  { start, order, writer, readTxn, readKey, readLength, unseen }: Versions,
  lastWriter: Int32Array,
  nextElement: Int32Array,
  edges: EdgeList,
): void {
  const readersOfAll = new Map<number, number[]>([...unseen.keys()].map((key) => [key, []]));
  for (let read = 0; read < readTxn.length; read++) {
    const [txn, key] = [int(readTxn, read), int(readKey, read)];
    const [begin, end] = [int(start, key), int(start, key + 1)];
    const position = begin + int(readLength, read);
    if (position > begin) {
      const last = lastWriter[position - 1] ?? -1;
      // Its own write is the newest it saw: ww tells what came before and after.
      if (last === txn) continue;
      if (last >= 0) edges.add(last, txn, WR, order[position - 1] ?? -1);
    }
    const missed = position < end ? (nextElement[position] ?? -1) : -1;
    if (missed >= 0) edges.add(txn, writer[missed] ?? -1, RW, missed);
    else readersOfAll.get(key)?.push(txn);
  }
  for (const [key, elements] of unseen) {
    const targets = elements.map((element) => ({ txn: writer[element] ?? -1, element }));
    edges.linkAll(readersOfAll.get(key) ?? [], targets, RW);
  }
}
