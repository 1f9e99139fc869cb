import { int } from "../columns.js";
// Directed graphs as compressed rows, and their strongly connected components in linear time.

export type Graph = {
  nodes: number;
  /** Successors of node v: to[start[v]] to to[start[v + 1]]. */
  start: Int32Array;
  to: Int32Array;
};

export type EdgeColumns = { from: Int32Array; to: Int32Array };

/** Sorts edges into rows, by counting. */
export function graphOf(nodes: number, ...sources: readonly EdgeColumns[]): Graph {
  const start = new Int32Array(nodes + 1);
  let edges = 0;
  for (const { from } of sources) {
    edges += from.length;
    for (let edge = 0; edge < from.length; edge++) {
      const row = int(from, edge) + 1;
      start[row] = int(start, row) + 1;
    }
  }
  for (let node = 0; node < nodes; node++) {
    start[node + 1] = int(start, node + 1) + int(start, node);
  }
  const place = start.slice(0, nodes);
  const rows = new Int32Array(edges);
  for (const { from, to } of sources) {
    for (let edge = 0; edge < from.length; edge++) {
      const node = int(from, edge);
      const position = int(place, node);
      rows[position] = int(to, edge);
      place[node] = position + 1;
    }
  }
  return { nodes, start, to: rows };
}

export type Components = {
  /** By node: the number of its component, or -1 where no cycle goes through the node. */
  of: Int32Array;
  count: number;
};

/**
 * The components of more than one node. Without recursion: a path may be as long as the history.
 * Source: Tarjan, "Depth-first search and linear graph algorithms" (1972).
 */
export function components({ nodes, start, to }: Graph): Components {
  const of = new Int32Array(nodes).fill(-1);
  const order = new Int32Array(nodes); // 0: not visited; DONE: its component is known.
  const low = new Int32Array(nodes);
  const next = new Int32Array(nodes);
  const open = new Int32Array(nodes);
  const path = new Int32Array(nodes);
  const DONE = 2 ** 31 - 1;
  let [count, visited, opened] = [0, 0, 0];
  for (let root = 0; root < nodes; root++) {
    if (order[root] !== 0) continue;
    let depth = 0;
    let node = root;
    visited += 1;
    order[node] = visited;
    low[node] = visited;
    next[node] = int(start, node);
    open[opened++] = node;
    path[depth++] = node;
    while (depth > 0) {
      node = int(path, depth - 1);
      let lowest = int(low, node);
      let edge = int(next, node);
      const end = int(start, node + 1);
      let child = -1;
      for (; edge < end; edge++) {
        const target = int(to, edge);
        const reached = int(order, target);
        if (reached === 0) {
          child = target;
          edge += 1;
          break;
        }
        // A node that is done has the highest order, and lowers nothing.
        if (reached < lowest) lowest = reached;
      }
      low[node] = lowest;
      next[node] = edge;
      if (child >= 0) {
        visited += 1;
        order[child] = visited;
        low[child] = visited;
        next[child] = int(start, child);
        open[opened++] = child;
        path[depth++] = child;
        continue;
      }
      depth -= 1;
      if (depth > 0) {
        const parent = int(path, depth - 1);
        if (lowest < int(low, parent)) low[parent] = lowest;
      }
      if (lowest !== order[node]) continue;
      const alone = open[opened - 1] === node;
      for (;;) {
        const member = int(open, --opened);
        order[member] = DONE;
        if (!alone) of[member] = count;
        if (member === node) break;
      }
      if (!alone) count += 1;
    }
  }
  return { of, count };
}
