// Faults as plain data: what is asked (intent), what it meant when it was applied (resolved), and
// the proof that it landed (evidence). The same values stand in the history, in `faults.jsonl`, and
// in a replay; every environment interprets the same list.

import type { Delay, DelayDistribution } from "./link-delay.js";
import type { BurstLoss, LossPattern } from "./link-loss.js";

/** A node of the run: replicas "r0".."r30", client processes "c0", "c1", … */
export type NodeName = string;

/** Whom a fault is meant for; resolved against the cluster's state when it is applied. */
export type Target =
  | { kind: "none" }
  | { kind: "one" }
  | { kind: "primary" }
  /** The primary of the view after the present one. */
  | { kind: "next-primary" }
  | { kind: "backup" }
  /** The replica that has executed least. */
  | { kind: "laggard" }
  | { kind: "f" }
  /** f+1 replicas: one more than may be faulty. */
  | { kind: "beyond-f" }
  | { kind: "minority" }
  /** One to ⌊(n−1)/3⌋ replicas: Jepsen's minority-third, "up to, but not including, 1/3rd". */
  | { kind: "minority-third" }
  | { kind: "majority" }
  | { kind: "all" }
  /** Every client process: of faults on links only. */
  | { kind: "clients" }
  | { kind: "nodes"; nodes: readonly NodeName[] }
  /** The replica of this number, modulo how many there are: one after another, or always the same. */
  | { kind: "replica"; index: number };

/** Shapes of a partition; `isolate` cuts the target off from everybody (clients too). */
export type PartitionShape =
  | "isolate"
  | "halves"
  /** A quorum stays together, the rest is cut off from it. */
  | "majority"
  | "bridge"
  | "majorities-ring"
  /** Grown link by link at random; majorities may coincide. */
  | "stochastic-ring"
  | "one-way-in"
  | "one-way-out"
  /** The target and f+1 replicas do not hear each other; it still hears the others, and they it. */
  | "primary-partial"
  | "clients"
  /** No client and the target hear each other. */
  | "client-primary";

/** Which directed links a fault of links means. */
export type LinkScope = {
  target: Target;
  /** Links into the target, out of it, or both; absent: into it. */
  direction?: LinkDirection;
  /** Only those with one of these at the other end; absent: with anybody. */
  peers?: Target;
};

export type LinkDirection = "in" | "out" | "both";

