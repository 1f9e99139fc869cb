// Checkpoints: every K seqs a signed digest of the state; 2f+1 matching ones make it stable, which
// moves the watermarks and cuts the log. f+1 are enough to trust a digest that we lack the state of.
// Source: OSDI '99 §4.3.

import { proofProblem, signCheckpoint, voteHolds } from "./certificate.js";
import { compactedRecords } from "./compaction.js";
import type {
  Checkpoint,
  CheckpointProof,
  Digest,
  PrincipalId,
  ReplicaId,
  Seq,
} from "./messages.js";
import { acceptAllProposals } from "./normal-case.js";
import type { Outbox } from "./outbox.js";
import { quorumOf, weakQuorumOf } from "./quorum.js";
import { finishRejoin } from "./rejoin.js";
import {
  accepted,
  type CheckpointVote,
  ignored,
  mayVote,
  type Outcome,
  type Replica,
} from "./state.js";

/** After executing a multiple of K: names the state, and votes for the name. */
export function takeCheckpoint(replica: Replica, out: Outbox): void {
  const seq = replica.executedSeq;
  voteForState(replica, seq, replica.stateMachine.snapshot(), out);
}

/** Our state at `seq` has this digest: says so to all, and counts it. */
export function voteForState(replica: Replica, seq: Seq, digest: Digest, out: Outbox): void {
  if (seq <= replica.stable.seq) {
    compareWithStable(replica, seq, digest, out);
    return;
  }
  replica.ownDigests.set(seq, digest);
  if (!mayVote(replica)) return;
  const signed = replica.checkpoints.get(seq)?.get(replica.id)?.vote;
  if (signed !== undefined && signed.digest !== digest) {
    // We signed another digest before a restart. A second, different vote is never cast.
    out.event({ kind: "diverged", seq, ownDigest: digest, stableDigest: signed.digest });
    return;
  }
  const vote = signed ?? signCheckpoint(replica, seq, digest);
  if (signed === undefined) out.persist({ kind: "checkpoint", message: vote }); // disk before network
  out.broadcast(vote);
  votesAt(replica, seq).set(replica.id, { vote, verified: true });
  settleCheckpoint(replica, seq, out);
}

export function onCheckpoint(
  replica: Replica,
  from: PrincipalId,
  vote: Checkpoint,
  out: Outbox,
): Outcome {
  if (vote.replica !== from) return ignored("not-sender");
  if (vote.seq === 0 || vote.seq % replica.config.checkpointInterval !== 0) {
    return ignored("no-checkpoint");
  }
  if (vote.seq <= replica.stable.seq) return accepted;
  const held = replica.checkpoints.get(vote.seq)?.get(vote.replica);
  if (held !== undefined) {
    return held.vote.digest === vote.digest ? accepted : ignored("conflicting-vote");
  }
  makeRoom(replica, vote.replica);
  votesAt(replica, vote.seq).set(vote.replica, { vote, verified: false });
  settleCheckpoint(replica, vote.seq, out);
  return accepted;
}

/** A replica's votes may lie beyond our window, for we may be far behind; so only a few are kept. */
function makeRoom(replica: Replica, voter: ReplicaId): void {
  const { window, checkpointInterval } = replica.config;
  const seqsMax = window / checkpointInterval + 2;
  const seqs = [...replica.checkpoints.keys()]
    .filter((seq) => replica.checkpoints.get(seq)?.has(voter))
    .sort((a, b) => a - b);
  const [lowest] = seqs;
  if (seqs.length < seqsMax || lowest === undefined) return;
  const votes = replica.checkpoints.get(lowest);
  votes?.delete(voter);
  if (votes?.size === 0) replica.checkpoints.delete(lowest);
}

function votesAt(replica: Replica, seq: Seq): Map<ReplicaId, CheckpointVote> {
  let votes = replica.checkpoints.get(seq);
  if (votes === undefined) {
    votes = new Map();
    replica.checkpoints.set(seq, votes);
  }
  return votes;
}

function settleCheckpoint(replica: Replica, seq: Seq, out: Outbox): void {
  const proof = proofAt(replica, seq, quorumOf(replica.config.n), out);
  if (proof !== undefined) makeStable(replica, proof, out);
}

