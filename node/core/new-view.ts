// New views: the primary of the next view shows 2f+1 view-changes, and what follows from them is
// recomputed by every backup: the latest stable checkpoint, and for each seq above it the batch that
// prepared in the highest view, or the null request where none did.
// Source: OSDI '99 §4.4. View-changes are named by digest and fetched where they are missing.

import assert from "node:assert";
import { distinctAscending, prePrepareHolds, sign } from "./certificate.js";
import { makeStable } from "./checkpoint.js";
import { NULL_DIGEST } from "./digest.js";
import type {
  Checkpoint,
  Digest,
  NewView,
  PreparedCertificate,
  PrincipalId,
  Seq,
  View,
  ViewChange,
} from "./messages.js";
import { acceptAllProposals, onPrePrepare, takeEarly } from "./normal-case.js";
import type { Outbox } from "./outbox.js";
import { primaryOf, quorumOf } from "./quorum.js";
import {
  accepted,
  type HeldViewChange,
  ignored,
  inWindow,
  isPrimary,
  mayVote,
  type Outcome,
  type PendingNewView,
  primary,
  type Replica,
  slotOf,
} from "./state.js";
import {
  held,
  moveToView,
  startViewChange,
  tooManyViews,
  viewChangeProblem,
} from "./view-change.js";
import { signedBytes } from "./wire.js";

/** Requests that a backup passes to the primary of a view it has just entered. */
const RELAYED_MAX = 64;

export type Plan = {
  /** The latest stable checkpoint among the view-changes, with its proof. */
  minSeq: Seq;
  proof: readonly Checkpoint[];
  /** The digest for every seq from minSeq + 1 on. */
  proposals: readonly { seq: Seq; digest: Digest }[];
};

/** What follows from a set of valid view-changes; the same for everyone who computes it. */
export function planNewView(viewChanges: readonly ViewChange[]): Plan {
  let minSeq = 0;
  let proof: readonly Checkpoint[] = [];
  const best = new Map<Seq, { view: View; digest: Digest }>();
  let maxSeq = 0;
  for (const viewChange of viewChanges) {
    if (viewChange.stableSeq > minSeq) {
      minSeq = viewChange.stableSeq;
      proof = viewChange.stableProof;
    }
    for (const { view, seq, digest } of viewChange.prepared) {
      maxSeq = Math.max(maxSeq, seq);
      const before = best.get(seq);
      if (before === undefined || view > before.view) best.set(seq, { view, digest });
    }
  }
  const proposals: { seq: Seq; digest: Digest }[] = [];
  for (let seq = minSeq + 1; seq <= maxSeq; seq++) {
    proposals.push({ seq, digest: best.get(seq)?.digest ?? NULL_DIGEST });
  }
  return { minSeq, proof, proposals };
}

/** As primary of the view that 2f+1 replicas ask for: announces it. Says whether it did. */
export function announceNewView(replica: Replica, out: Outbox): boolean {
  if (replica.viewActive || !isPrimary(replica) || !mayVote(replica)) return false;
  const asking = askingForView(replica);
  if (asking.length < quorumOf(replica.config.n)) return false;
  const chosen = chooseViewChanges(replica, asking, out);
  if (chosen === undefined) return false;
  chosen.sort((a, b) => a.message.replica - b.message.replica);

  const { view } = replica;
  const plan = planNewView(chosen.map(({ message }) => message));
  const unsigned = {
    kind: "new-view" as const,
    view,
    replica: replica.id,
    viewChanges: chosen.map(({ message, digest }) => ({ replica: message.replica, digest })),
    prePrepares: plan.proposals.map(({ seq, digest }) => ({
      seq,
      digest,
      signature: sign(replica, { kind: "pre-prepare", view, seq, digest }),
    })),
  };
  const message = { ...unsigned, signature: sign(replica, unsigned) };
  enterView(replica, message, chosen, plan, out);
  return true;
}

function askingForView({ viewChanges, view }: Replica): HeldViewChange[] {
  return [...viewChanges.values()].filter(({ message }) => message.view === view);
}

/**
 * 2f+1 of those who ask, ourselves among them, that show no batch which is not here; undefined: too few do
 * yet, and what is missing is asked for. A correct replica can give the batch of each certificate that it
 * shows. A liar may hold the only certificate of a batch that the others have lost in a power failure, and
 * keep the batch to itself: a view that has to propose it would never come to anything.
 * DEVIATION: the paper's replicas lose no batch that they voted for, and its primary takes the first 2f+1.
 */