export type FaultIntent =
  /** `turn`: how many a `majority` has cut off before, so that its members rotate. */
  | { kind: "partition"; shape: PartitionShape; target: Target; turn?: number }
  /** Percent of datagrams lost, each by itself or in a pattern. */
  | ({ kind: "loss"; percent: number; pattern?: LossPattern } & LinkScope)
  | ({ kind: "duplicate"; percent: number } & LinkScope)
  /** `percent` of datagrams are overtaken: held for gapMs. */
  | ({ kind: "reorder"; percent: number; gapMs: number } & LinkScope)
  /** Every datagram waits delayMs on average, and jitterMs more or less (see link-delay.ts). */
  | ({
      kind: "delay";
      delayMs: number;
      jitterMs: number;
      distribution?: DelayDistribution;
    } & LinkScope)
  /** Only datagrams that carry such messages, on links into the targets or out of them. */
  | ({ kind: "message"; effect: MessageEffect; match: MessageMatch } & LinkScope)
  /** SIGKILL; the cure restarts from the node's own disk. `all` is a power failure. */
  | { kind: "kill"; target: Target }
  /** SIGTERM: the process makes everything durable and ends with exit code 0. The cure restarts. */
  | { kind: "terminate"; target: Target }
  /** The process ends itself (SIGKILL) at the `count`-th time, from 1, that it comes to this point. */
  | { kind: "kill-at"; point: CrashPoint; count: number; target: Target }
  /** No more memory than is in use now: the process ends when it wants more. The cure restarts. */
  | { kind: "memory"; target: Target }
  /** No file can be opened: descriptors from `openMax` on are refused. A process may end of it. */
  | { kind: "files"; openMax: number; target: Target }
  /** The freezer of cgroups holds every thread; the cure thaws. */
  | { kind: "freeze"; target: Target }
  /** SIGSTOP; the cure is SIGCONT. */
  | { kind: "pause"; target: Target }
  /** `percent` of datagrams have a bit flipped. */
  | ({ kind: "corrupt"; percent: number } & LinkScope)
  /** `percent` of datagrams are followed by an older one of the same link. */
  | ({ kind: "replay"; percent: number } & LinkScope)
  /** Links carry at most so many bytes a second; a queue of more than a tenth of it is dropped. */
  | ({ kind: "bandwidth"; bytesPerSecond: number } & LinkScope)
  /** Links deliver nothing until the cure, and then all that waits. */
  | ({ kind: "clog" } & LinkScope)
  /**
   * The machine loses power, and with it what was not synced: all of it, or each sector by chance
   * ("torn"). Absent: one or the other, by chance. The cure restarts.
   */
  | { kind: "power-cut"; unsynced?: "lost" | "torn"; target: Target }
  /**
   * The process ends at the `boundary`-th effect from now (a write, a sync, a commit, a send: 0 is
   * before the first), by a kill or with its machine's power. The cure restarts.
   */
  | { kind: "crash"; boundary: number; how: "kill" | "power-cut"; target: Target }
  /** Everything that the processor does takes `factor` times as long: it gets 1/factor of one. */
  | { kind: "slow-cpu"; factor: number; target: Target }
  /**
   * The wall clock runs `rate` times as fast, after a jump of `jumpMs`, ahead or back; rate 0 is a
   * clock that stands. The cure sets it right. In the simulator the node's timers follow it, as far
   * as they can: they never run backwards.
   */
  | { kind: "clock"; rate: number; jumpMs: number; target: Target }
  /** The wall clock leaps `jumpMs` ahead and back again, once in every `periodMs`. */
  | { kind: "strobe"; jumpMs: number; periodMs: number; target: Target }
  /** A process may end of it; the cure restarts. */
  | { kind: "disk"; flaw: DiskFlaw; target: Target }
  /**
   * The process is killed, its disk is not what it was, and the cure restarts it. Spends f. `file` is
   * the one that is damaged; absent: either, by chance. Of a rolled-back or wiped disk both are.
   */
  | { kind: "disk-damage"; damage: DiskDamage; file?: DiskFile; target: Target }
  /** `percent` of what the replica sends is a lie of this kind. Spends f. */
  | { kind: "lie"; lie: Lie; percent: number; target: Target };

/**
 * Where a replica can be made to end itself, in the order in which one turn of its event loop comes to
 * them. Compaction is not in every turn; a turn that records nothing passes none of the first four.
 */
