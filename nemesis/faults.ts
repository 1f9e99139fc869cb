// Faults as plain data: what is asked (intent), what it meant when it was applied (resolved), and
// the proof that it landed (evidence). The same values stand in the history, in `faults.jsonl`, and
// in a replay; every environment interprets the same list.

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

export type FaultIntent =
  | { kind: "partition"; shape: PartitionShape; target: Target }
  /** Percent of datagrams lost, duplicated or held back on every link into the targets. */
  | { kind: "loss"; percent: number; target: Target }
  | { kind: "duplicate"; percent: number; target: Target }
  /** `percent` of datagrams are overtaken: held for gapMs. */
  | { kind: "reorder"; percent: number; gapMs: number; target: Target }
  /** Every datagram waits delayMs, plus or minus jitterMs (uniform). */
  | { kind: "delay"; delayMs: number; jitterMs: number; target: Target }
  /** SIGKILL; the cure restarts from the node's own disk. `all` is a power failure. */
  | { kind: "kill"; target: Target }
  /** SIGSTOP; the cure is SIGCONT. */
  | { kind: "pause"; target: Target };

export type FaultKind = FaultIntent["kind"];

/** What is wrong with one directed link, `from` → `to`. Absent fields mean: nothing. */
export type LinkRule = {
  from: NodeName;
  to: NodeName;
  drop?: boolean;
  lossPercent?: number;
  duplicatePercent?: number;
  reorder?: { percent: number; gapMs: number };
  delay?: { delayMs: number; jitterMs: number };
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
