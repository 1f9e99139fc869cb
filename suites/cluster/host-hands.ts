// Which hands an environment has on the machines of its nodes: some always work, others need a library or
// the right to make control groups, and are there only where that was tried.

import type { FaultKind } from "../../nemesis/faults.js";
import {
  type CgroupPlace,
  type CgroupPlaces,
  CONTROLLERS,
  type Controller,
  findCgroupPlaces,
} from "../../nemesis/host/cgroup.js";
import { ext4Trial } from "../../nemesis/host/ext4-disk.js";
import { findFaketime } from "../../nemesis/host/faketime.js";
import type { Shell } from "../../nemesis/host/shell.js";
import { ClockHand } from "./clock-hand.js";
import { cpuHand } from "./cpu-hand.js";
import { DiskDamageHand } from "./disk-damage-hand.js";
import { DiskHand } from "./disk-hand.js";
import { programsIn, runDiskPrograms } from "./disk-programs.js";
import { filesHand } from "./files-hand.js";
import { freezeHand } from "./freeze-hand.js";
import { OWN_BUILD } from "./layout.js";
import { liarHand } from "./liar-hand.js";
import type { DownHand, NodeHand, PauseHand } from "./node-hand.js";
import { PowerCutHand } from "./power-cut-hand.js";
import { killAtHand, memoryHand, terminateHand } from "./process-hands.js";

/** What was found on a machine. */
export type HostFindings = {
  cgroups: CgroupPlaces;
  /** The path of libfaketime; undefined where it is not installed or does not work. */
  faketime: string | undefined;
  /** prlimit(1) is there. */
  limits: boolean;
  /** The library that lies under a node's disk runs there, and its tool. */
  disks: boolean;
  /** A file system of our own can be mounted, and its power cut. */
  ext4: boolean;
};

/** What tests change, and what is found before. */
export type ProcessOptions = {
  /** How long nodes may take to end after SIGTERM. */
  stopMsMax?: number;
  found?: HostFindings;
};

export const NO_FINDINGS: HostFindings = {
  cgroups: {},
  faketime: undefined,
  limits: false,
  disks: false,
  ext4: false,
};

const ANY_PLACE = { version: 1, folder: "/sys/fs/cgroup" } as const;

/** Where all that a machine may have is there. */
export const ALL_FINDINGS: HostFindings = {
  cgroups: { cpu: ANY_PLACE, memory: ANY_PLACE, freezer: ANY_PLACE },
  faketime: "/usr/lib/libfaketimeMT.so.1",
  limits: true,
  disks: true,
  ext4: true,
};

const BY_CGROUP: readonly FaultKind[] = ["slow-cpu", "memory", "freeze"];
const BY_FAKETIME: readonly FaultKind[] = ["clock", "strobe"];
const BY_LIMIT: readonly FaultKind[] = ["memory", "files"];
const BY_DISK: readonly FaultKind[] = ["disk", "power-cut", "disk-damage"];

/**
 * Tries what these kinds of faults need, and nothing else; under a second. Where none is named,
 * everything is tried: a swarm draws from what there is.
 */
export async function probeHands(
  shell: Shell,
  needed: readonly FaultKind[],
): Promise<HostFindings> {
  const asks = (kinds: readonly FaultKind[]) =>
    needed.length === 0 || kinds.some((kind) => needed.includes(kind));
  const [cgroups, faketime, limits, disks, ext4] = await Promise.all([
    asks(BY_CGROUP) ? findCgroupPlaces(shell) : {},
    asks(BY_FAKETIME) ? findFaketime(shell) : undefined,
    asks(BY_LIMIT) ? runs(shell, "prlimit --pid $$ --nofile=64:") : false,
    asks(BY_DISK) ? runDiskPrograms(shell) : false,
    asks(["power-cut"]) ? runs(shell, ext4Trial(programsIn(OWN_BUILD).tool)) : false,
  ]);
  return { cgroups, faketime, limits, disks, ext4 };
}

/** What was found alike on all machines: a hand reaches for the same thing on each. */
export function commonFindings(all: readonly HostFindings[]): HostFindings {
  const [first = NO_FINDINGS] = all;
  const same = <T>(of: (found: HostFindings) => T): T | undefined => {
    const texts = new Set(all.map((found) => JSON.stringify(of(found))));
    return texts.size === 1 ? of(first) : undefined;
  };
  const cgroups: Partial<Record<Controller, CgroupPlace>> = {};
  for (const controller of CONTROLLERS) {
    const place = same(({ cgroups: places }) => places[controller]);
    if (place !== undefined) cgroups[controller] = place;
  }
  return {
    cgroups,
    faketime: same(({ faketime }) => faketime),
    limits: same(({ limits }) => limits) ?? false,
    disks: same(({ disks }) => disks) ?? false,
    ext4: same(({ ext4 }) => ext4) ?? false,
  };
}

/** Kinds of faults that hands of `hostHands` do with these findings. */
export function hostCapabilities(found: HostFindings): readonly FaultKind[] {
  const { hands, downHands, pauseHands } = hostHands(found, 0);
  return [...hands, ...downHands, ...pauseHands].flatMap(({ kinds }) => [...kinds]);
}

/**
 * For one run: hands keep what they did. `seed` decides what of a disk is lost, and which of its bytes
 * change.
 */
export function hostHands(
  { cgroups, faketime, limits, disks }: HostFindings,
  seed: number,
): {
  hands: readonly NodeHand[];
  downHands: readonly DownHand[];
  pauseHands: readonly PauseHand[];
} {
  const { cpu, memory, freezer } = cgroups;
  return {
    hands: [
      cpuHand(cpu),
      liarHand(seed),
      ...(limits ? [filesHand()] : []),
      ...(faketime === undefined ? [] : [new ClockHand(faketime)]),
      ...(disks ? [new DiskHand()] : []),
    ],
    downHands: [
      terminateHand(),
      killAtHand(),
      ...(memory !== undefined || limits ? [memoryHand(memory)] : []),
      ...(disks ? [new PowerCutHand(seed), new DiskDamageHand(seed)] : []),
    ],
    pauseHands: freezer === undefined ? [] : [freezeHand(freezer)],
  };
}

async function runs(shell: Shell, script: string): Promise<boolean> {
  const { exitCode } = await shell.run(["sh", "-c", script], { deadlineMs: 30_000 });
  return exitCode === 0;
}
