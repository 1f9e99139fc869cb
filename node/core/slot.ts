// One seq of the log: what was proposed for it in the current view, who voted for what, and the
// certificates that outlive the view. Votes are kept per replica, the first one only, so that neither
// a replay nor a second, different vote counts.

import type {
  Commit,
  CommitCertificate,
  Digest,
  PrePrepare,
  Prepare,
  PreparedCertificate,
  ReplicaId,
  Request,
  Seq,
  Signature,
  View,
} from "./messages.js";

export type Held<V> = { vote: V; verified: boolean };

/** The pre-prepare of the current view, by digest; its batch is among the slot's bodies, or awaited. */
export type Proposal = { view: View; digest: Digest; signature: Signature };

export type Body = { requests: readonly Request[]; logged: boolean };

export type Slot = {
  readonly seq: Seq;
  proposal: Proposal | undefined;
  /** A pre-prepare that came before the new-view of its view; not checked yet. */
  early: PrePrepare | undefined;
  /** Votes of the current view; of the awaited one while a view change is under way. */
  readonly prepares: Map<ReplicaId, Held<Prepare>>;
  readonly commits: Map<ReplicaId, Held<Commit>>;
  /** No prepare of ours in this view: an earlier process may have cast another. */
  abstained: boolean;
  /** Prepared in the current view: our commit is out. */
  preparedHere: boolean;
  /** The certificate of the highest view in which it prepared here. */
  prepared: PreparedCertificate | undefined;
  committed: CommitCertificate | undefined;
  /** Batches that the proposal or a certificate names. */
  readonly bodies: Map<Digest, Body>;
  /** Tick at which we last sent something of this slot to all. */
  sentTick: number;
};

export function createSlot(seq: Seq): Slot {
  return {
    seq,
    proposal: undefined,
    early: undefined,
    prepares: new Map(),
    commits: new Map(),
    abstained: false,
    preparedHere: false,
    prepared: undefined,
    committed: undefined,
    bodies: new Map(),
    sentTick: 0,
  };
}

/** Forgets what belongs to a view; certificates and their bodies stay. */
export function leaveView(slot: Slot): void {
  slot.proposal = undefined;
  slot.early = undefined;
  slot.prepares.clear();
  slot.commits.clear();
  slot.abstained = false;
  slot.preparedHere = false;
  for (const digest of slot.bodies.keys()) {
    if (digest !== slot.prepared?.digest && digest !== slot.committed?.digest) {
      slot.bodies.delete(digest);
    }
  }
}

/** The batch of the proposal, if it is here. */
export function proposedBody(slot: Slot): Body | undefined {
  return slot.proposal === undefined ? undefined : slot.bodies.get(slot.proposal.digest);
}

/** Keeps the first vote of each replica; says whether this was it. */
export function addVote<V extends { replica: ReplicaId }>(
  votes: Map<ReplicaId, Held<V>>,
  vote: V,
  verified: boolean,
): boolean {
  if (votes.has(vote.replica)) return false;
  votes.set(vote.replica, { vote, verified });
  return true;
}

/**
 * `count` verified votes for the digest, ascending by replica, or undefined where there are too few.
 * Verifies only as many as are missing, and drops those that fail (`onForged` is told).
 */
export function gatherVotes<V extends { replica: ReplicaId; digest: Digest }>(
  votes: Map<ReplicaId, Held<V>>,
  digest: Digest,
  count: number,
  verify: (vote: V) => boolean,
  onForged: (vote: V) => void,
): V[] | undefined {
  const matching = [...votes.values()].filter((held) => held.vote.digest === digest);
  if (matching.length < count) return undefined;
  // Verified ones first: what was paid for once is not paid for again.
  matching.sort((a, b) => Number(b.verified) - Number(a.verified));
  const gathered: V[] = [];
  for (const held of matching) {
    if (gathered.length === count) break;
    if (held.verified || verify(held.vote)) {
      held.verified = true;
      gathered.push(held.vote);
    } else {
      votes.delete(held.vote.replica);
      onForged(held.vote);
    }
  }
  if (gathered.length < count) return undefined;
  return gathered.sort((a, b) => a.replica - b.replica);
}
