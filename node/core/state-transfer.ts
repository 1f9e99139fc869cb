// State transfer: fetches the state of a proven checkpoint, node by node, each named by its digest, so
// no source is trusted and any source serves. Asked of all peers in turn; what does not come is asked
// of another when the fetch timer fires, and who did not send it is asked last: each would cost a time-out.
// Source: TOCS '02 §5.3.2 (the tree is the ledger's; here every node is named by its own digest).

import { provenCheckpoint, voteForState } from "./checkpoint.js";
import { sha256 } from "./digest.js";
import type { Data, Digest, Fetch, PrincipalId, ReplicaId, Seq } from "./messages.js";
import { acceptAllProposals } from "./normal-case.js";
import type { Outbox } from "./outbox.js";
import { settleAllWaiting } from "./request.js";
import { accepted, highWatermark, ignored, type Outcome, type Replica } from "./state.js";

/** Starts fetching the state at `seq`, whose digest f+1 replicas have signed. */
function beginTransfer(replica: Replica, seq: Seq, digest: Digest, out: Outbox): void {
  replica.transfer = {
    seq,
    digest,
    outstanding: new Map(),
    silent: new Set(),
    progressed: false,
    refused: false,
  };
  replica.stateMachine.beginRestore(seq, digest);
  out.event({ kind: "state-transfer-started", seq, digest });
}

/**
 * Starts or finishes a transfer where that is due; says whether anything changed. A transfer is due
 * when the stable checkpoint is ahead of us, or our state is not the one that 2f+1 replicas have.
 */
export function advanceTransfer(replica: Replica, out: Outbox): boolean {
  const { transfer } = replica;
  if (transfer === undefined) {
    const target = transferTarget(replica, out);
    if (target === undefined) return false;
    beginTransfer(replica, target.seq, target.digest, out);
    requestNodes(replica, out);
    return true;
  }
  if (transfer.refused || transfer.outstanding.size > 0) return false;
  requestNodes(replica, out);
  if (transfer.outstanding.size > 0) return true;
  return finishTransfer(replica, transfer.seq, transfer.digest, out);
}

/** The stable checkpoint, or one so far ahead that no slot of ours reaches it. */
function transferTarget(replica: Replica, out: Outbox): { seq: Seq; digest: Digest } | undefined {
  const { stable, executedSeq } = replica;
  if (stable.seq > 0 && (executedSeq < stable.seq || replica.diverged)) return stable;
  const far = Math.max(highWatermark(replica), executedSeq);
  for (const seq of replica.checkpoints.keys()) {
    if (seq > far) return provenCheckpoint(replica, far, out);
  }
  return undefined;
}

function finishTransfer(replica: Replica, seq: Seq, digest: Digest, out: Outbox): boolean {
  const { transfer } = replica;
  if (transfer === undefined) return false;
  if (replica.stateMachine.finishRestore() === "invalid") {
    transfer.refused = true;
    out.ignored("data", replica.id, "invalid-state");
    return false;
  }
  replica.transfer = undefined;
  replica.executedSeq = seq;
  replica.nextSeq = Math.max(replica.nextSeq, seq + 1);
  if (replica.diverged) {
    replica.diverged = false;
    acceptAllProposals(replica, out);
  }
  replica.committedUnlogged = [];
  replica.statusDue = true; // what follows the checkpoint is asked for at once
  for (const ownSeq of [...replica.ownDigests.keys()]) {
    if (ownSeq > seq) replica.ownDigests.delete(ownSeq);
  }
  settleAllWaiting(replica);
  out.event({ kind: "state-transfer-finished", seq, digest });
  if (seq > replica.stable.seq) voteForState(replica, seq, digest, out); // ours may be the vote it lacks
  return true;
}

/** Keeps up to `fetchNodesMax` nodes on order, spread over the peers that answer. */
function requestNodes(replica: Replica, out: Outbox): void {
  const { transfer, others } = replica;
  if (transfer === undefined || transfer.refused) return;
  const { fetchNodesMax } = replica.config;
  if (transfer.outstanding.size > fetchNodesMax / 2) return;
  const missing = replica.stateMachine.missingNodes(fetchNodesMax);
  const wanted = missing.filter((digest) => !transfer.outstanding.has(digest));
  const sources = others.filter((peer) => !transfer.silent.has(peer));
  const shares = new Map<ReplicaId, Digest[]>();
  wanted.forEach((digest, index) => {
    const peer = sources[(replica.fetchTurn + index) % sources.length];
    if (peer === undefined) return;
    transfer.outstanding.set(digest, peer);
    shares.set(peer, [...(shares.get(peer) ?? []), digest]);
  });
  replica.fetchTurn += wanted.length;
  for (const [peer, digests] of shares) sendFetch(replica, peer, digests, out);
}

function sendFetch(replica: Replica, peer: ReplicaId, digests: Digest[], out: Outbox): void {
  const fetch: Fetch = { kind: "fetch", replica: replica.id, what: "state", digests };
  out.send(peer, fetch);
}

/** A node of the state; whoever sent it, its digest says whether it is one that we want. */
export function onStateData(replica: Replica, data: Data, out: Outbox): Outcome {
  const { transfer } = replica;
  if (transfer === undefined) return accepted; // asked of two, answered by both
  if (replica.stateMachine.putNode(data.bytes) === "unwanted") return ignored("unwanted-node");
  transfer.progressed = true;
  transfer.silent.delete(data.replica);
  transfer.outstanding.delete(sha256(data.bytes));
  requestNodes(replica, out);
  return accepted;
}

/** The fetch timer: what was asked and did not come is asked of the next peer. */
export function retryTransfer(replica: Replica, out: Outbox): void {
  const { transfer, stable } = replica;
  if (transfer === undefined) return;
  replica.fetchTurn += 1;
  // Nobody serves the old target any more, or it was no state: take the newest one. It need not be
  // stable: where all restarted, the stable state may be gone, and the next one lacks our vote.
  const stuck = transfer.refused || !transfer.progressed;
  const newest = stuck
    ? provenCheckpoint(replica, Math.max(transfer.seq, stable.seq), out)
    : undefined;
  const target = newest ?? (stable.seq > transfer.seq ? stable : transfer);
  if (stuck && (transfer.refused || target !== transfer)) {
    beginTransfer(replica, target.seq, target.digest, out);
  } else {
    for (const peer of transfer.outstanding.values()) transfer.silent.add(peer);
    if (transfer.silent.size === replica.others.length) transfer.silent.clear();
    transfer.outstanding.clear();
    transfer.progressed = false;
  }
  requestNodes(replica, out);
}

/** Serves the nodes that we have; as many for each peer and tick as `budget` allows. */
export function serveState(
  replica: Replica,
  from: PrincipalId,
  digests: readonly Digest[],
  out: Outbox,
): void {
  for (const digest of digests) {
    const bytes = replica.stateMachine.node(digest);
    if (bytes === undefined) continue;
    out.send(from, { kind: "data", replica: replica.id, what: "state", bytes });
  }
}
