// The log after a checkpoint became stable: everything a restart still needs, and nothing else.
// `recover` (recovery.ts) reads the records in this order.

import type { LogRecord } from "./log.js";
import type { Digest, PrePrepare } from "./messages.js";
import type { Slot } from "./slot.js";
import { type Replica, slotsAscending } from "./state.js";
import { votesLoggedRecord } from "./votes-ahead.js";

export function compactedRecords(replica: Replica): LogRecord[] {
  const records: LogRecord[] = [];
  const { stable, newView, view, rejoin } = replica;
  if (rejoin !== undefined) records.push({ kind: "rejoin", seq: rejoin.seq });
  if (stable.seq > 0) records.push({ kind: "stable", proof: stable.proof });
  const slots = slotsAscending(replica);
  for (const slot of slots) records.push(...certificateRecords(replica, slot));
  if (newView !== undefined) {
    const viewChanges = newView.viewChanges.map((held) => held.message);
    records.push({ kind: "new-view", message: newView.message, viewChanges });
  }
  const own = replica.viewChanges.get(replica.id);
  if (!replica.viewActive && own !== undefined) {
    records.push({ kind: "view-change", message: own.message });
  }
  records.push({ kind: "view", view, active: replica.viewActive });
  for (const slot of slots) records.push(...proposalRecords(slot));
  for (const votes of replica.checkpoints.values()) {
    const own = votes.get(replica.id);
    if (own !== undefined) records.push({ kind: "checkpoint", message: own.vote });
  }
  records.push(votesLoggedRecord(replica));
  return records;
}

/** The prepared certificate with its batch; the commit certificate of an executed slot. */
function certificateRecords(replica: Replica, slot: Slot): LogRecord[] {
  const records: LogRecord[] = [];
  const { prepared, committed, seq } = slot;
  const logged = new Set<Digest>();
  if (prepared !== undefined) {
    const { view, digest, prePrepareSignature: signature } = prepared;
    const body = slot.bodies.get(digest);
    if (body !== undefined) {
      body.logged = true;
      logged.add(digest);
      const { requests } = body;
      const message: PrePrepare = { kind: "pre-prepare", view, seq, digest, signature, requests };
      const abstained = slot.abstained && slot.proposal?.view === view;
      records.push({ kind: abstained ? "abstained" : "pre-prepare", message });
    }
    records.push({ kind: "prepared", certificate: prepared });
  }
  if (committed !== undefined && seq <= replica.executedSeq) {
    const requests = logged.has(committed.digest) ? [] : committed.requests;
    records.push({ kind: "committed", certificate: { ...committed, requests } });
    const body = slot.bodies.get(committed.digest);
    if (body !== undefined) body.logged = true;
  }
  return records;
}

/** The proposal of the current view, which implies our vote, unless the certificate shows it too. */
function proposalRecords(slot: Slot): LogRecord[] {
  const { proposal, seq } = slot;
  if (proposal === undefined) return [];
  if (slot.prepared?.view === proposal.view && slot.prepared.digest === proposal.digest) return [];
  const body = slot.bodies.get(proposal.digest);
  if (body === undefined) return []; // named by the new-view record; no vote of ours rests on it
  body.logged = true;
  const { view, digest, signature } = proposal;
  const { requests } = body;
  const message: PrePrepare = { kind: "pre-prepare", view, seq, digest, signature, requests };
  return [{ kind: slot.abstained ? "abstained" : "pre-prepare", message }];
}
