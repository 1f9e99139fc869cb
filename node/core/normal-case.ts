// Normal-case operation: the primary proposes batches, backups prepare, all commit.
// prepared = pre-prepare and 2f prepares of distinct backups; committed = prepared and 2f+1 commits.
// Source: OSDI '99 §4.2; batching: TOCS '02 §5.1.3.

import assert from "node:assert";
import { prePrepareHolds, sign, signCommit, signPrepare, voteHolds } from "./certificate.js";
import { batchDigest } from "./digest.js";
import type { Commit, PrePrepare, Prepare, PrincipalId, ReplicaId, Request } from "./messages.js";
import type { Outbox } from "./outbox.js";
import { preparesNeeded, quorumOf } from "./quorum.js";
import { authenticated, sizeProblem } from "./request.js";
import { addVote, gatherVotes, type Slot } from "./slot.js";
import {
  accepted,
  highWatermark,
  ignored,
  inWindow,
  isPrimary,
  mayVote,
  type Outcome,
  primary,
  type Replica,
  slotOf,
  slotsAscending,
} from "./state.js";
import { logVotedProposal, mayHaveVoted, noteVoteLogged } from "./votes-ahead.js";

/** A batch costs more than that. */
const GATHER_MS = 2;

/** So many statuses in a row that show a peer stuck where we cannot help it. */
const BEHIND_TICKS_MAX = 12;

/**
 * As primary, proposes what waits, while fewer than `batchesOutstandingMax` proposals are unexecuted.
 * Says whether it did.
 */
export function propose(replica: Replica, out: Outbox): boolean {
  if (!replica.viewActive || !isPrimary(replica) || !mayVote(replica)) return false;
  if (replica.nextSeq > highWatermark(replica)) return false;
  const outstanding = replica.nextSeq - 1 - replica.executedSeq;
  if (outstanding >= replica.config.batchesOutstandingMax) return false;
  if (outstanding === 0 && gathers(replica, out)) return false;
  const requests = takeBatch(replica);
  if (requests.length === 0 && !headsForCheckpoint(replica)) return false;

  const { view, nextSeq: seq } = replica;
  const digest = batchDigest(requests);
  const slot = slotOf(replica, seq);
  assert(slot.proposal === undefined, `slot ${seq}: proposed twice in view ${view}`);
  const signature = sign(replica, { kind: "pre-prepare", view, seq, digest });
  const message: PrePrepare = { kind: "pre-prepare", view, seq, digest, signature, requests };
  slot.proposal = { view, digest, signature };
  slot.bodies.set(digest, { requests, logged: true });
  slot.sentTick = replica.tick;
  replica.nextSeq = seq + 1;
  replica.batchHoped = 0;
  if (replica.batchTimerArmed) {
    replica.batchTimerArmed = false;
    out.cancelTimer("batch");
  }
  // A primary that forgets a proposal could make another for the same seq.
  logVotedProposal(replica, message, out);
  out.broadcast(message);
  settleSlot(replica, slot, out); // backups may have voted before we crashed
  return true;
}

/**
 * Whether those whose requests have just been answered are worth waiting for. Sessions that ask one thing
 * after another would else come in two halves, each of which waits while the other is agreed upon; half
 * the batches cost half as much.
 */
function gathers(replica: Replica, out: Outbox): boolean {
  const { waiting, batchHoped, batchTimerArmed, config } = replica;
  if (waiting.size === 0 || waiting.size >= Math.min(batchHoped, config.batchRequestsMax)) {
    return false;
  }
  if (!batchTimerArmed) {
    replica.batchTimerArmed = true;
    out.setTimer("batch", GATHER_MS);
  }
  return true;
}

/** Whoever comes has come. */
export function onBatchTimeout(replica: Replica): void {
  replica.batchTimerArmed = false;
  replica.batchHoped = 0;
}

/**
 * Whether a null request is due. A peer has been stuck for long where we cannot help it: nobody may hold
 * the state or the commit certificate that it needs any more. Null requests then take an idle cluster to
 * its next checkpoint, whose state is there to fetch, and no further: who is stuck still, and is heard,
 * has to say so again for as long. So neither a peer that is gone nor one that lies keeps us busy.
 * DEVIATION: the paper's primary proposes nothing of its own accord.
 */
function headsForCheckpoint({ peers, nextSeq, config }: Replica): boolean {
  const stuck = peers.filter(({ behindTicks }) => behindTicks >= BEHIND_TICKS_MAX);
  if (stuck.length === 0) return false;
  if ((nextSeq - 1) % config.checkpointInterval !== 0) return true;
  for (const peer of stuck) peer.behindTicks = 0;
  return false;
}

