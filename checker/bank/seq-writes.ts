// The order that the seqs in the replies claim, of everything, or of the writes. Operations of one seq
// are a batch, whose order nobody told: one that gives their answers is made, if going from one that
// fits to the next leads to it.

import { float, int } from "../columns.js";
import { type BankTable, isFree } from "./bank-table.js";
import { replayTable } from "./replay-table.js";
import { Standing } from "./standing.js";

/** In a greater batch, looking for reads first would take too long. */
const FREE_FIRST_MAX = 128;

/**
 * The whole order, replayed; undefined where an answer names no seq, or the order does not hold.
 * `seqs` by row, NaN where no reply named one.
 */
export function orderBySeq(table: BankTable, seqs: Float64Array): Int32Array | undefined {
  const { count, optional } = table;
  const rows = new Int32Array(count);
  let next = 0;
  for (let row = 0; row < count; row++) {
    if (!Number.isNaN(float(seqs, row))) rows[next++] = row;
    else if (optional[row] === 0) return undefined;
  }
  const order = sorted(rows.subarray(0, next), seqs);
  if (replayTable(table, order) === undefined) return order;
  arrangeBatches(table, order, seqs);
  return replayTable(table, order) === undefined ? order : undefined;
}

/** `seqs` by row, NaN where no reply named one: those writes are left out. */
export function writesBySeq(table: BankTable, seqs: Float64Array): Int32Array {
  const writes = sorted(claimed(table, seqs), seqs);
  arrangeBatches(table, writes, seqs);
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
  for (let index = 0; index < rows.length; index++) {
    const seq = float(seqs, int(rows, index));
    if (seq > most) most = seq;
  }
  if (!Number.isInteger(most) || most > 8 * rows.length + 1024) {
    return rows.sort((a, b) => float(seqs, a) - float(seqs, b) || a - b);
  }
  const starts = new Int32Array(most + 2);
  for (let index = 0; index < rows.length; index++) {
    const next = Math.floor(float(seqs, int(rows, index))) + 1;
    starts[next] = int(starts, next) + 1;
  }
  for (let seq = 0; seq <= most; seq++) starts[seq + 1] = int(starts, seq + 1) + int(starts, seq);
  const order = new Int32Array(rows.length);
  for (let index = 0; index < rows.length; index++) {
    const row = int(rows, index);
    const seq = Math.floor(float(seqs, row));
    const at = int(starts, seq);
    order[at] = row;
    starts[seq] = at + 1;
  }
  return order;
}

function arrangeBatches(table: BankTable, order: Int32Array, seqs: Float64Array): void {
  const standing = new Standing(table);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && seqs[int(order, end)] === seqs[int(order, start)]) end += 1;
    arrange(table, standing, order, start, end);
    start = end;
  }
}

/** Brings the rows from `start` to `end` into an order in which each, if any can, gets its answer. */
function arrange(
  table: BankTable,
  standing: Standing,
  rows: Int32Array,
  start: number,
  end: number,
): void {
  // What has no effect hinders nobody, but may not fit any more a little later.
  const freeFirst = end - start <= FREE_FIRST_MAX;
  for (let at = start; at < end; at++) {
    let next = freeFirst ? at : end;
    while (next < end && !(isFree(table, int(rows, next)) && standing.accepts(int(rows, next)))) {
      next += 1;
    }
    if (next === end) next = at;
    while (next < end && !standing.accepts(int(rows, next))) next += 1;
    if (next === end) return;
    const row = int(rows, next);
    rows.copyWithin(at + 1, at, next);
    rows[at] = row;
    if (!isFree(table, row)) standing.perform(row);
  }
}
