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
  | { kind: "backup" }
  | { kind: "f" }
  | { kind: "minority" }
  | { kind: "majority" }
  | { kind: "all" }
  | { kind: "nodes"; nodes: readonly NodeName[] };

/** Shapes of a partition; `isolate` cuts the target off from everybody (clients too). */
export type PartitionShape =
  | "isolate"
  | "halves"
  | "bridge"
  | "majorities-ring"
  | "one-way-in"
  | "one-way-out"
  | "clients";

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
  | { kind: "partition"; shape: PartitionShape; target: Target }
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
  /** SIGKILL; the cure restarts from the node's own disk. `all` is a power failure. */
  | { kind: "kill"; target: Target }
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
  /** The machine loses power: what was not synced is lost or torn. The cure restarts. */
  | { kind: "power-cut"; target: Target }
  /**
   * The process ends at the `boundary`-th effect from now (a write, a sync, a commit, a send: 0 is
   * before the first), by a kill or with its machine's power. The cure restarts.
   */
  | { kind: "crash"; boundary: number; how: "kill" | "power-cut"; target: Target }
  /** Everything that the processor does takes `factor` times as long. */
  | { kind: "slow-cpu"; factor: number; target: Target }
  /** Runs `rate` times as fast; `jumpMs` ahead at once; rate 0 is a clock that stands. */
  | { kind: "clock"; rate: number; jumpMs: number; target: Target }
  | { kind: "disk"; flaw: DiskFlaw; target: Target }
  /** The process is killed, its disk is not what it was, and the cure restarts it. Spends f. */
  | { kind: "disk-damage"; damage: DiskDamage; target: Target }
  /** `percent` of what the replica sends is a lie of this kind. Spends f. */
  | { kind: "lie"; lie: Lie; percent: number; target: Target };

/** While it lasts: every access is slow, no byte can be added, writes or syncs fail with EIO. */
export type DiskFlaw = "slow" | "full" | "write-error" | "sync-error";

/** Nothing is left; an older state is back; a bit is flipped; a sector was written elsewhere. */
export type DiskDamage = "wiped" | "rolled-back" | "bit-flip" | "misdirected";

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
  /** Nothing is sent at all. */
  "mute",
] as const;
export type Lie = (typeof LIES)[number];

export type FaultKind = FaultIntent["kind"];

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
};