/** The oldest waiting requests, up to the limits of a batch; at most one for each session. */
function takeBatch(replica: Replica): Request[] {
  const { batchRequestsMax, batchBytesMax } = replica.config;
  const batch: Request[] = [];
  let bytes = 0;
  for (const waiting of replica.waiting.values()) {
    if (waiting.proposed) continue;
    bytes += waiting.request.operation.length;
    if (batch.length === batchRequestsMax || (batch.length > 0 && bytes > batchBytesMax)) break;
    batch.push(waiting.request);
    waiting.proposed = true;
  }
  return batch;
}

/** From the primary, or relayed by any replica: the primary's signature is what counts. */
export function onPrePrepare(replica: Replica, message: PrePrepare, out: Outbox): Outcome {
  if (message.view !== replica.view) return ignored("other-view");
  if (!mayVote(replica)) return ignored("may-not-vote");
  if (!inWindow(replica, message.seq)) return ignored("outside-watermarks");
  const slot = slotOf(replica, message.seq);
  if (!replica.viewActive) return keepEarly(replica, slot, message);
  if (slot.proposal !== undefined) return onRepeatedPrePrepare(replica, slot, message, out);
  if (isPrimary(replica)) return ignored("own-view");
  if (slot.committed !== undefined && slot.committed.digest !== message.digest) {
    return ignored("conflicts-with-committed");
  }
  const problem = batchProblem(replica, message.requests);
  if (problem !== undefined) return ignored(problem);
  if (batchDigest(message.requests) !== message.digest) return ignored("digest-mismatch");
  if (!prePrepareHolds(replica, message, message.signature)) return ignored("bad-signature");
  for (const request of message.requests) {
    if (!authenticated(replica, request)) return ignored("unauthenticated-request");
  }

  slot.proposal = { view: message.view, digest: message.digest, signature: message.signature };
  slot.bodies.set(message.digest, { requests: message.requests, logged: false });
  acceptProposal(replica, slot, out);
  return accepted;
}

/** It overtook its new-view; the primary's first for each slot is kept until that comes. */
function keepEarly(replica: Replica, slot: Slot, message: PrePrepare): Outcome {
  if (slot.early !== undefined) return ignored("view-changing");
  const problem = batchProblem(replica, message.requests);
  if (problem !== undefined) return ignored(problem);
  if (!prePrepareHolds(replica, message, message.signature)) return ignored("bad-signature");
  slot.early = message;
  return accepted;
}

/** The pre-prepares that were kept for the view that begins now. */
export function takeEarly(replica: Replica): PrePrepare[] {
  return slotsAscending(replica).flatMap((slot) => {
    const { early } = slot;
    slot.early = undefined;
    return early === undefined ? [] : [early];
  });
}

/** A slot has one proposal in a view; a repeat can only bring the batch that a new-view named. */
function onRepeatedPrePrepare(
  replica: Replica,
  slot: Slot,
  message: PrePrepare,
  out: Outbox,
): Outcome {
  if (slot.proposal?.digest !== message.digest) return ignored("conflicting-pre-prepare");
  if (slot.bodies.has(message.digest)) return accepted;
  if (batchDigest(message.requests) !== message.digest) return ignored("digest-mismatch");
  addBody(replica, slot, message.requests, out);
  return accepted;
}

/** The batch of a proposal that came with a new-view has arrived. */
export function addBody(
  replica: Replica,
  slot: Slot,
  requests: readonly Request[],
  out: Outbox,
): void {
  if (slot.proposal === undefined) return;
  slot.bodies.set(slot.proposal.digest, { requests, logged: false });
  acceptProposal(replica, slot, out);
}

/** Why no honest primary proposes this batch. */
function batchProblem(replica: Replica, requests: readonly Request[]): string | undefined {
  const { batchRequestsMax, batchBytesMax } = replica.config;
  if (requests.length > batchRequestsMax) return "batch-too-large";
  let bytes = 0;
  const clients = new Set<number>();
  for (const request of requests) {
    const problem = sizeProblem(replica, request);
    if (problem !== undefined) return problem;
    bytes += request.operation.length;
    clients.add(request.client);
  }
  if (requests.length > 1 && bytes > batchBytesMax) return "batch-too-large";
  return clients.size === requests.length ? undefined : "session-twice-in-batch";
}

/**
 * With proposal and batch here: logs them and, as backup, sends our prepare. Without the batch it
 * waits, for a prepare promises that the batch can be had from us.
 */
export function acceptProposal(replica: Replica, slot: Slot, out: Outbox): void {
  const { proposal } = slot;
  if (proposal === undefined || !mayVote(replica)) return;
  const body = slot.bodies.get(proposal.digest);
  if (body === undefined) return;
  const { view, digest, signature } = proposal;
  const votes = !isPrimary(replica) && !slot.prepares.has(replica.id);
  if (votes && mayHaveVoted(replica, slot.seq)) slot.abstained = true;
  if (!body.logged) {
    const { requests } = body;
    const message: PrePrepare = {
      kind: "pre-prepare",
      view,
      seq: slot.seq,
      digest,
      signature,
      requests,
    };
    body.logged = true;
    // A backup that forgets this vote after a crash could cast another.
    if (slot.abstained) out.persistLater({ kind: "abstained", message });
    else logVotedProposal(replica, message, out);
  }
  if (votes && !slot.abstained) {
    const vote = signPrepare(replica, { view, seq: slot.seq, digest });
    addVote(slot.prepares, vote, true);
    slot.sentTick = replica.tick;
    out.broadcast(vote);
  }
  settleSlot(replica, slot, out);
}

