// View changes: when a request waits too long, or f+1 others have moved on, a backup stops voting in
// its view and says what prepared there. Time-outs double while nothing progresses; the wait for a
// new-view starts only when 2f+1 replicas ask for that view or a later one, so that no replica runs
// ahead of the others.
// Source: OSDI '99 §4.4, §4.5.2 (liveness).

import { preparedProblem, proofProblem, sign } from "./certificate.js";
import { NULL_DIGEST, sha256 } from "./digest.js";
import type { LogRecord } from "./log.js";
import type { PreparedCertificate, PrincipalId, Seq, View, ViewChange } from "./messages.js";
import type { Outbox } from "./outbox.js";
import { quorumOf, weakQuorumOf } from "./quorum.js";
import { leaveView } from "./slot.js";
import {
  accepted,
  type HeldViewChange,
  ignored,
  isPrimary,
  mayVote,
  type Outcome,
  primary,
  type Replica,
  slotsAscending,
} from "./state.js";
import type { ViewChangeReason } from "./step.js";
import { encodeMessage, signedBytes } from "./wire.js";

/** View-changes and new-views of one peer that are verified between two ticks. */
const VIEWS_PER_TICK_MAX = 8;

/** Leaves the current view for `view`, which must be later. */
export function startViewChange(
  replica: Replica,
  view: View,
  reason: ViewChangeReason,
  out: Outbox,
): void {
  if (!replica.progressed) replica.attempts += 1;
  replica.progressed = false;
  const message = ownViewChange(replica, view);
  moveToView(replica, view, "inactive");
  // Disk before network: after a restart we must neither vote in an earlier view nor ask with less.
  out.persist({ kind: "view-change", message } satisfies LogRecord);
  replica.viewChanges.set(replica.id, held(message));
  out.broadcast(message);
  out.event({ kind: "view-change-started", view, reason });
}

/** Sets the view; votes of another view are forgotten, those of this one kept. */
export function moveToView(replica: Replica, view: View, activity: "active" | "inactive"): void {
  if (view !== replica.view) for (const slot of replica.slots.values()) leaveView(slot);
  replica.view = view;
  replica.viewActive = activity === "active";
  replica.viewTimer = { waitsFor: "nothing" }; // the next primary gets a full time-out
  for (const [other, { message }] of replica.viewChanges) {
    const stale = message.view < view || (replica.viewActive && message.view === view);
    if (stale) replica.viewChanges.delete(other);
  }
  for (const [sender, { message }] of replica.pendingNewViews) {
    // Its view-changes may still be on their way; entering it then would take us back.
    const stale = message.view < view || (replica.viewActive && message.view === view);
    if (stale) replica.pendingNewViews.delete(sender);
  }
  for (const waiting of replica.waiting.values()) waiting.proposed = false;
}

function ownViewChange(replica: Replica, view: View): ViewChange {
  const { stable } = replica;
  const prepared: PreparedCertificate[] = [];
  for (const slot of slotsAscending(replica)) {
    if (slot.prepared !== undefined && slot.seq > stable.seq) prepared.push(slot.prepared);
  }
  const unsigned = {
    kind: "view-change" as const,
    view,
    replica: replica.id,
    stableSeq: stable.seq,
    stableProof: stable.proof,
    prepared,
  };
  return { ...unsigned, signature: sign(replica, unsigned) };
}

export function held(message: ViewChange): HeldViewChange {
  return { message, digest: sha256(encodeMessage(message)) };
}

export function onViewChange(replica: Replica, from: PrincipalId, message: ViewChange): Outcome {
  if (message.replica !== from) return ignored("not-sender");
  if (message.view < replica.view) return ignored("old-view");
  if (message.view === replica.view && replica.viewActive) return ignored("old-view");
  const before = replica.viewChanges.get(message.replica);
  if (before !== undefined && before.message.view >= message.view) {
    return before.message.view === message.view ? accepted : ignored("old-view");
  }
  if (tooManyViews(replica, from)) return ignored("too-often");
  const problem = viewChangeProblem(replica, message);
  if (problem !== undefined) return ignored(problem);
  replica.viewChanges.set(message.replica, held(message));
  return accepted;
}

/** Bounds what one peer's view-changes and new-views make us verify between two ticks. */
export function tooManyViews(replica: Replica, from: PrincipalId): boolean {
  const peer = replica.peers[from];
  if (peer === undefined) return true;
  peer.viewsThisTick += 1;
  return peer.viewsThisTick > VIEWS_PER_TICK_MAX;
}

