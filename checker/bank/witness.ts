// The order that the servers themselves claim: that of a final ledger's entries, or that of the seqs in
// the replies. It is only a candidate. Where it respects real time and replays, it proves the history
// linearizable in linear time; where not, it proves nothing, and what ignores it decides.

import { describe } from "../describe.js";
import type { LedgerDump, LedgerEntry } from "../run-record.js";
import type { BankOp } from "./bank-history.js";
import type { BankTable } from "./bank-table.js";
import { ByRequest, longest } from "./ledger-index.js";
import { replayTable } from "./replay-table.js";
import { orderBySeq, writesBySeq } from "./seq-writes.js";
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
  const seqs = Float64Array.from(ops, ({ source }) => source.seq ?? Number.NaN);
  if (seqs.every(Number.isNaN)) return { failure };
  const whole = orderBySeq(table, seqs);
  if (whole !== undefined) return { claim: "by seq", order: whole };
  // Reads may name no seq, or stand elsewhere among the writes than their batch tells.
  const bySeq = performed(table, ops, "by seq", writesBySeq(table, seqs));
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
  const rows = new ByRequest<number>(ops.length);
  for (const [row, { source, answer }] of ops.entries()) {
    const { client, timestamp } = source;
    if (client === undefined || timestamp === undefined || answer?.kind === "refused") continue;
    rows.set(client, timestamp, row);
  }
  const isTaken = new Uint8Array(ops.length);
  const taken: number[] = [];
  for (const { client, timestamp } of entries) {
    const row = rows.get(client, timestamp);
    if (row === undefined || isTaken[row] === 1 || !isWrite(ops, row)) continue;
    isTaken[row] = 1;
    taken.push(row);
  }
  return Int32Array.from(taken);
}

function isWrite(ops: readonly BankOp[], row: number): boolean {
  const kind = ops[row]?.operation.kind;
  return kind !== "balance" && kind !== "statement";
}