/** Votes are allowed again, or the view is new: for all that was proposed meanwhile. */
export function acceptAllProposals(replica: Replica, out: Outbox): void {
  for (const slot of slotsAscending(replica)) acceptProposal(replica, slot, out);
}

/**
 * Counts a backup's vote. Votes for a view that we have asked for and not yet entered are kept too:
 * the new-view may still be on its way to us.
 */
export function onPrepare(
  replica: Replica,
  from: PrincipalId,
  vote: Prepare,
  out: Outbox,
): Outcome {
  const problem = voteProblem(replica, from, vote);
  if (problem !== undefined) return ignored(problem);
  if (vote.replica === primary(replica)) return ignored("vote-of-primary");
  const slot = slotOf(replica, vote.seq);
  if (!addVote(slot.prepares, vote, false))
    return onRepeatedVote(slot.prepares.get(vote.replica), vote);
  settleSlot(replica, slot, out);
  return accepted;
}

/** Counts a replica's commit, wherever the slot stands: it may come before the prepares. */
export function onCommit(replica: Replica, from: PrincipalId, vote: Commit, out: Outbox): Outcome {
  const problem = voteProblem(replica, from, vote);
  if (problem !== undefined) return ignored(problem);
  const slot = slotOf(replica, vote.seq);
  if (!addVote(slot.commits, vote, false))
    return onRepeatedVote(slot.commits.get(vote.replica), vote);
  settleSlot(replica, slot, out);
  return accepted;
}

function voteProblem(
  replica: Replica,
  from: PrincipalId,
  vote: Prepare | Commit,
): string | undefined {
  if (vote.replica !== from) return "not-sender";
  if (vote.view !== replica.view) return "other-view";
  if (!mayVote(replica)) return "may-not-vote";
  if (!inWindow(replica, vote.seq)) return "outside-watermarks";
  return undefined;
}

function onRepeatedVote(
  held: { vote: Prepare | Commit } | undefined,
  vote: Prepare | Commit,
): Outcome {
  return held?.vote.digest === vote.digest ? accepted : ignored("conflicting-vote");
}

/**
 * Draws what the votes held allow: our commit, then the commit certificate.
 * @source OSDI '99 §4.2, prepared(m, v, n, i) and committed-local(m, v, n, i)
 */
export function settleSlot(replica: Replica, slot: Slot, out: Outbox): void {
  const { proposal } = slot;
  if (!replica.viewActive || !mayVote(replica) || proposal === undefined) return;
  const body = slot.bodies.get(proposal.digest);
  if (body === undefined) return;
  if (!slot.preparedHere && !prepareSlot(replica, slot, out)) return;
  if (slot.committed !== undefined) return;

  const commits = gatherVotes(
    slot.commits,
    proposal.digest,
    quorumOf(replica.config.n),
    (vote) => voteHolds(replica, vote),
    (vote) => onForged(out, vote),
  );
  if (commits === undefined) return;
  slot.committed = {
    kind: "commit-certificate",
    view: proposal.view,
    seq: slot.seq,
    digest: proposal.digest,
    requests: body.requests,
    commits,
  };
}

function prepareSlot(replica: Replica, slot: Slot, out: Outbox): boolean {
  const { proposal } = slot;
  assert(proposal !== undefined, `slot ${slot.seq}: prepared without a pre-prepare`);
  const { view, digest, signature } = proposal;
  const prepares = gatherVotes(
    slot.prepares,
    digest,
    preparesNeeded(replica.config.n),
    (vote) => voteHolds(replica, vote),
    (vote) => onForged(out, vote),
  );
  if (prepares === undefined) return false;
  slot.preparedHere = true;
  slot.prepared = { view, seq: slot.seq, digest, prePrepareSignature: signature, prepares };
  // Disk before network: our commit says that we shall show this certificate in every view change.
  out.persist({ kind: "prepared", certificate: slot.prepared });
  noteVoteLogged(replica, slot.seq);
  const vote = signCommit(replica, { view, seq: slot.seq, digest });
  addVote(slot.commits, vote, true);
  slot.sentTick = replica.tick;
  out.broadcast(vote);
  return true;
}

function onForged(out: Outbox, vote: { kind: string; replica: ReplicaId }): void {
  out.ignored(vote.kind, vote.replica, "bad-signature");
}
