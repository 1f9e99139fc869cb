// Whether the transactions have an order that respects all dependencies and real time: the normal case,
// told without building the chain of real time or any component.
// Source: Kahn, "Topological sorting of large networks" (1962)

import { int } from "../columns.js";
import type { Edges } from "./edges.js";
import { graphOf } from "./graph.js";
import type { Orders } from "./order-edges.js";
import { FAIL, type Timetable } from "./transactions.js";

/** Process edges need no look: each lies within real time. Cost: linear. */
export function isAcyclic({ count, outcome }: Timetable, edges: Edges, orders: Orders): boolean {
  const { firstAfter } = orders;
  const { start, to } = graphOf(count, edges);
  const waitsFor = new Int32Array(count);
  for (let edge = 0; edge < to.length; edge++) {
    const later = int(to, edge);
    waitsFor[later] = int(waitsFor, later) + 1;
  }
  const byReturn = sortedByFirstAfter(firstAfter);
  const placed = new Uint8Array(count);
  for (let txn = 0; txn < count; txn++) placed[txn] = outcome[txn] === FAIL ? 1 : 0;
  const ready = new Int32Array(count);
  let [readyCount, left] = [0, 0];
  for (const each of placed) left += 1 - each;
  // All that were called before the first return that is still to come may be placed: the others wait.
  let [returned, open] = [0, 0];
  for (;;) {
    while (returned < count && placed[int(byReturn, returned)] === 1) returned += 1;
    const bound = returned < count ? (firstAfter[int(byReturn, returned)] ?? count) : count;
    for (; open < bound; open++) {
      if (placed[open] === 0 && waitsFor[open] === 0) ready[readyCount++] = open;
    }
    if (readyCount === 0) return left === 0;
    const txn = int(ready, --readyCount);
    placed[txn] = 1;
    left -= 1;
    const end = int(start, txn + 1);
    for (let edge = int(start, txn); edge < end; edge++) {
      const later = int(to, edge);
      const waits = int(waitsFor, later) - 1;
      waitsFor[later] = waits;
      if (waits === 0 && later < open && placed[later] === 0) ready[readyCount++] = later;
    }
  }
}

/** Transactions in the order of their returns, as far as calls tell them apart; by counting. */
function sortedByFirstAfter(firstAfter: Int32Array): Int32Array {
  const count = firstAfter.length;
  const place = new Int32Array(count + 2);
  for (let txn = 0; txn < count; txn++) {
    const bucket = (firstAfter[txn] ?? count) + 1;
    place[bucket] = int(place, bucket) + 1;
  }
  for (let bucket = 0; bucket <= count; bucket++) {
    place[bucket + 1] = int(place, bucket + 1) + int(place, bucket);
  }
  const sorted = new Int32Array(count);
  for (let txn = 0; txn < count; txn++) {
    const bucket = firstAfter[txn] ?? count;
    const position = int(place, bucket);
    sorted[position] = txn;
    place[bucket] = position + 1;
  }
  return sorted;
}
