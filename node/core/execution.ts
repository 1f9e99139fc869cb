// Execution: committed batches in the order of their seqs, replies to the clients, a checkpoint at
// every multiple of K. A batch committed once it has a commit certificate, whether its votes were
// counted here or the certificate came from a peer.
// Source: OSDI '99 §4.2.

import assert from "node:assert";
import { commitProblem } from "./certificate.js";
import { takeCheckpoint } from "./checkpoint.js";
import { batchDigest } from "./digest.js";
import type { CommitCertificate } from "./messages.js";
import type { Outbox } from "./outbox.js";
import { sendReply, settleWaiting } from "./request.js";
import type { Slot } from "./slot.js";
import {
  accepted,
  ignored,
  inWindow,
  type Outcome,
  PATIENCE,
  type Replica,
  slotOf,
} from "./state.js";

/** Executes the next batch if it has committed; says whether it did. */
export function executeNext(replica: Replica, out: Outbox): boolean {
  if (replica.transfer !== undefined || replica.diverged) return false;
  const slot = replica.slots.get(replica.executedSeq + 1);
  if (slot?.committed === undefined) return false;
  applySlot(replica, slot, slot.committed, out);
  return true;
}

function applySlot(
  replica: Replica,
  slot: Slot,
  certificate: CommitCertificate,
  out: Outbox,
): void {
  const { seq } = slot;
  const { requests } = certificate;
  const executions = replica.stateMachine.apply(seq, requests);
  assert(executions.length === requests.length, `seq ${seq}: ${executions.length} executions`);
  replica.executedSeq = seq;
  replica.nextSeq = Math.max(replica.nextSeq, seq + 1);
  replica.patience = PATIENCE;
  replica.committedUnlogged.push(seq);
  requests.forEach((request, index) => {
    const execution = executions[index];
    if (execution === undefined || execution.kind === "stale") return;
    sendReply(replica, request.client, execution.reply, out);
    settleWaiting(replica, request.client, execution.reply.timestamp);
  });
  for (const { client, timestamp } of requests) settleWaiting(replica, client, timestamp);
  replica.batchHoped = requests.length + replica.waiting.size;
  if (replica.viewActive && certificate.view === replica.view && requests.length > 0) {
    replica.progressed = true; // this view works: time-outs start from the smallest again
    replica.attempts = 0;
  }
  out.event({ kind: "executed", seq, requestCount: requests.length });
  if (seq % replica.config.checkpointInterval === 0) takeCheckpoint(replica, out);
}

/**
 * A batch that committed somewhere, in whatever view. This is how a replica that missed votes, or
 * sits in a view of its own, keeps up, even when the cluster is idle.
 */
export function onCommitCertificate(replica: Replica, certificate: CommitCertificate): Outcome {
  if (certificate.seq <= replica.executedSeq) return accepted; // peers cannot know it came already
  if (!inWindow(replica, certificate.seq)) return ignored("outside-watermarks");
  const slot = slotOf(replica, certificate.seq);
  if (slot.committed !== undefined) return accepted;
  if (batchDigest(certificate.requests) !== certificate.digest) return ignored("digest-mismatch");
  const problem = commitProblem(replica, certificate);
  if (problem !== undefined) return ignored(problem);
  slot.committed = certificate;
  if (!slot.bodies.has(certificate.digest)) {
    slot.bodies.set(certificate.digest, { requests: certificate.requests, logged: false });
  }
  return accepted;
}