/** `count` verified votes of one digest at this seq, if there are so many. */
function proofAt(replica: Replica, seq: Seq, count: number, out: Outbox): Checkpoint[] | undefined {
  const votes = replica.checkpoints.get(seq);
  if (votes === undefined || votes.size < count) return undefined;
  const byDigest = new Map<Digest, CheckpointVote[]>();
  for (const held of votes.values()) {
    byDigest.set(held.vote.digest, [...(byDigest.get(held.vote.digest) ?? []), held]);
  }
  for (const matching of byDigest.values()) {
    if (matching.length < count) continue;
    const proof = verifiedProof(replica, votes, matching, count, out);
    if (proof !== undefined) return proof;
  }
  return undefined;
}

/**
 * The highest checkpoint above `seq` that f+1 replicas signed: a correct one has that state, so it may
 * be fetched, though it is not stable yet.
 */
export function provenCheckpoint(
  replica: Replica,
  above: Seq,
  out: Outbox,
): { seq: Seq; digest: Digest } | undefined {
  const seqs = [...replica.checkpoints.keys()].filter((seq) => seq > above).sort((a, b) => b - a);
  for (const seq of seqs) {
    const [first] = proofAt(replica, seq, weakQuorumOf(replica.config.n), out) ?? [];
    if (first !== undefined) return { seq, digest: first.digest };
  }
  return undefined;
}

function verifiedProof(
  replica: Replica,
  votes: Map<ReplicaId, CheckpointVote>,
  matching: readonly CheckpointVote[],
  count: number,
  out: Outbox,
): Checkpoint[] | undefined {
  const proof: Checkpoint[] = [];
  for (const held of matching) {
    if (proof.length === count) break;
    held.verified ||= voteHolds(replica, held.vote);
    if (held.verified) {
      proof.push(held.vote);
    } else {
      votes.delete(held.vote.replica);
      out.ignored("checkpoint", held.vote.replica, "bad-signature");
    }
  }
  if (proof.length < count) return undefined;
  return proof.sort((a, b) => a.replica - b.replica);
}

/** From any replica: the signatures are what counts. */
export function onCheckpointProof(
  replica: Replica,
  message: CheckpointProof,
  out: Outbox,
): Outcome {
  const [first] = message.checkpoints;
  if (first === undefined) return ignored("wrong-proof-count");
  if (first.seq <= replica.stable.seq) return accepted;
  const stable = message.checkpoints.length >= quorumOf(replica.config.n);
  const problem = proofProblem(replica, message.checkpoints, stable ? "stable" : "weak");
  if (problem !== undefined) return ignored(problem);
  if (stable) {
    makeStable(replica, message.checkpoints, out);
    return accepted;
  }
  for (const vote of message.checkpoints) {
    if (replica.checkpoints.get(vote.seq)?.has(vote.replica)) continue;
    makeRoom(replica, vote.replica);
    votesAt(replica, vote.seq).set(vote.replica, { vote, verified: true });
  }
  settleCheckpoint(replica, first.seq, out);
  return accepted;
}

/**
 * Moves the watermarks to a proven checkpoint above our stable one and cuts the log. Where we have
 * not executed so far, or our state differs, state transfer follows (replica.ts).
 */
export function makeStable(replica: Replica, proof: readonly Checkpoint[], out: Outbox): void {
  const [first] = proof;
  if (first === undefined || first.seq <= replica.stable.seq) return;
  const { seq, digest } = first;
  const previous = replica.stable.seq;
  replica.stable = { seq, digest, proof };
  for (const slotSeq of [...replica.slots.keys()]) {
    if (slotSeq <= seq) replica.slots.delete(slotSeq);
  }
  for (const voteSeq of [...replica.checkpoints.keys()]) {
    if (voteSeq <= seq) replica.checkpoints.delete(voteSeq);
  }
  replica.nextSeq = Math.max(replica.nextSeq, seq + 1);
  // The one before stays fetchable: replicas that are behind may be halfway through it.
  replica.stateMachine.release(previous);
  out.event({ kind: "checkpoint-stable", seq, digest });

  const own = replica.ownDigests.get(seq);
  for (const ownSeq of [...replica.ownDigests.keys()]) {
    if (ownSeq <= seq) replica.ownDigests.delete(ownSeq);
  }
  if (own !== undefined) compareWithStable(replica, seq, own, out);
  const rejoined = finishRejoin(replica);
  out.compact(compactedRecords(replica));
  replica.votesLogged = undefined;
  if (rejoined) acceptAllProposals(replica, out);
}

function compareWithStable(replica: Replica, seq: Seq, own: Digest, out: Outbox): void {
  const { stable } = replica;
  if (seq !== stable.seq || own === stable.digest) return;
  out.event({ kind: "diverged", seq, ownDigest: own, stableDigest: stable.digest });
  replica.diverged = true;
}