function chooseViewChanges(
  replica: Replica,
  asking: readonly HeldViewChange[],
  out: Outbox,
): HeldViewChange[] | undefined {
  const latestFirst = [...asking].sort((a, b) => b.message.stableSeq - a.message.stableSeq);
  const [latest] = latestFirst;
  if (latest !== undefined && latest.message.stableSeq > replica.stable.seq) {
    makeStable(replica, latest.message.stableProof, out); // what is below it nobody has to give
  }
  const backed = latestFirst.filter(({ message }) => unknownBatches(replica, message).length === 0);
  const own = backed.find(({ message }) => message.replica === replica.id);
  const needed = quorumOf(replica.config.n);
  if (own === undefined || backed.length < needed) {
    if (!replica.fetchArmed) replica.fetchDue = true;
    return undefined;
  }
  return [own, ...backed.filter((one) => one !== own).slice(0, needed - 1)];
}

/** The certificates shown to us, as primary of the view that is asked for, whose batches are not here. */
export function batchesAwaited(replica: Replica): readonly PreparedCertificate[] {
  if (replica.viewActive || !isPrimary(replica)) return [];
  return askingForView(replica).flatMap(({ message }) => unknownBatches(replica, message));
}

function unknownBatches(replica: Replica, { prepared }: ViewChange): PreparedCertificate[] {
  return prepared.filter(
    ({ seq, digest }) =>
      inWindow(replica, seq) &&
      digest !== NULL_DIGEST &&
      replica.slots.get(seq)?.bodies.has(digest) !== true,
  );
}

/** From any replica: the signature of the view's primary is what counts. */
export function onNewView(
  replica: Replica,
  from: PrincipalId,
  message: NewView,
  out: Outbox,
): Outcome {
  const { n, window } = replica.config;
  if (message.view < replica.view) return ignored("old-view");
  if (message.view === replica.view && replica.viewActive) return accepted;
  if (message.view === 0 || message.replica !== primaryOf(message.view, n)) {
    return ignored("not-primary");
  }
  if (message.replica === replica.id) return ignored("own-view");
  const before = replica.pendingNewViews.get(message.replica);
  if (before !== undefined && before.message.view >= message.view) return accepted;
  if (message.viewChanges.length !== quorumOf(n)) return ignored("wrong-view-change-count");
  if (!distinctAscending(message.viewChanges, n)) return ignored("repeated-view-changes");
  if (message.prePrepares.length > window) return ignored("too-many-pre-prepares");
  if (tooManyViews(replica, from)) return ignored("too-often");
  const bytes = signedBytes(replica.config.cluster, message);
  if (!replica.keyring.verify(message.replica, bytes, message.signature)) {
    return ignored("bad-signature");
  }
  const pending: PendingNewView = { message, fetched: new Map() };
  replica.pendingNewViews.set(message.replica, pending);
  if (missingViewChanges(replica, pending).length > 0) {
    replica.fetchDue = true;
    return accepted;
  }
  return adoptNewView(replica, pending, out);
}

/** Enters a view whose last missing view-change has come, by whatever way. Says whether it did. */
export function adoptPending(replica: Replica, out: Outbox): boolean {
  for (const pending of replica.pendingNewViews.values()) {
    if (missingViewChanges(replica, pending).length > 0) continue;
    const outcome = adoptNewView(replica, pending, out);
    if (outcome.kind === "ignored") {
      out.ignored("new-view", pending.message.replica, outcome.reason);
    }
    return true;
  }
  return false;
}

/** Enters the view if every view-change it names is here and everything follows from them. */
function adoptNewView(replica: Replica, pending: PendingNewView, out: Outbox): Outcome {
  const { message } = pending;
  const viewChanges: HeldViewChange[] = [];
  for (const { digest, replica: sender } of message.viewChanges) {
    const known = knownViewChange(replica, pending, digest);
    assert(known !== undefined, "adopted while view-changes are missing");
    if (known.message.replica !== sender || known.message.view !== message.view) {
      return refuse(replica, message, "view-change-of-another", out);
    }
    viewChanges.push(known);
  }
  const plan = planNewView(viewChanges.map((known) => known.message));
  const problem = planProblem(replica, message, plan);
  if (problem !== undefined) return refuse(replica, message, problem, out);
  enterView(replica, message, viewChanges, plan, out);
  return accepted;
}

/** Digests of view-changes that the new-view names and that are not here. */
export function missingViewChanges(replica: Replica, pending: PendingNewView): Digest[] {
  return pending.message.viewChanges
    .map(({ digest }) => digest)
    .filter((digest) => knownViewChange(replica, pending, digest) === undefined);
}

