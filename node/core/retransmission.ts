// Retransmission: at an interval every replica says what it has, and peers resend what it lacks. There
// is no other repair, so this must bring every laggard up to date: behind in votes, in views or in
// state, while the cluster is busy or idle. What a peer can make us send is bounded for each tick.
// Source: TOCS '02 §5.2 (status messages).

import { onFetchTimeout } from "./fetch.js";
import type { PrincipalId, ReplicaId, Seq, Status } from "./messages.js";
import { onBatchTimeout } from "./normal-case.js";
import type { Outbox } from "./outbox.js";
import { noteForRejoin } from "./rejoin.js";
import { proposedBody, type Slot } from "./slot.js";
import {
  accepted,
  highWatermark,
  ignored,
  isPrimary,
  type Outcome,
  type Peer,
  type Replica,
} from "./state.js";
import type { TimerName } from "./step.js";
import { onViewTimeout } from "./view-change.js";
import { completeIdleLog } from "./votes-ahead.js";

const HAS_PRE_PREPARE = 1;
const HAS_PREPARED = 2;
const HAS_COMMITTED = 4;

/** Answers that one peer gets between two ticks of ours. */
const ANSWERS_PER_TICK_MAX = 4;
/** Statuses that we send early, between two ticks. */
const EARLY_PER_TICK_MAX = 2;
/** About how many bytes of batches one status is answered with. */
const ANSWER_BYTES_MAX = 131_072;
/** What a request takes beside its operation, about. */
const REQUEST_BYTES_ABOUT = 160;
/** A view-change that the peer already seems to have is sent again after so many ticks. */
const VIEW_CHANGE_AGAIN_TICKS = 8;

export function onTimeout(replica: Replica, timer: TimerName, out: Outbox): void {
  switch (timer) {
    case "status":
      onStatusTimeout(replica, out);
      return;
    case "view":
      onViewTimeout(replica, out);
      return;
    case "fetch":
      onFetchTimeout(replica, out);
      return;
    case "batch":
      onBatchTimeout(replica);
      return;
    default:
      timer satisfies never;
  }
}

/** At the start: tells the others where we are, and an unfinished view change that it goes on. */
export function startStatus(replica: Replica, out: Outbox): void {
  const own = replica.viewChanges.get(replica.id);
  if (own !== undefined && !replica.viewActive) out.broadcast(own.message);
  out.broadcast(currentStatus(replica));
  out.setTimer("status", replica.config.statusIntervalMs);
}

function onStatusTimeout(replica: Replica, out: Outbox): void {
  replica.tick += 1;
  replica.statusesEarly = 0;
  for (const peer of replica.peers) {
    peer.statusesThisTick = 0;
    peer.digestsThisTick = 0;
    peer.viewsThisTick = 0;
  }
  out.logCommitted(); // an idle log is complete
  completeIdleLog(replica, out);
  out.broadcast(currentStatus(replica));
  out.setTimer("status", replica.config.statusIntervalMs);
}

/** At the end of a step that made us ready for more: says so at once. */
export function sendEarlyStatus(replica: Replica, out: Outbox): void {
  if (!replica.statusDue) return;
  replica.statusDue = false;
  if (replica.statusesEarly >= EARLY_PER_TICK_MAX) return;
  replica.statusesEarly += 1;
  out.broadcast(currentStatus(replica));
}

function currentStatus(replica: Replica): Status {
  const { id, view, viewActive, stable, executedSeq } = replica;
  const base = Math.max(executedSeq, stable.seq);
  let last = base;
  for (const seq of replica.slots.keys()) last = Math.max(last, seq);
  const slots = new Uint8Array(last - base);
  for (let index = 0; index < slots.length; index++) {
    const slot = replica.slots.get(base + 1 + index);
    if (slot !== undefined) slots[index] = slotBits(slot);
  }
  const viewChangesHeld = new Uint8Array(Math.ceil(replica.config.n / 8));
  for (const sender of replica.viewChanges.keys()) {
    viewChangesHeld[sender >> 3] = (viewChangesHeld[sender >> 3] ?? 0) | (1 << (sender & 7));
  }
  return {
    kind: "status",
    replica: id,
    view,
    viewActive,
    stableSeq: stable.seq,
    executedSeq,
    slots,
    viewChangesHeld,
  };
}

function slotBits(slot: Slot): number {
  const proposed = proposedBody(slot) === undefined ? 0 : HAS_PRE_PREPARE;
  const prepared = slot.preparedHere ? HAS_PREPARED : 0;
  const committed = slot.committed === undefined ? 0 : HAS_COMMITTED;
  return proposed | prepared | committed;
}

export function onStatus(
  replica: Replica,
  from: PrincipalId,
  status: Status,
  out: Outbox,
): Outcome {
  const peer = replica.peers[from];
  if (peer === undefined || status.replica !== from) return ignored("not-sender");
  if (status.slots.length > replica.config.window) return ignored("too-many-slots");
  const still = peer.executedSeq === status.executedSeq;
  peer.behindTicks = still && !canServe(replica, status.executedSeq) ? peer.behindTicks + 1 : 0;
  peer.heard = true;
  peer.executedSeq = status.executedSeq;
  noteForRejoin(replica, out);
  peer.statusesThisTick += 1;
  if (peer.statusesThisTick > ANSWERS_PER_TICK_MAX) return ignored("too-often");

  resendView(replica, from, peer, status, out);
  resendCheckpoints(replica, from, status, out);
  resendSlots(replica, from, status, out);
  return accepted;
}

