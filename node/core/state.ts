// The state of a replica as plain data, and the predicates that every handler asks of it.
// What must survive a crash is in the log (log.ts) or in the state machine; the rest is rebuilt.

import type { ProtocolConfig } from "./config.js";
import type { Keyring } from "./keyring.js";
import type {
  Checkpoint,
  ClientId,
  Digest,
  NewView,
  ReplicaId,
  Request,
  Seq,
  View,
  ViewChange,
} from "./messages.js";
import { faultsTolerated, primaryOf } from "./quorum.js";
import { createSlot, type Slot } from "./slot.js";
import type { StateMachine } from "./state-machine.js";

export type Outcome = { kind: "accepted" } | { kind: "ignored"; reason: string };

/** The message was used, or is one that honest replicas send more often than needed. */
export const accepted: Outcome = { kind: "accepted" };

/** The message was refused: its sender may be faulty, late, or ahead of us. */
export function ignored(reason: string): Outcome {
  return { kind: "ignored", reason };
}

/** A request whose client's signature has been verified, and that has not executed yet. */
export type Waiting = { request: Request; proposed: boolean };

export type StableCheckpoint = { seq: Seq; digest: Digest; proof: readonly Checkpoint[] };

export type CheckpointVote = { vote: Checkpoint; verified: boolean };

export type HeldViewChange = { message: ViewChange; digest: Digest };

/** A new-view whose view-changes are not all here. */
export type PendingNewView = { message: NewView; fetched: Map<Digest, ViewChange> };

export type Transfer = {
  seq: Seq;
  digest: Digest;
  /** Nodes asked for and not yet here, and the peer that was asked. */
  outstanding: Map<Digest, ReplicaId>;
  /** Peers that were asked and sent nothing of use. */
  silent: Set<ReplicaId>;
  /** A node arrived since the fetch timer last fired. */
  progressed: boolean;
  /** All nodes arrived and they were no state; the next fetch timer starts over. */
  refused: boolean;
};

/** What the view timer is waiting for. */
export type ViewTimer =
  | { waitsFor: "nothing" }
  | { waitsFor: "request"; client: ClientId }
  | { waitsFor: "null-request"; seq: Seq }
  | { waitsFor: "new-view"; view: View };

export type Peer = {
  /** As its last status said; 0 before the first. Only a claim. */
  executedSeq: Seq;
  /** Whether a status has come since this process started. */
  heard: boolean;
  /** Statuses in a row that showed it at the same seq, where we hold nothing to take it further. */
  behindTicks: number;
  statusesThisTick: number;
  digestsThisTick: number;
  /** View-changes and new-views, which cost many verifications. */
  viewsThisTick: number;
  /** Tick at which our view-change was last sent to it, and the view it asked for. */
  viewChangeSent: { tick: number; view: View };
};

/** Set while votes are forbidden because the log that held the earlier ones was lost. */
export type Rejoin = { seq: Seq };

/** The last vote of a view that has a durable record, and the tick at which one was last cast. */
export type VotesLogged = { view: View; seq: Seq; tick: number };

/** Votes of this view up to this seq may have been cast by an earlier process, and forgotten. */
export type VotesForgotten = { view: View; seq: Seq };

export type Replica = {
  readonly id: ReplicaId;
  readonly config: ProtocolConfig;
  readonly keyring: Keyring;
  readonly stateMachine: StateMachine;
  readonly f: number;
  readonly others: readonly ReplicaId[];

  view: View;
  viewActive: boolean;
  /** As primary: the next seq to propose. */
  nextSeq: Seq;
  /** Slots above the low watermark, made when first needed; never above the high one. */
  readonly slots: Map<Seq, Slot>;
  executedSeq: Seq;
  /** Executed seqs whose commit certificate waits for the next record that must be durable. */
  committedUnlogged: Seq[];

  stable: StableCheckpoint;
  /** Checkpoint votes above the stable one, our own included. */
  readonly checkpoints: Map<Seq, Map<ReplicaId, CheckpointVote>>;
  /** Digests of our own state at checkpoints not yet stable. */
  readonly ownDigests: Map<Seq, Digest>;
  /** Our state differs from a stable checkpoint: no votes until it has been replaced. */
  diverged: boolean;

  /** In order of arrival; at most one for each session. */
  readonly waiting: Map<ClientId, Waiting>;
  readonly waitingOfPrincipal: Map<number, number>;
  /** As primary: so many requests that wait are worth a moment; 0 where one is. */
  batchHoped: number;
  batchTimerArmed: boolean;

  /** The latest valid view-change of each replica, for our view or a later one. */
  readonly viewChanges: Map<ReplicaId, HeldViewChange>;
  /** What made the current view, for those who missed it. Undefined in view 0. */
  newView: { message: NewView; viewChanges: readonly HeldViewChange[] } | undefined;
  /** By primary, so that a liar's new-view displaces only its own. */
  readonly pendingNewViews: Map<ReplicaId, PendingNewView>;
  viewTimer: ViewTimer;
  /** The driver holds a view timer of ours; it may have nothing to wait for any more. */
  viewTimerArmed: boolean;
  /** Tick from which on its firing is believed; before it, it was us who slept. */
  viewTimerTickMin: number;
  /** View changes in a row without progress; the time-out doubles with each. */
  attempts: number;
  progressed: boolean;
  /** How often the request timer may still be excused because f+1 peers are ahead of us. */
  patience: number;

  transfer: Transfer | undefined;
  /** Something that is named and not here was found in this step. */
  fetchDue: boolean;
  fetchArmed: boolean;
  /** Peer that the next fetch asks first. */
  fetchTurn: number;
  rejoin: Rejoin | undefined;
  votesLogged: VotesLogged | undefined;
  votesForgotten: VotesForgotten | undefined;

  /** Status timers fired: the only clock the core has. */
  tick: number;
  /** A status goes out at the end of this step, at most a few times a tick. */
  statusDue: boolean;
  statusesEarly: number;
  readonly peers: readonly Peer[];
  /** Signatures verified before, in two generations, so that memory stays bounded. */
  readonly verified: { young: Set<string>; old: Set<string> };
};