export const CRASH_POINTS = [
  /** Records were made and nothing of them is written. */
  "before-persist",
  /** Written to the log, not yet synced. */
  "after-persist-before-sync",
  /** The log is durable, the ledger's transaction has not ended. */
  "after-sync-before-commit",
  /** All is durable and none of the turn's messages has left. */
  "after-persist-before-send",
  /** The log is to be cut: before the ledger is made durable. */
  "before-compaction",
  /** The ledger is durable and the log not yet cut. */
  "mid-compaction",
  /** The first of the turn's datagrams has left, and at least one has not. */
  "mid-send",
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** While it lasts: every access is slow, no byte can be added, writes, reads or syncs fail with EIO. */
export type DiskFlaw = "slow" | "full" | "write-error" | "read-error" | "sync-error";

/**
 * Nothing is left; the state of the fault's start is back at its end; a bit is flipped; everything from
 * some byte on is gone; the end of the last write did not arrive; a sector was written elsewhere.
 */
export type DiskDamage =
  | "wiped"
  | "rolled-back"
  | "bit-flip"
  | "truncated"
  | "torn"
  | "misdirected";

export type DiskFile = "protocol-log" | "ledger";

export const LIES = [
  /** As primary, different batches to different replicas. */
  "equivocate",
  /** As primary, batches that no correct one proposes, and second thoughts. */
  "bad-proposal",
  /** As backup, pre-prepares for the present view. */
  "propose-as-backup",
  /** Votes for another digest, for a seq ahead, for a view ahead. */
  "double-vote",
  /** Certificates filled with its own vote, relabelled, or with another batch. */
  "forge-certificate",
  /** View-changes that hide, repeat or make up certificates, or ask for a view of their own. */
  "forge-view-change",
  /** New-views that leave out or replace what they must hold, or name what nobody sent. */
  "forge-new-view",
  /** Checkpoint votes for a state that nobody has. */
  "wrong-checkpoint",
  /** Bodies and nodes that are not what was asked. */
  "wrong-data",
  /** Votes in the names of others. */
  "forge-sender",
  /** Requests that no client made, passed on as if one had. */
  "forge-request",
  /** Old messages again. */
  "replay",
  /** Replies with another result or seq, in other names, or twice. */
  "wrong-reply",
  /** Votes for far seqs without an end. */
  "flood",
  /** Bytes that are no message. */
  "garbage",
  /** Of messages too large for a datagram, a first fragment that is wrong, and no others. */
  "poison-fragments",
  /** Nothing is sent at all. */
  "mute",
] as const;
export type Lie = (typeof LIES)[number];

export type FaultKind = FaultIntent["kind"];

/** Kinds of messages of the protocol, in the order of the bits that name them in a datagram's header. */
export const MESSAGE_KINDS = [
  "request",
  "reply",
  "pre-prepare",
  "prepare",
  "commit",
  "checkpoint",
  "view-change",
  "new-view",
  "status",
  "fetch",
  "data",
  "checkpoint-proof",
  "commit-certificate",
] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** Which messages; what is absent does not matter. */
export type MessageMatch = {
  kinds: readonly MessageKind[];
  /** Exactly this view, or the views of one parity. Requests, checkpoints and data have none. */
  view?: number;
  viewParity?: "even" | "odd";
  /** From the first to the last, both included. Only what is about one seq has a seq. */
  seqs?: { from: number; to: number };
  /** On each link only the first so many; 1 to 32. */
  first?: number;
};

/** Lost; delivered twice; or later by so many ms. */
export type MessageEffect = "drop" | "duplicate" | { delayMs: number };

/** What one fault does to messages of a link. */
export type MessageRule = { faultId: string; effect: MessageEffect; match: MessageMatch };

/** What is wrong with one directed link, `from` → `to`. Absent fields mean: nothing. */
export type LinkRule = {
  from: NodeName;
  to: NodeName;
  drop?: boolean;
  lossPercent?: number;
  burstLoss?: BurstLoss;
  /** One datagram in so many is lost. */
  lossEvery?: number;
  duplicatePercent?: number;
  reorder?: { percent: number; gapMs: number };
  delay?: Delay;
  corruptPercent?: number;
  replayPercent?: number;
  bytesPerSecond?: number;
  clogged?: boolean;
  messages?: readonly MessageRule[];
};

/** An intent with its targets named. `links` for network faults, `nodes` for process faults. */
export type ResolvedFault = {
  /** Unique in the run, e.g. "f3". */
  id: string;
  intent: FaultIntent;
  nodes: readonly NodeName[];
  links: readonly LinkRule[];
};

/** Proof that a fault bit, gathered while it was active and completed when it was healed. */
export type Evidence = {
  faultId: string;
  /** True where the measurements below show that the fault had its effect. */
  landed: boolean;
  /** One sentence for people: "dropped 812 datagrams on 6 links", "pid 4711 gone (SIGKILL)". */
  summary: string;
  /** How it was done: "iptables INPUT DROP", "relay", "SIGKILL", "htb delay line", … */
  mechanism: string;
  /** The raw figures: rule packet counters, pids, /proc states, by name. */
  measured: Readonly<Record<string, number | string>>;
};

/** A line of faults.jsonl. `time` is ns since the start of the run. */
export type FaultRecord =
  | { type: "start"; time: number; fault: ResolvedFault }
  | { type: "stop"; time: number; faultId: string; evidence: Evidence };

/** What resolving a target needs to know about the cluster now. */
export type ClusterView = {
  replicas: readonly NodeName[];
  clients: readonly NodeName[];
  /** Faulty replicas the cluster tolerates. */
  f: number;
  /** Where known. */
  primary: NodeName | undefined;
  /** The replica that has executed least of those that answer; absent where none is behind. */
  laggard?: NodeName | undefined;
};
