// The last word on every pass of the fast checks: an explicit order, performed from an empty bank,
// one operation after the other.

import { int } from "../columns.js";
import type { BankTable } from "./bank-table.js";
import { isFree } from "./bank-table.js";
import { Standing } from "./standing.js";

/**
 * Undefined where `order` (rows) holds every row that is not optional once, respects real time, and
 * gives every answer that was observed; otherwise what is wrong with it.
 */
export function replayTable(table: BankTable, order: Int32Array): string | undefined {
  const { count, call, ret, optional } = table;
  const standing = new Standing(table);
  const placed = new Uint8Array(count);
  let callLatest = -1;
  for (const row of order) {
    if (row < 0 || row >= count || placed[row] === 1) return `row ${row} is not one to place`;
    placed[row] = 1;
    if (int(ret, row) < callLatest) return `row ${row} was over before one placed ahead of it`;
    callLatest = Math.max(callLatest, int(call, row));
    if (!standing.accepts(row)) return `row ${row} does not get its answer`;
    if (!isFree(table, row)) standing.perform(row);
  }
  for (let row = 0; row < count; row++) {
    if (placed[row] === 0 && optional[row] === 0) return `row ${row} is not in the order`;
  }
  return undefined;
}
