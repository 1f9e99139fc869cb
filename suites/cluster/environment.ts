// One interface for every place a cluster can run: local processes behind a relay, network
// namespaces, the simulator, later containers and VMs. One conformance suite runs on all.

import type { Evidence, FaultKind, NodeName, ResolvedFault } from "../../nemesis/faults.js";
import type { ReplicaStatus } from "../../node/core/step.js";
import type { ClientAnswer, ClientCall } from "../../node/runtime/client-call.js";
import type { Time } from "../run-clock.js";

export type NodeStatus = {
  node: NodeName;
  /** Absent where the process is dead, paused or does not answer in time. */
  status?: ReplicaStatus & { digest: string; rssBytes: number };
  alive: boolean;
};

/** The end of a node's process. */
export type NodeExit = {
  node: NodeName;
  pid: number;
  /** "exit 255" or "SIGKILL". */
  how: string;
  /** Whether we asked for it: a kill of ours, or the end of the run. */
  expected: boolean;
  /** ISO 8601, wall clock. */
  at: string;
  /** The end of its stderr, where the exit was not expected. */
  stderr: string;
};

export type EnvironmentOptions = {
  replicas: number;
  /** Client processes. */
  clientProcesses: number;
  /** The run's folder: nodes live in `replicas/<name>/`. */
  directory: string;
  /** Overrides of the protocol's numbers, written to the cluster file. */
  protocol: Readonly<Record<string, number>>;
  /** Compiled main files of replica and client; another build's, to test the tests. */
  build: string;
  /** Seeds the environment's own randomness (relay). */
  seed: number;
  /** The kinds of faults to come: nodes are prepared for these only. Absent: for all. */
  faults?: readonly FaultKind[];
};

export interface Environment {
  readonly name: string;
  /** One line: which mechanisms are in use, and why this environment was chosen. */
  readonly description: string;
  readonly replicas: readonly NodeName[];
  readonly clients: readonly NodeName[];
  readonly capabilities: ReadonlySet<FaultKind>;
  /** How time passes for its nodes, and so for whoever waits for them. */
  readonly time: Time;
  /** Starts all nodes; resolves when every replica answers a status query. */
  start(): Promise<void>;
  /** Applies a fault. Network faults compose with those already active. */
  apply(fault: ResolvedFault): Promise<void>;
  /** Removes the fault (or restarts, or resumes) and says what it did while it was there. */
  heal(faultId: string): Promise<Evidence>;
  /** Never rejects: a dead client process answers info. */
  call(client: NodeName, call: ClientCall): Promise<ClientAnswer>;
  observe(): Promise<readonly NodeStatus[]>;
  /** Nodes (and helpers of the environment itself) that ended though nobody asked them to. */
  unexpectedExits(): readonly NodeExit[];
  /** Stops the nodes (SIGTERM, then SIGKILL at the deadline) and removes everything but the folder. */
  stop(): Promise<void>;
}
