// The order of the writes that the seqs in the replies claim. Operations of one seq are a batch, whose
// order nobody told: one that gives their answers is made, if going from one that fits to the next
// leads to it.

import { float, int } from "../columns.js";
import { type BankTable, isFree } from "./bank-table.js";
import { Standing } from "./standing.js";

/** `seqs` by row, NaN where no reply named one: those writes are left out. */
export function writesBySeq(table: BankTable, seqs: Float64Array): Int32Array {
  const writes = sorted(claimed(table, seqs), seqs);
  const standing = new Standing(table);
  for (let start = 0; start < writes.length; ) {
    let end = start + 1;
    while (end < writes.length && seqs[int(writes, end)] === seqs[int(writes, start)]) end += 1;
    arrange(standing, writes, start, end);
    start = end;
  }
  return writes;
}

function claimed(table: BankTable, seqs: Float64Array): Int32Array {
  const rows = new Int32Array(table.count);
  let next = 0;
  for (let row = 0; row < table.count; row++) {
    if (!isFree(table, row) && !Number.isNaN(float(seqs, row))) rows[next++] = row;
  }
  return rows.slice(0, next);
}

/** By seq, in a batch by call. Counted where seqs are dense, as those of a run are. */
function sorted(rows: Int32Array, seqs: Float64Array): Int32Array {
  let most = 0;
  for (const row of rows) most = Math.max(most, float(seqs, row));
  if (!Number.isInteger(most) || most > 8 * rows.length + 1024) {
    return rows.sort((a, b) => float(seqs, a) - float(seqs, b) || a - b);
  }
  const starts = new Int32Array(most + 2);
  for (const row of rows) {
    const seq = Math.floor(float(seqs, row));
    starts[seq + 1] = int(starts, seq + 1) + 1;
  }
  for (let seq = 0; seq <= most; seq++) starts[seq + 1] = int(starts, seq + 1) + int(starts, seq);
  const order = new Int32Array(rows.length);
  for (const row of rows) {
    const seq = Math.floor(float(seqs, row));
    const at = int(starts, seq);
    order[at] = row;
    starts[seq] = at + 1;
  }
  return order;
}

/** Brings the writes from `start` to `end` into an order in which each, if any can, gets its answer. */
function arrange(standing: Standing, writes: Int32Array, start: number, end: number): void {
  for (let at = start; at < end; at++) {
    let next = at;
    while (next < end && !standing.accepts(int(writes, next))) next += 1;
    if (next === end) return;
    const row = int(writes, next);
    writes.copyWithin(at + 1, at, next);
    writes[at] = row;
    standing.perform(row);
  }
}
