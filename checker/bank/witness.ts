// The order that the servers themselves claim: that of a final ledger's entries, or that of the seqs in
// the replies. It is only a candidate. Where it respects real time and replays, it proves the history
// linearizable in linear time; where not, it proves nothing, and what ignores it decides.

import { describe } from "../describe.js";
import type { LedgerDump, LedgerEntry } from "../run-record.js";
import type { BankOp } from "./bank-history.js";
import { type BankTable, isFree } from "./bank-table.js";
import { longest } from "./ledger-index.js";
import { replayTable } from "./replay-table.js";
import { Standing } from "./standing.js";
import { type Placement, placeAround } from "./write-order.js";

export type Claim = "by ledger" | "by seq";

export type Witness =
  | { claim: Claim; order: Int32Array }
  /** Why the claimed order is none. */
  | { failure: string };

/** `ops` are the rows of the table; both orders are tried, the ledger's first. */
export function witness(
  table: BankTable,
  ops: readonly BankOp[],
  ledgers: readonly LedgerDump[],
): Witness {
  const ledger = longest(ledgers);
  let failure = "no ledger, and no reply names a seq";
  if (ledger !== undefined && ledger.entries.length > 0) {
    const byLedger = performed(table, ops, "by ledger", rowsOf(ops, ledger.entries));
    if ("order" in byLedger) return byLedger;
    failure = byLedger.failure;
  }
  if (ops.every(({ source }) => source.seq === undefined)) return { failure };
  const bySeq = performed(table, ops, "by seq", rowsBySeq(table, ops));
  return "order" in bySeq ? bySeq : { failure: ledger === undefined ? bySeq.failure : failure };
}

function performed(
  table: BankTable,
  ops: readonly BankOp[],
  claim: Claim,
  writes: Int32Array,
): Witness {
  const placement = placeAround(table, writes);
  if (!("order" in placement)) return { failure: failureOf(placement, ops, claim) };
  const wrong = replayTable(table, placement.order);
  return wrong === undefined ? { claim, order: placement.order } : { failure: wrong };
}

function failureOf(
  { row, wrong }: Exclude<Placement, { order: Int32Array }>,
  ops: readonly BankOp[],
  claim: Claim,
): string {
  const op = ops[row];
  const what = op === undefined ? "" : describe(op.source);
  switch (wrong) {
    case "real time":
      return `it stands behind an operation invoked after its end: ${what}`;
    case "answer":
      return `does not get its answer: ${what}`;
    case "missing":
      return claim === "by seq" ? `no seq was given for ${what}` : `not in the ledger: ${what}`;
    default:
      return wrong satisfies never;
  }
}

/** The writes in the order of their entries; an entry that nobody asked for is left out. */
function rowsOf(ops: readonly BankOp[], entries: readonly LedgerEntry[]): Int32Array {
  const rows = new Map<number, Map<number, number>>();
  for (const [row, { source, answer }] of ops.entries()) {
    const { client, timestamp } = source;
    if (client === undefined || timestamp === undefined || answer?.kind === "refused") continue;
    const timestamps = rows.get(client) ?? new Map<number, number>();
    rows.set(client, timestamps.set(timestamp, row));
  }
  const taken = new Set<number>();
  for (const { client, timestamp } of entries) {
    const row = rows.get(client)?.get(timestamp);
    if (row !== undefined) taken.add(row);
  }
  return Int32Array.from(taken).filter((row) => isWrite(ops, row));
}

function isWrite(ops: readonly BankOp[], row: number): boolean {
  const kind = ops[row]?.operation.kind;
  return kind !== "balance" && kind !== "statement";
}

/** The writes by seq; those of one seq, a batch, in an order that gives their answers if possible. */
function rowsBySeq(table: BankTable, ops: readonly BankOp[]): Int32Array {
  const claimed: { row: number; seq: number }[] = [];
  for (const [row, { source }] of ops.entries()) {
    if (isFree(table, row) || source.seq === undefined) continue;
    claimed.push({ row, seq: source.seq });
  }
  claimed.sort((a, b) => a.seq - b.seq || a.row - b.row);
  const order = new Int32Array(claimed.length);
  const standing = new Standing(table);
  let next = 0;
  for (let start = 0; start < claimed.length; ) {
    let end = start + 1;
    while (end < claimed.length && claimed[end]?.seq === claimed[start]?.seq) end += 1;
    for (const row of batchOrder(standing, claimed.slice(start, end))) order[next++] = row;
    start = end;
  }
  return order;
}

function batchOrder(standing: Standing, batch: readonly { row: number }[]): number[] {
  const left = batch.map(({ row }) => row);
  const order: number[] = [];
  while (left.length > 0) {
    const fitting = Math.max(
      0,
      left.findIndex((row) => standing.accepts(row)),
    );
    const [row = 0] = left.splice(fitting, 1);
    order.push(row);
    if (standing.accepts(row)) standing.perform(row);
  }
  return order;
}
