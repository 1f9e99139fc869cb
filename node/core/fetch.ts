// Fetching what is named by digest and not here: batches and view-changes that a new-view names or will
// name, nodes of a state. What comes is checked against its name, so anyone may be asked, and the next
// fetch timer asks others. Serving is bounded for each peer and tick.

import { batchDigest } from "./digest.js";
import type { Data, Digest, Fetch, PrincipalId, ReplicaId } from "./messages.js";
import { batchesAwaited, missingViewChanges, onFetchedViewChange } from "./new-view.js";
import { addBody } from "./normal-case.js";
import type { Outbox } from "./outbox.js";
import { accepted, ignored, type Outcome, type Replica, slotOf } from "./state.js";
import { onStateData, retryTransfer, serveState } from "./state-transfer.js";
import { decodeBatch, decodeMessage, encodeBatch, encodeMessage } from "./wire.js";

/** Digests that one peer is served between two ticks. */
const SERVED_PER_TICK_MAX = 4_096;

export function onFetch(replica: Replica, from: PrincipalId, fetch: Fetch, out: Outbox): Outcome {
  const peer = replica.peers[from];
  if (peer === undefined || fetch.replica !== from) return ignored("not-sender");
  if (fetch.digests.length > replica.config.window + replica.config.fetchNodesMax) {
    return ignored("too-many-digests");
  }
  peer.digestsThisTick += fetch.digests.length;
  if (peer.digestsThisTick > SERVED_PER_TICK_MAX) return ignored("too-often");
  switch (fetch.what) {
    case "state":
      serveState(replica, from, fetch.digests, out);
      return accepted;
    case "batch":
      serveBatches(replica, from, fetch.digests, out);
      return accepted;
    case "view-change":
      serveViewChanges(replica, from, fetch.digests, out);
      return accepted;
    default:
      fetch.what satisfies never;
      return ignored("unknown");
  }
}

function serveBatches(
  replica: Replica,
  from: PrincipalId,
  digests: readonly Digest[],
  out: Outbox,
): void {
  const wanted = new Set(digests);
  for (const slot of replica.slots.values()) {
    for (const [digest, { requests }] of slot.bodies) {
      if (!wanted.delete(digest)) continue;
      const bytes = encodeBatch(requests);
      out.send(from, { kind: "data", replica: replica.id, what: "batch", bytes });
    }
  }
}

function serveViewChanges(
  replica: Replica,
  from: PrincipalId,
  digests: readonly Digest[],
  out: Outbox,
): void {
  const wanted = new Set(digests);
  const known = [...replica.viewChanges.values(), ...(replica.newView?.viewChanges ?? [])];
  for (const { digest, message } of known) {
    if (!wanted.delete(digest)) continue;
    const bytes = encodeMessage(message);
    out.send(from, { kind: "data", replica: replica.id, what: "view-change", bytes });
  }
}

export function onData(replica: Replica, from: PrincipalId, data: Data, out: Outbox): Outcome {
  if (data.replica !== from) return ignored("not-sender");
  switch (data.what) {
    case "state":
      return onStateData(replica, data, out);
    case "batch":
      return onBatch(replica, data.bytes, out);
    case "view-change": {
      const message = decodeMessage(data.bytes);
      if (message?.kind !== "view-change") return ignored("malformed");
      return onFetchedViewChange(replica, message, out);
    }
    default:
      data.what satisfies never;
      return ignored("unknown");
  }
}

function onBatch(replica: Replica, bytes: Uint8Array, out: Outbox): Outcome {
  const requests = decodeBatch(bytes);
  if (requests === undefined) return ignored("malformed");
  const digest = batchDigest(requests);
  let wanted = false;
  for (const slot of replica.slots.values()) {
    if (slot.proposal?.digest !== digest || slot.bodies.has(digest)) continue;
    wanted = true;
    addBody(replica, slot, requests, out);
  }
  for (const { seq, digest: awaited } of batchesAwaited(replica)) {
    if (awaited !== digest) continue;
    wanted = true;
    slotOf(replica, seq).bodies.set(digest, { requests, logged: false });
  }
  return wanted ? accepted : ignored("unwanted-batch");
}

/** At the end of every step: asks at once for what was found missing, and arms the timer. */
export function updateFetch(replica: Replica, out: Outbox): void {
  if (replica.fetchDue) askForNamed(replica, out);
  const waiting = replica.fetchDue || replica.transfer !== undefined;
  replica.fetchDue = false;
  if (!waiting || replica.fetchArmed) return;
  replica.fetchArmed = true;
  out.setTimer("fetch", replica.config.statusIntervalMs);
}

export function onFetchTimeout(replica: Replica, out: Outbox): void {
  replica.fetchArmed = false;
  retryTransfer(replica, out);
  replica.fetchDue = missingBatches(replica).length > 0 || replica.pendingNewViews.size > 0;
}

function missingBatches(replica: Replica): Digest[] {
  const missing = new Set(batchesAwaited(replica).map(({ digest }) => digest));
  for (const { proposal, bodies } of replica.slots.values()) {
    if (proposal !== undefined && !bodies.has(proposal.digest)) missing.add(proposal.digest);
  }
  return [...missing];
}

/** Asks f+1 peers for each batch, and the primary and one other for view-changes. */
function askForNamed(replica: Replica, out: Outbox): void {
  const { id, others, f } = replica;
  const turn = replica.fetchTurn++;
  const digests = missingBatches(replica);
  if (digests.length > 0) {
    for (const peer of peersFrom(others, turn, f + 1)) {
      out.send(peer, { kind: "fetch", replica: id, what: "batch", digests });
    }
  }
  for (const [sender, pending] of replica.pendingNewViews) {
    const missing = missingViewChanges(replica, pending);
    if (missing.length === 0) continue;
    for (const peer of new Set([sender, ...peersFrom(others, turn, 1)])) {
      if (peer === id) continue;
      out.send(peer, { kind: "fetch", replica: id, what: "view-change", digests: missing });
    }
  }
}

function peersFrom(others: readonly ReplicaId[], turn: number, count: number): ReplicaId[] {
  return Array.from({ length: count }, (_, index) => others[(turn + index) % others.length]).filter(
    (peer) => peer !== undefined,
  );
}
