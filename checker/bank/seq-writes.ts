// The order of the writes that the seqs in the replies claim. Operations of one seq are a batch, whose
// order nobody told: one that gives their answers is made, if going from one that fits to the next
// leads to it.

import { type BankTable, isFree } from "./bank-table.js";
import { Standing } from "./standing.js";

/** `seqs` by row, NaN where no reply named one: those writes are left out. */
export function writesBySeq(table: BankTable, seqs: Float64Array): Int32Array {
  const writes = sorted(claimed(table, seqs), seqs);
  const standing = new Standing(table);
  for (let start = 0; start < writes.length; ) {
    let end = start + 1;
    while (end < writes.length && seqs[writes[end] ?? 0] === seqs[writes[start] ?? 0]) end += 1;
    arrange(standing, writes, start, end);
    start = end;
  }
  return writes;
}

function claimed(table: BankTable, seqs: Float64Array): Int32Array {
  const rows = new Int32Array(table.count);
  let next = 0;
  for (let row = 0; row < table.count; row++) {
    if (!isFree(table, row) && !Number.isNaN(seqs[row] ?? 0)) rows[next++] = row;
  }
  return rows.slice(0, next);
}

/** By seq, in a batch by call. Counted where seqs are dense, as those of a run are. */
function sorted(rows: Int32Array, seqs: Float64Array): Int32Array {
  let most = 0;
  for (const row of rows) most = Math.max(most, seqs[row] ?? 0);
  if (!Number.isInteger(most) || most > 8 * rows.length + 1024) {
    return rows.sort((a, b) => (seqs[a] ?? 0) - (seqs[b] ?? 0) || a - b);
  }
  const starts = new Int32Array(most + 2);
  for (const row of rows) {
    const seq = Math.floor(seqs[row] ?? 0);
    starts[seq + 1] = (starts[seq + 1] ?? 0) + 1;
  }
  for (let seq = 0; seq <= most; seq++)
    starts[seq + 1] = (starts[seq + 1] ?? 0) + (starts[seq] ?? 0);
  const order = new Int32Array(rows.length);
  for (const row of rows) {
    const seq = Math.floor(seqs[row] ?? 0);
    const at = starts[seq] ?? 0;
    order[at] = row;
    starts[seq] = at + 1;
  }
  return order;
}

/** Brings the writes from `start` to `end` into an order in which each, if any can, gets its answer. */
function arrange(standing: Standing, writes: Int32Array, start: number, end: number): void {
  for (let at = start; at < end; at++) {
    let next = at;
    while (next < end && !standing.accepts(writes[next] ?? 0)) next += 1;
    if (next === end) return;
    const row = writes[next] ?? 0;
    writes.copyWithin(at + 1, at, next);
    writes[at] = row;
    standing.perform(row);
  }
}
