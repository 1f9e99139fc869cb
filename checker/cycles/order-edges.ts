// The orders that hold beside the data: that of each process, and that of real time. "Before in real
// time" relates nearly all pairs; a chain of nodes, one for each stretch of calls without a return
// between them, tells the same with about 3n edges.

import { FAIL, NO_RETURN, OK, type Timetable } from "./transactions.js";

export type Orders = {
  /** By transaction: the next one of its process, or -1. Known only after an ok. */
  processNext: Int32Array;
  /** By transaction: the first one that was called after it returned; `count` where there is none. */
  firstAfter: Int32Array;
};

/** Failed transactions took no part, and stand in no order. Cost: one pass over the events. */
export function ordersOf(transactions: Timetable): Orders {
  const { count, outcome, process, call, ret } = transactions;
  const processNext = new Int32Array(count).fill(-1);
  const last = new Map<number, number>();
  for (let txn = 0; txn < count; txn++) {
    if (outcome[txn] === FAIL) continue;
    const number = process[txn] ?? 0;
    const before = last.get(number);
    // What came back as info may still be under way while its process goes on.
    if (before !== undefined && outcome[before] === OK) processNext[before] = txn;
    last.set(number, txn);
  }
  return { processNext, firstAfter: firstAfter(count, call, ret) };
}

/** By position among calls that ascend: the first whose call is above the ret. */
export function firstAfter(count: number, call: Int32Array, ret: Int32Array): Int32Array {
  const after = new Int32Array(count).fill(count);
  let rankMax = 0;
  for (let txn = 0; txn < count; txn++) {
    const returned = ret[txn] ?? NO_RETURN;
    rankMax = Math.max(rankMax, call[txn] ?? 0, returned === NO_RETURN ? 0 : returned);
  }
  // Ranks are dense in what is built from events; where they are not, search instead of counting.
  if (rankMax > 8 * count + 1_024) return searchAfter(after, count, call, ret);
  const returnsAt = new Int32Array(rankMax + 1).fill(-1);
  for (let txn = 0; txn < count; txn++) {
    const returned = ret[txn] ?? NO_RETURN;
    if (returned !== NO_RETURN) returnsAt[returned] = txn;
  }
  let called = 0;
  for (let rank = 0; rank <= rankMax; rank++) {
    while (called < count && (call[called] ?? 0) <= rank) called += 1;
    const txn = returnsAt[rank] ?? -1;
    if (txn >= 0) after[txn] = called;
  }
  return after;
}

function searchAfter(after: Int32Array, count: number, call: Int32Array, ret: Int32Array) {
  for (let txn = 0; txn < count; txn++) {
    const returned = ret[txn] ?? NO_RETURN;
    let [low, high] = [0, count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((call[middle] ?? 0) > returned) high = middle;
      else low = middle + 1;
    }
    after[txn] = low;
  }
  return after;
}

export type RealTimeChain = {
  /** Links of the chain: nodes base to base + links. */
  links: number;
  from: Int32Array;
  to: Int32Array;
};

/**
 * The chain's edges: from each member to the link of those called after it returned, from each link
 * to the members it stands for, and to the next link. A member that is not `included` has none.
 */
export function realTimeChain(
  firstAfter: Int32Array,
  base: number,
  included: (member: number) => boolean,
): RealTimeChain {
  const count = firstAfter.length;
  const linkAt = new Int32Array(count + 1).fill(-1);
  for (let member = 0; member < count; member++) {
    const first = firstAfter[member] ?? count;
    if (first < count && included(member)) linkAt[first] = 0;
  }
  let links = 0;
  for (let position = 0; position < count; position++) {
    if (linkAt[position] === 0) linkAt[position] = links++;
  }
  const from = new Int32Array(2 * count + links);
  const to = new Int32Array(2 * count + links);
  let [edges, link] = [0, -1];
  for (let member = 0; member < count; member++) {
    const starts = linkAt[member] ?? -1;
    if (starts >= 0) {
      if (link >= 0) {
        from[edges] = base + link;
        to[edges++] = base + starts;
      }
      link = starts;
    }
    if (!included(member)) continue;
    if (link >= 0) {
      from[edges] = base + link;
      to[edges++] = member;
    }
    const first = firstAfter[member] ?? count;
    if (first >= count) continue;
    from[edges] = member;
    to[edges++] = base + (linkAt[first] ?? 0);
  }
  return { links, from: from.subarray(0, edges), to: to.subarray(0, edges) };
}
