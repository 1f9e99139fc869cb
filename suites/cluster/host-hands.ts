// Which hands an environment has on the machines of its nodes: some always work, others need a library or
// the right to make control groups, and are there only where that was tried.

import type { FaultKind } from "../../nemesis/faults.js";
import { type CgroupPlaces, findCgroupPlaces } from "../../nemesis/host/cgroup.js";
import { findFaketime } from "../../nemesis/host/faketime.js";
import type { Shell } from "../../nemesis/host/shell.js";
import { ClockHand } from "./clock-hand.js";
import { cpuHand } from "./cpu-hand.js";
import { filesHand } from "./files-hand.js";
import { freezeHand } from "./freeze-hand.js";
import type { DownHand, NodeHand, PauseHand } from "./node-hand.js";
import { killAtHand, memoryHand, terminateHand } from "./process-hands.js";

/** What was found on a machine. */
export type HostFindings = {
  cgroups: CgroupPlaces;
  /** The path of libfaketime; undefined where it is not installed or does not work. */
  faketime: string | undefined;
  /** prlimit(1) is there. */
  limits: boolean;
};

/** What tests change, and what is found before. */
export type ProcessOptions = {
  /** How long nodes may take to end after SIGTERM. */
  stopMsMax?: number;
  found?: HostFindings;
};

export const NO_FINDINGS: HostFindings = { cgroups: {}, faketime: undefined, limits: false };

const ANY_PLACE = { version: 1, folder: "/sys/fs/cgroup" } as const;

/** Where all that a machine may have is there. */
export const ALL_FINDINGS: HostFindings = {
  cgroups: { cpu: ANY_PLACE, memory: ANY_PLACE, freezer: ANY_PLACE },
  faketime: "/usr/lib/libfaketimeMT.so.1",
  limits: true,
};

const BY_CGROUP: readonly FaultKind[] = ["slow-cpu", "memory", "freeze"];
const BY_FAKETIME: readonly FaultKind[] = ["clock", "strobe"];
const BY_LIMIT: readonly FaultKind[] = ["memory", "files"];

/**
 * Tries what these kinds of faults need, and nothing else; under a second. Where none is named,
 * everything is tried: a swarm draws from what there is.
 */
export async function probeHost(shell: Shell, needed: readonly FaultKind[]): Promise<HostFindings> {
  const asks = (kinds: readonly FaultKind[]) =>
    needed.length === 0 || kinds.some((kind) => needed.includes(kind));
  const [cgroups, faketime, limits] = await Promise.all([
    asks(BY_CGROUP) ? findCgroupPlaces(shell) : {},
    asks(BY_FAKETIME) ? findFaketime(shell) : undefined,
    asks(BY_LIMIT) ? canLimit(shell) : false,
  ]);
  return { cgroups, faketime, limits };
}

/** Kinds of faults that hands of `hostHands` do with these findings. */
export function hostCapabilities(found: HostFindings): readonly FaultKind[] {
  const { hands, downHands, pauseHands } = hostHands(found);
  return [...hands, ...downHands, ...pauseHands].flatMap(({ kinds }) => [...kinds]);
}

/** For one run: hands keep what they did. */
export function hostHands({ cgroups, faketime, limits }: HostFindings): {
  hands: readonly NodeHand[];
  downHands: readonly DownHand[];
  pauseHands: readonly PauseHand[];
} {
  const { cpu, memory, freezer } = cgroups;
  return {
    hands: [
      cpuHand(cpu),
      ...(limits ? [filesHand()] : []),
      ...(faketime === undefined ? [] : [new ClockHand(faketime)]),
    ],
    downHands: [
      terminateHand(),
      killAtHand(),
      ...(memory !== undefined || limits ? [memoryHand(memory)] : []),
    ],
    pauseHands: freezer === undefined ? [] : [freezeHand(freezer)],
  };
}

async function canLimit(shell: Shell): Promise<boolean> {
  const { exitCode } = await shell.run(["sh", "-c", "prlimit --pid $$ --nofile=64:"]);
  return exitCode === 0;
}