/** Why a view-change proves nothing, or undefined where it is valid. */
export function viewChangeProblem(replica: Replica, message: ViewChange): string | undefined {
  const { stableSeq, stableProof, prepared, view } = message;
  const { n, window } = replica.config;
  if (message.replica >= n || view === 0) return "no-such-view";
  if (prepared.length > window) return "too-many-certificates";
  let last = stableSeq;
  for (const certificate of prepared) {
    if (certificate.seq <= last || certificate.seq > stableSeq + window) {
      return "certificate-out-of-order";
    }
    if (certificate.view >= view) return "certificate-of-later-view";
    last = certificate.seq;
  }
  const bytes = signedBytes(replica.config.cluster, message);
  if (!replica.keyring.verify(message.replica, bytes, message.signature)) return "bad-signature";
  if (stableSeq === 0 ? stableProof.length > 0 : stableProof[0]?.seq !== stableSeq) {
    return "proof-of-another-seq";
  }
  if (stableSeq > 0) {
    const problem = proofProblem(replica, stableProof, "stable");
    if (problem !== undefined) return problem;
  }
  for (const certificate of prepared) {
    const problem = preparedProblem(replica, certificate);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/**
 * Joins the smallest later view that f+1 replicas make us believe in; says whether it did. Where the primary
 * itself asks for a later view, there is nothing to wait for in this one: it takes only its own view away.
 * DEVIATION: the paper's backup waits for its timer then.
 * @source OSDI '99 §4.5.2
 */
export function joinViewChange(replica: Replica, out: Outbox): boolean {
  if (replica.viewChanges.size === 0 || !mayVote(replica)) return false;
  if (replica.viewActive && replica.viewChanges.has(primary(replica))) {
    startViewChange(replica, replica.view + 1, "resigned", out);
    return true;
  }
  const later: View[] = [];
  for (const { message } of replica.viewChanges.values()) {
    if (message.view > replica.view) later.push(message.view);
  }
  if (later.length < weakQuorumOf(replica.config.n)) return false;
  startViewChange(replica, Math.min(...later), "joined", out);
  return true;
}

/** The current time-out: doubled for every view change in a row without progress, capped. */
export function viewTimeoutMs(replica: Replica): number {
  const { viewTimeoutMs: base, viewTimeoutMsMax } = replica.config;
  return Math.min(base * 2 ** Math.min(replica.attempts, 30), viewTimeoutMsMax);
}

/** Arms, re-arms or cancels the view timer, at the end of every step. */
export function updateViewTimer(replica: Replica, out: Outbox): void {
  const { viewTimer, view } = replica;
  if (!mayVote(replica)) {
    disarm(replica, out);
    return;
  }
  if (!replica.viewActive) {
    if (viewTimer.waitsFor === "new-view" && viewTimer.view === view) return;
    if (!quorumAsks(replica)) {
      disarm(replica, out);
      return;
    }
    replica.viewTimer = { waitsFor: "new-view", view };
    arm(replica, out);
    return;
  }
  if (isPrimary(replica)) {
    disarm(replica, out);
    return;
  }
  if (viewTimer.waitsFor === "request" && replica.waiting.has(viewTimer.client)) return;
  const [oldest] = replica.waiting.keys();
  if (oldest !== undefined) {
    replica.viewTimer = { waitsFor: "request", client: oldest };
    arm(replica, out);
    return;
  }
  const seq = nullRequestProposed(replica);
  if (seq === undefined) {
    disarm(replica, out);
    return;
  }
  if (viewTimer.waitsFor === "null-request" && viewTimer.seq === seq) return;
  replica.viewTimer = { waitsFor: "null-request", seq };
  arm(replica, out);
}

/**
 * The next seq, where the primary proposed a null request for it. A laggard may need the checkpoint to
 * which null requests lead, and no client asks for them: where too few are left in this view to commit
 * them, nobody else would ever leave it.
 * DEVIATION: the paper's backup waits for clients' requests only.
 */
function nullRequestProposed(replica: Replica): Seq | undefined {
  const seq = replica.executedSeq + 1;
  return replica.slots.get(seq)?.proposal?.digest === NULL_DIGEST ? seq : undefined;
}

function arm(replica: Replica, out: Outbox): void {
  const delayMs = viewTimeoutMs(replica);
  const ticks = Math.floor(delayMs / replica.config.statusIntervalMs) - 1;
  replica.viewTimerTickMin = replica.tick + Math.max(ticks, 0);
  replica.viewTimerArmed = true;
  out.setTimer("view", delayMs);
}

function disarm(replica: Replica, out: Outbox): void {
  replica.viewTimer = { waitsFor: "nothing" };
  if (!replica.viewTimerArmed) return;
  replica.viewTimerArmed = false;
  out.cancelTimer("view");
}

/** 2f+1 replicas, ourselves among them, ask for our view or a later one. */
function quorumAsks(replica: Replica): boolean {
  let count = 0;
  for (const { message } of replica.viewChanges.values()) {
    if (message.view >= replica.view) count += 1;
  }
  return count >= quorumOf(replica.config.n);
}

export function onViewTimeout(replica: Replica, out: Outbox): void {
  const { viewTimer } = replica;
  replica.viewTimerArmed = false;
  if (viewTimer.waitsFor === "nothing" || !mayVote(replica)) return;
  replica.viewTimer = { waitsFor: "nothing" }; // armed again at the end of the step
  // A process that was paused finds all its timers due at once, and the answers not yet read. Fewer
  // ticks than the time-out spans say that it was us, not the primary, who did nothing.
  // DEVIATION: the paper's clocks do not stop.
  if (replica.tick < replica.viewTimerTickMin) return;
  if (viewTimer.waitsFor !== "new-view" && excused(replica)) return;
  startViewChange(replica, replica.view + 1, "timeout", out);
}

/**
 * The primary is not to blame while we are the ones behind: f+1 replicas say that they executed more
 * than we did, so a correct one did and will send us the certificates. A lone view-change would only
 * take our vote from the others.
 * DEVIATION: the paper's backup does not ask who is late. Patience is bounded without progress.
 */
function excused(replica: Replica): boolean {
  const ahead = replica.others.filter((other) => {
    const peer = replica.peers[other];
    return peer !== undefined && peer.executedSeq > replica.executedSeq;
  });
  if (ahead.length < weakQuorumOf(replica.config.n) || replica.patience === 0) return false;
  replica.patience -= 1;
  return true;
}
