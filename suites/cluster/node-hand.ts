// Hands that harm nodes otherwise than by the network or a plain kill: their processors, clocks, memory,
// disks. A hand reaches a node only through its host, so that it works wherever the node runs.

import type { Evidence, FaultKind, NodeName, ResolvedFault } from "../../nemesis/faults.js";
import type { Shell } from "../../nemesis/host/shell.js";
import type { ControlQuestion } from "./control.js";
import type { JsonObject } from "./json-lines.js";
import type { Machine } from "./machine.js";

/** What a hand may know of the place where a node runs. */
export interface NodeHost {
  readonly node: NodeName;
  /** Runs commands on the node's machine, in its namespaces. */
  readonly shell: Shell;
  /** The node's own folder on that machine (protocol.log, ledger.sqlite). */
  readonly folder: string;
  /** To hold a file system of the node's own, mounted at `folder`; absent: it has none. */
  readonly image?: string;
  /** A short-lived folder for control files, on that machine. */
  readonly runtimeFolder: string;
  /** The program node on that machine. */
  readonly execPath: string;
  /** The folder there of our own compiled files, whichever build the node runs. */
  readonly ownBuild: string;
  /** What is made there and must not outlive the run; see machine.ts. */
  readonly register: Machine["register"];
  /** Of the running process, in the pid namespace of `shell`; undefined between lives. */
  readonly pid: number | undefined;
  /** Asks the replica on its control socket; undefined where no answer comes in time. */
  ask(question: ControlQuestion, deadlineMs: number): Promise<JsonObject | undefined>;
}

/**
 * What is put before and around the command line of every start of a node. Several hands may name
 * libraries in LD_PRELOAD: all are loaded.
 */
export type Launch = {
  argvPrefix: readonly string[];
  variables: Readonly<Record<string, string>>;
};

export type Measured = Readonly<Record<string, number | string>>;

/** What a hand saw of its own deed on one node; `did` says it to people. Absent: the hand's own mechanism. */
export type Deed = { landed: boolean; measured: Measured; did?: string; mechanism?: string };

/** Faults under which a node's process goes on. They act on replicas and compose with one another. */
export interface NodeHand {
  readonly kinds: ReadonlySet<FaultKind>;
  /**
   * Whether a process may end by itself under this fault: such an end is expected, and the cure
   * starts the node again. Absent: never.
   */
  mayEnd?(fault: ResolvedFault): boolean;
  /** Before the node's first start; makes what `launch` names. */
  prepare(host: NodeHost): Promise<void>;
  launch(host: NodeHost): Launch;
  /** Throws where the fault cannot be applied; nothing of it stays then. */
  apply(fault: ResolvedFault, hosts: readonly NodeHost[]): Promise<void>;
  /** Called once for each fault applied; also where a node is down just now. */
  heal(fault: ResolvedFault, hosts: readonly NodeHost[]): Promise<Evidence>;
  /** Another fault is about to stop or end the process: nothing here wakes it until `takeHold`. */
  letGo?(host: NodeHost): Promise<void>;
  /** The node runs, for the first time, again, or anew: what is active here holds of its process, too. */
  takeHold?(host: NodeHost): Promise<void>;
  /** The nodes are gone by then. */
  close(): Promise<void>;
}

/**
 * Faults that end a node's process, and change something before it comes back. Kills, pauses and
 * these compose in process-faults.ts: a node comes back when no fault holds it down.
 */
export interface DownHand {
  readonly kinds: ReadonlySet<FaultKind>;
  /** How it is done, for the evidence; absent: the name of the kind. */
  readonly mechanism?: string;
  prepare(host: NodeHost): Promise<void>;
  launch(host: NodeHost): Launch;
  /** When the fault is applied, while the node is still as it was. */
  begin?(fault: ResolvedFault, host: NodeHost): Promise<void>;
  /** Whether its nodes run until it is healed: they are killed then, changed, and started again. */
  endsWhenHealed?(fault: ResolvedFault): boolean;
  /**
   * Ends the running process as the fault demands; absent: SIGKILL. `end` waits for the process to be
   * gone, and kills it at the deadline.
   */
  bringDown?(fault: ResolvedFault, host: NodeHost, end: EndOfProcess): Promise<Deed>;
  /** Once for each node of the fault, when it is healed, before the restart. */
  beforeRestart?(fault: ResolvedFault, host: NodeHost): Promise<Deed>;
  close(): Promise<void>;
}

/** Faults that stop a process, other than by SIGSTOP. They compose with pauses and kills. */
export interface PauseHand {
  readonly kinds: ReadonlySet<FaultKind>;
  readonly mechanism: string;
  pause(host: NodeHost): Promise<Deed>;
  /** Nothing happens where this hand holds no process of the node. */
  resume(host: NodeHost): Promise<void>;
  close(): Promise<void>;
}

/**
 * Resolves to how the process ended ("SIGKILL", "exit 3"), an end that is expected from now on;
 * sends the signal first, where one is named. Undefined where it had to be killed at the deadline.
 */
export type EndOfProcess = (options: {
  signal?: NodeJS.Signals;
  deadlineMs: number;
}) => Promise<string | undefined>;