/** Whether a peer that executed so far lacks nothing, or we hold the certificate it needs next. */
function canServe(replica: Replica, executedSeq: Seq): boolean {
  if (executedSeq >= replica.executedSeq) return true;
  return replica.slots.get(executedSeq + 1)?.committed !== undefined;
}

/** The new-view to one who missed it; our view-change to one who has not got it. */
function resendView(
  replica: Replica,
  to: ReplicaId,
  peer: Peer,
  status: Status,
  out: Outbox,
): void {
  const { view, viewActive, newView, tick } = replica;
  if (status.view > view || (status.view === view && status.viewActive)) return;
  if (newView !== undefined && newView.message.view >= status.view) {
    const missed = newView.message.view > status.view || !status.viewActive;
    if (missed) out.send(to, newView.message);
  }
  const own = replica.viewChanges.get(replica.id);
  if (viewActive || own === undefined) return;
  const sent = peer.viewChangeSent;
  const holds = ((status.viewChangesHeld[replica.id >> 3] ?? 0) & (1 << (replica.id & 7))) !== 0;
  const wait = holds ? VIEW_CHANGE_AGAIN_TICKS : 1; // what it holds may be for an earlier view
  if (sent.view === view && tick - sent.tick < wait) return;
  peer.viewChangeSent = { tick, view };
  out.send(to, own.message);
}

/** The proof of our stable checkpoint, and our own votes above it. */
function resendCheckpoints(replica: Replica, to: ReplicaId, status: Status, out: Outbox): void {
  const { stable, id } = replica;
  if (status.stableSeq < stable.seq) {
    out.send(to, { kind: "checkpoint-proof", replica: id, checkpoints: stable.proof });
  }
  for (const [seq, votes] of replica.checkpoints) {
    const own = votes.get(id);
    if (own !== undefined && seq > status.stableSeq) out.send(to, own.vote);
  }
}

/** Commit certificates to anyone behind; votes and pre-prepares to one in our view. */
function resendSlots(replica: Replica, to: ReplicaId, status: Status, out: Outbox): void {
  const sameView = replica.viewActive && status.viewActive && status.view === replica.view;
  const base = Math.max(status.executedSeq, status.stableSeq);
  let bytes = sameView ? resendUnproved(replica, to, base, out) : 0;
  const first = Math.max(base, replica.stable.seq) + 1;
  for (let seq = first; seq <= highWatermark(replica) && bytes < ANSWER_BYTES_MAX; seq++) {
    const slot = replica.slots.get(seq);
    if (slot === undefined) continue;
    const has = status.slots[seq - base - 1] ?? 0;
    // What went out within this tick is on its way; asking for it again is only haste.
    if ((has & HAS_COMMITTED) !== 0 || replica.tick - slot.sentTick < 1) continue;
    if (slot.committed !== undefined) {
      if (ourTurn(replica, to, seq)) {
        out.send(to, slot.committed);
        bytes += batchBytes(slot.committed.requests);
      }
    } else if (sameView) {
      bytes += resendVotes(replica, to, slot, has, out);
    }
  }
}

/**
 * Our votes for the first slot of which we have no certificate, though the peer executed it: it may have
 * lost the certificate with its process, and would not ask for what makes it vote for the slot again.
 */
function resendUnproved(replica: Replica, to: ReplicaId, executed: Seq, out: Outbox): number {
  const { slots, stable, tick } = replica;
  let seq = stable.seq + 1;
  while (seq <= executed && slots.get(seq)?.committed !== undefined) seq += 1;
  const slot = slots.get(seq);
  if (slot === undefined || seq > executed || tick - slot.sentTick < 1) return 0;
  return resendVotes(replica, to, slot, 0, out);
}

/** Halves what the peers resend at once: each sends a batch at every other tick only. */
function ourTurn(replica: Replica, to: ReplicaId, seq: Seq): boolean {
  return (seq + replica.id + to + replica.tick) % 2 === 0;
}

function resendVotes(
  replica: Replica,
  to: ReplicaId,
  slot: Slot,
  has: number,
  out: Outbox,
): number {
  let bytes = 0;
  const body = proposedBody(slot);
  const { proposal, seq } = slot;
  if ((has & HAS_PRE_PREPARE) === 0 && proposal !== undefined && body !== undefined) {
    if (isPrimary(replica) || ourTurn(replica, to, seq)) {
      const { view, digest, signature } = proposal;
      const { requests } = body;
      out.send(to, { kind: "pre-prepare", view, seq, digest, signature, requests });
      bytes = batchBytes(requests);
    }
  }
  const prepare = slot.prepares.get(replica.id);
  if ((has & HAS_PREPARED) === 0 && prepare !== undefined) out.send(to, prepare.vote);
  const commit = slot.commits.get(replica.id);
  if (commit !== undefined) out.send(to, commit.vote);
  return bytes;
}

function batchBytes(requests: readonly { operation: Uint8Array }[]): number {
  let bytes = REQUEST_BYTES_ABOUT;
  for (const { operation } of requests) bytes += operation.length + REQUEST_BYTES_ABOUT;
  return bytes;
}
