// A strongly connected component cut out of the graph of all transactions, to be searched by itself.

import { int } from "../columns.js";
import { type Edges, PROCESS } from "./edges.js";
import { components, graphOf } from "./graph.js";
import { firstAfter, type Orders, realTimeChain } from "./order-edges.js";
import { FAIL, type Timetable } from "./transactions.js";

/** Members are numbered from 0 in the order of their calls. */
export type Component = {
  /** By member: the transaction. */
  txns: Int32Array;
  /** By member: the first member that was called after it returned. */
  firstAfter: Int32Array;
  /** Dependencies and process edges within the component, in rows by the member they leave. */
  start: Int32Array;
  to: Int32Array;
  kind: Uint8Array;
  reason: Int32Array;
};

/** Every component of more than one transaction, the smallest first. */
export function componentsOf(transactions: Timetable, edges: Edges, orders: Orders): Component[] {
  const { count, outcome } = transactions;
  const chain = realTimeChain(orders.firstAfter, count, (txn) => outcome[txn] !== FAIL);
  const graph = graphOf(count + chain.links, edges, chain);
  const found = components(graph);
  if (found.count === 0) return [];
  return cut(transactions, edges, orders, found.of, found.count);
}

function cut(
  { count, call, ret }: Timetable,
  edges: Edges,
  orders: Orders,
  of: Int32Array,
  numbers: number,
): Component[] {
  const members: number[][] = Array.from({ length: numbers }, () => []);
  const local = new Int32Array(count);
  for (let txn = 0; txn < count; txn++) {
    const number = of[txn] ?? -1;
    if (number >= 0) local[txn] = (members[number]?.push(txn) ?? 1) - 1;
  }
  const inner: Columns[] = members.map(() => ({ from: [], to: [], kind: [], reason: [] }));
  const add = (from: number, to: number, kind: number, reason: number) => {
    const number = of[from] ?? -1;
    if (number < 0 || of[to] !== number) return;
    const columns = inner[number];
    columns?.from.push(int(local, from));
    columns?.to.push(int(local, to));
    columns?.kind.push(kind);
    columns?.reason.push(reason);
  };
  for (let edge = 0; edge < edges.from.length; edge++) {
    add(int(edges.from, edge), int(edges.to, edge), int(edges.kind, edge), int(edges.reason, edge));
  }
  for (let txn = 0; txn < count; txn++) {
    const next = orders.processNext[txn] ?? -1;
    if (next >= 0) add(txn, next, PROCESS, -1);
  }
  return members
    .map((txns, number): Component => {
      const columns = inner[number] ?? { from: [], to: [], kind: [], reason: [] };
      const calls = Int32Array.from(txns, (txn) => int(call, txn));
      const rets = Int32Array.from(txns, (txn) => int(ret, txn));
      const after = firstAfter(txns.length, calls, rets);
      return { txns: Int32Array.from(txns), firstAfter: after, ...rowsOf(txns.length, columns) };
    })
    .sort((a, b) => a.txns.length - b.txns.length);
}

type Columns = { from: number[]; to: number[]; kind: number[]; reason: number[] };

function rowsOf(
  size: number,
  { from, to, kind, reason }: Columns,
): Pick<Component, "start" | "to" | "kind" | "reason"> {
  const start = new Int32Array(size + 1);
  for (const member of from) start[member + 1] = int(start, member + 1) + 1;
  for (let member = 0; member < size; member++) {
    start[member + 1] = int(start, member + 1) + int(start, member);
  }
  const place = start.slice();
  const rows = {
    start,
    to: new Int32Array(from.length),
    kind: new Uint8Array(from.length),
    reason: new Int32Array(from.length),
  };
  for (const [edge, member] of from.entries()) {
    const position = int(place, member);
    place[member] = position + 1;
    rows.to[position] = to[edge] ?? 0;
    rows.kind[position] = kind[edge] ?? 0;
    rows.reason[position] = reason[edge] ?? -1;
  }
  return rows;
}