export const PATIENCE = 4;

export type ReplicaOptions = {
  id: ReplicaId;
  config: ProtocolConfig;
  keyring: Keyring;
  stateMachine: StateMachine;
  /** No log was found, though the cluster is not being initialised: the disk was wiped. */
  hollow: boolean;
};

export function createState(options: ReplicaOptions): Replica {
  const { id, config, keyring, stateMachine, hollow } = options;
  const ids = Array.from({ length: config.n }, (_, replica) => replica);
  return {
    id,
    config,
    keyring,
    stateMachine,
    f: faultsTolerated(config.n),
    others: ids.filter((other) => other !== id),
    view: 0,
    viewActive: true,
    nextSeq: 1,
    slots: new Map(),
    executedSeq: stateMachine.seq,
    committedUnlogged: [],
    stable: { seq: 0, digest: "0".repeat(64), proof: [] },
    checkpoints: new Map(),
    ownDigests: new Map(),
    diverged: false,
    waiting: new Map(),
    waitingOfPrincipal: new Map(),
    batchHoped: 0,
    batchTimerArmed: false,
    viewChanges: new Map(),
    newView: undefined,
    pendingNewViews: new Map(),
    viewTimer: { waitsFor: "nothing" },
    viewTimerArmed: false,
    viewTimerTickMin: 0,
    attempts: 0,
    progressed: true,
    patience: PATIENCE,
    transfer: undefined,
    fetchDue: false,
    fetchArmed: false,
    fetchTurn: 0,
    rejoin: hollow ? { seq: 0 } : undefined,
    votesLogged: undefined,
    votesForgotten: undefined,
    tick: 0,
    statusDue: false,
    statusesEarly: 0,
    peers: ids.map(() => ({
      executedSeq: 0,
      heard: false,
      behindTicks: 0,
      statusesThisTick: 0,
      digestsThisTick: 0,
      viewsThisTick: 0,
      viewChangeSent: { tick: 0, view: 0 },
    })),
    verified: { young: new Set(), old: new Set() },
  };
}

export function primary(replica: Replica): ReplicaId {
  return primaryOf(replica.view, replica.config.n);
}

export function isPrimary(replica: Replica): boolean {
  return primary(replica) === replica.id;
}

/** False while a vote of ours could contradict one we forgot, or rest on a wrong state. */
export function mayVote(replica: Replica): boolean {
  return replica.rejoin === undefined && !replica.diverged;
}

/** h: votes at or below it are no longer of use. */
export function lowWatermark(replica: Replica): Seq {
  return replica.stable.seq;
}

/** H = h + L. */
export function highWatermark(replica: Replica): Seq {
  return replica.stable.seq + replica.config.window;
}

export function inWindow(replica: Replica, seq: Seq): boolean {
  return seq > lowWatermark(replica) && seq <= highWatermark(replica);
}

/** The slot of a seq in the window. */
export function slotOf(replica: Replica, seq: Seq): Slot {
  let slot = replica.slots.get(seq);
  if (slot === undefined) {
    slot = createSlot(seq);
    replica.slots.set(seq, slot);
  }
  return slot;
}

/** The slots that exist, ascending. */
export function slotsAscending(replica: Replica): Slot[] {
  return [...replica.slots.values()].sort((a, b) => a.seq - b.seq);
}
