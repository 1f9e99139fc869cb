// A simulation as plain data: the cluster, its load, its weather, and every fault with its times. It is
// drawn from a seed, or it is what shrinking left of one; either way it is all that decides the run.

import type { FaultIntent, NodeName } from "../../nemesis/faults.js";
import type { ProtocolConfig } from "../../node/core/config.js";
import type { Weather } from "./network.js";

export type TimedFault = {
  /** "f0", "f1", …: the same fault has the same name in every reduction of a seed. */
  id: string;
  intent: FaultIntent;
  /** From the start of the load; whole ms. */
  startMs: number;
  stopMs: number;
};

export type Scenario = {
  seed: number;
  replicas: number;
  protocol: Partial<ProtocolConfig>;
  clientProcesses: number;
  sessions: number;
  accounts: number;
  /** Operations in all, over all sessions. */
  operations: number;
  /** Share of the operations that the bank must refuse, 0..1. */
  refusedShare: number;
  /** The load ends after this and after the last cure, though not all of them were begun; ms. */
  loadMs: number;
  /** Mean of a session's pause between two operations, ms. */
  thinkMs: number;
  /** After this an operation's fate is not known, ms. */
  timeoutMs: number;
  datagramBytesMax: number;
  weather: Weather;
  signatures: "modelled" | "ed25519";
  faults: readonly TimedFault[];
  /** Replicas that lie or forget, at most f. */
  faulty: readonly NodeName[];
  /** A quorum of the others, which is whole at the end. */
  core: readonly NodeName[];
  /** What stays wrong with those outside the core while progress is demanded. */
  rest: readonly { id: string; intent: FaultIntent }[];
  /** Those of its misfortunes that happen (misfortunes.ts); absent: all. */
  misfortunes?: readonly string[];
  /** More than f replicas are faulty: the run is expected to be unsafe, and must be caught. */
  beyondF: boolean;
};

/** The end of the last fault, ms from the start of the load. */
export function lastCureMs({ faults }: Pick<Scenario, "faults">): number {
  return Math.max(0, ...faults.map(({ stopMs }) => stopMs));
}