function knownViewChange(
  replica: Replica,
  pending: PendingNewView,
  digest: Digest,
): HeldViewChange | undefined {
  const fetched = pending.fetched.get(digest);
  if (fetched !== undefined) return { message: fetched, digest };
  for (const known of replica.viewChanges.values()) if (known.digest === digest) return known;
  return undefined;
}

/** A view-change that was fetched: an invalid one condemns the new-view that names it. */
export function onFetchedViewChange(
  replica: Replica,
  viewChange: ViewChange,
  out: Outbox,
): Outcome {
  const { digest } = held(viewChange);
  for (const pending of [...replica.pendingNewViews.values()]) {
    if (!missingViewChanges(replica, pending).includes(digest)) continue;
    if (viewChangeProblem(replica, viewChange) !== undefined) {
      return refuse(replica, pending.message, "invalid-view-change", out);
    }
    pending.fetched.set(digest, viewChange);
    return accepted; // `adoptPending` goes on from here
  }
  return ignored("unwanted-view-change");
}

function planProblem(replica: Replica, message: NewView, plan: Plan): string | undefined {
  const { view, prePrepares } = message;
  if (prePrepares.length !== plan.proposals.length) return "wrong-pre-prepares";
  for (const [index, expected] of plan.proposals.entries()) {
    const given = prePrepares[index];
    if (given?.seq !== expected.seq || given.digest !== expected.digest)
      return "wrong-pre-prepares";
  }
  for (const { seq, digest, signature } of prePrepares) {
    if (!prePrepareHolds(replica, { view, seq, digest }, signature)) return "forged-pre-prepare";
  }
  return undefined;
}

/** A new-view that its primary signed and that does not hold: the next view, if we asked for this. */
function refuse(replica: Replica, message: NewView, reason: string, out: Outbox): Outcome {
  replica.pendingNewViews.delete(message.replica);
  if (message.view === replica.view && !replica.viewActive && mayVote(replica)) {
    startViewChange(replica, replica.view + 1, "invalid-new-view", out);
  }
  return ignored(reason);
}

function enterView(
  replica: Replica,
  message: NewView,
  viewChanges: readonly HeldViewChange[],
  plan: Plan,
  out: Outbox,
): void {
  const { view } = message;
  const ahead = view > replica.view || (view === replica.view && !replica.viewActive);
  assert(ahead, `view ${view} entered from view ${replica.view}`);
  moveToView(replica, view, "active");
  replica.newView = { message, viewChanges };
  // Disk before network: the record stands for our votes on every pre-prepare that it holds.
  out.persist({ kind: "new-view", message, viewChanges: viewChanges.map((one) => one.message) });
  if (plan.minSeq > replica.stable.seq) makeStable(replica, plan.proof, out);
  if (isPrimary(replica)) out.broadcast(message);
  const last = plan.proposals.at(-1)?.seq ?? 0;
  replica.nextSeq = Math.max(last, plan.minSeq, replica.executedSeq, replica.stable.seq) + 1;
  adoptProposals(replica, message);
  acceptAllProposals(replica, out);
  for (const early of takeEarly(replica)) {
    const outcome = onPrePrepare(replica, early, out);
    if (outcome.kind === "ignored") out.ignored("pre-prepare", primary(replica), outcome.reason);
  }
  relayWaiting(replica, out);
  out.event({ kind: "view-entered", view });
}

/** Puts the new view's pre-prepares into their slots; those at or below our checkpoint are done. */
export function adoptProposals(replica: Replica, message: NewView): void {
  const { view } = message;
  for (const { seq, digest, signature } of message.prePrepares) {
    if (!inWindow(replica, seq)) continue;
    const slot = slotOf(replica, seq);
    slot.proposal = { view, digest, signature };
    if (digest === NULL_DIGEST) slot.bodies.set(digest, { requests: [], logged: true });
    const body = slot.bodies.get(digest);
    if (body === undefined) replica.fetchDue = true;
    for (const { client, timestamp } of body?.requests ?? []) {
      const waiting = replica.waiting.get(client);
      if (waiting?.request.timestamp === timestamp) waiting.proposed = true;
    }
  }
}

/** The clients may have reached only us. */
function relayWaiting(replica: Replica, out: Outbox): void {
  if (isPrimary(replica)) return;
  let count = 0;
  for (const { request } of replica.waiting.values()) {
    if (count++ === RELAYED_MAX) return;
    out.send(primary(replica), request);
  }
}
