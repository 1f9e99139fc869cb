// The order that the servers themselves claim: by the seq of each reply, and inside a batch by the
// ledger's entries. It is only a candidate. Where it respects real time and replays, it proves the
// history linearizable in linear time; where not, it proves nothing, and the search decides.

import { describe } from "../describe.js";
import type { LedgerEntry } from "../run-record.js";
import type { BankOp } from "./bank-history.js";
import { isWrite } from "./bank-operation.js";
import type { ByRequest } from "./ledger-index.js";
import { answers, type Bank, perform, undo } from "./model.js";
import { fits, isEffectFree, type SearchLimits, search } from "./search.js";

export type Witness =
  /** Positions in the ops given. */
  | { order: number[] }
  /** Why the claimed order is none. */
  | { failure: string };

/** Inside a batch the order may be unknown; a batch is small, and so is its search. */
const BATCH_LIMITS: SearchLimits = { steps: 20_000, configurations: 5_000 };

type Claim = { position: number; seq: number; op: BankOp };

/**
 * `entries` are those of a final ledger. An operation of unknown outcome is taken to
 * have happened where its entry stands, and not to have happened where it has none.
 */
export function witness(ops: readonly BankOp[], entries: ByRequest<LedgerEntry>): Witness {
  if (ops.every(({ source }) => source.seq === undefined)) return { failure: "no reply names one" };
  const claims: Claim[] = [];
  for (const [position, op] of ops.entries()) {
    const entry = entryOf(op, entries);
    const seq = op.source.seq ?? entry?.seq;
    if (seq === undefined && op.optional) continue;
    if (seq === undefined) return { failure: `no seq was given for ${describe(op.source)}` };
    const claimed = { ...op, optional: false, hint: entry?.index ?? op.call };
    if (op.optional) claimed.answer = { kind: "ok" };
    claims.push({ position, seq, op: claimed });
  }
  claims.sort((a, b) => a.seq - b.seq || a.op.call - b.op.call);
  return performClaims(claims);
}

function entryOf(op: BankOp, entries: ByRequest<LedgerEntry>): LedgerEntry | undefined {
  const { client, timestamp, f } = op.source;
  if (client === undefined || timestamp === undefined || !isWrite(f)) return undefined;
  return entries.get(client, timestamp);
}

/** Batch after batch, on one bank. */
function performClaims(claims: readonly Claim[]): Witness {
  const bank: Bank = new Map();
  const order: number[] = [];
  let callLatest = -1;
  for (let start = 0; start < claims.length; ) {
    const batch = batchAt(claims, start);
    start += batch.length;
    for (const { op } of batch) {
      if (op.ret >= callLatest) continue;
      return {
        failure: `it stands behind an operation invoked after its end: ${describe(op.source)}`,
      };
    }
    for (const { op } of batch) callLatest = Math.max(callLatest, op.call);
    const straight = performStraight(batch, bank);
    if (straight !== undefined) {
      order.push(...straight);
      continue;
    }
    const found = search(
      batch.map(({ op }) => op),
      bank,
      BATCH_LIMITS,
    );
    if (found.found !== true) {
      const blocked = found.found === false ? batch[found.blocked] : batch[0];
      const what = found.found === false ? "does not get its answer" : "its batch is too large";
      return { failure: `${what}: ${blocked === undefined ? "" : describe(blocked.op.source)}` };
    }
    for (const position of found.order) order.push(batch[position]?.position ?? -1);
  }
  return { order };
}

/**
 * The usual case: the writes in the order of their entries, and whatever has no effect as soon as
 * it fits. Undefined, and the bank as before, where that does not work out.
 */
function performStraight(batch: readonly Claim[], bank: Bank): number[] | undefined {
  const order: Claim[] = [];
  let free = batch.filter(({ op }) => isEffectFree(op));
  const takeFree = () => {
    const fitting = free.filter(({ op }) => fits(bank, op));
    order.push(...fitting);
    if (fitting.length > 0) free = free.filter((claim) => !fitting.includes(claim));
  };
  const writes = batch.filter(({ op }) => !isEffectFree(op)).sort((a, b) => a.op.hint - b.op.hint);
  const performed: Claim[] = [];
  takeFree();
  const answered = writes.every((claim) => {
    const { operation, answer } = claim.op;
    if (!perform(bank, operation)) return false;
    performed.push(claim);
    if (answer !== undefined && !answers(bank, operation, answer)) return false;
    order.push(claim);
    takeFree();
    return true;
  });
  if (answered && free.length === 0 && respectsRealTime(order)) {
    return order.map(({ position }) => position);
  }
  for (const { op } of performed.toReversed()) undo(bank, op.operation);
  return undefined;
}

function respectsRealTime(order: readonly Claim[]): boolean {
  let callLatest = -1;
  return order.every(({ op }) => {
    const inTime = op.ret >= callLatest;
    callLatest = Math.max(callLatest, op.call);
    return inTime;
  });
}

function batchAt(claims: readonly Claim[], start: number): readonly Claim[] {
  const seq = claims[start]?.seq;
  let end = start + 1;
  while (end < claims.length && claims[end]?.seq === seq) end += 1;
  return claims.slice(start, end);
}
