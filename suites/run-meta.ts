// run.json: what a run was, enough to repeat it. Version 1; a newer version is refused by name.

import type { CheckResult } from "../checker/verdict.js";
import type { NodeExit } from "./cluster/environment.js";

export const RUN_META_VERSION = 1;

export type RunMeta = {
  version: number;
  suite: string;
  seed: number;
  /** Git commit of the tool, or "unknown". */
  commit: string;
  environment: string;
  /** Which mechanisms were in use, and why this environment. */
  environmentDescription: string;
  /** ISO 8601, wall clock. */
  startedAt: string;
  replicas: number;
  f: number;
  /** The suite's options as they were in force. */
  options: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** What the suite claims, one sentence each, by check name. */
  claims: Readonly<Record<string, string>>;
  /** The line that repeats this run. */
  reproduce: string;
  /** Times in ns since the start of the run. */
  phases: { loadStart?: number; loadEnd: number; healed: number; quiescent: number; end: number };
  recoveryBoundNs: number;
  quiescence: { reached: boolean; detail: string };
  expectedFaults: readonly string[];
  /** The run may leave so many replicas faulty, more than f: it must be caught. Absent: it may not. */
  expectedUnsafe?: { faultyMax: number };
  correctReplicas: readonly string[];
  /** Sampled from the replicas while the run went on: one row a sample. */
  samples: readonly { time: number; node: string; view: number; seq: number; rssBytes: number }[];
  /** Overrides of the protocol's numbers that the cluster ran with. Absent: none. */
  protocol?: Readonly<Record<string, number>>;
  /** Nodes, and helpers of the environment, that ended though nobody asked them to. Absent: none. */
  unexpectedExits?: readonly NodeExit[];
  /** What the simulator saw while the run went on, as checks of its own. Absent: nothing. */
  seen?: Readonly<Record<string, CheckResult>>;
  /** Why the run did not go through all its phases; absent where it did. */
  incomplete?: string;
};
