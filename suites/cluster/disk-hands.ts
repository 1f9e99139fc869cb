// The hands that harm disks, where the disk under a node was compiled (from C, at the build).

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FaultKind } from "../../nemesis/faults.js";
import type { DiskPrograms } from "../../nemesis/host/disk-tool.js";
import { DiskDamageHand } from "./disk-damage-hand.js";
import { DiskHand } from "./disk-hand.js";
import type { DownHand, NodeHand } from "./node-hand.js";
import { PowerCutHand } from "./power-cut-hand.js";

const FOLDER = fileURLToPath(new URL("../../nemesis/host/disk/", import.meta.url));

/** What can be done to disks where the programs are. */
const DISK_KINDS: readonly FaultKind[] = ["disk", "power-cut", "disk-damage"];

type FoundPrograms = { programs: DiskPrograms } | { reason: string };

/** The programs of this build, or why there are none. */
export function diskPrograms(folder = FOLDER): FoundPrograms {
  const programs = { preload: join(folder, "disk-faults.so"), tool: join(folder, "disk-tool") };
  if (existsSync(programs.preload) && existsSync(programs.tool)) return { programs };
  const why = join(folder, "why");
  const said = existsSync(why) ? readFileSync(why, "utf8").trim().split("\n").at(-1) : undefined;
  const detail = said ?? "ordeal --build has not run";
  return {
    reason: `faults of disks need a C compiler when ordeal is built (${detail}): install one, then run ordeal --build`,
  };
}

/** The kinds of faults of disks that work with this build. */
export function diskKinds(): readonly FaultKind[] {
  return "programs" in diskPrograms() ? DISK_KINDS : [];
}

type Hands = { hands: readonly NodeHand[]; downHands: readonly DownHand[] };

/** With the hands for those kinds; `seed` decides what of a disk is lost, and which of its bytes change. */
export function withDisks<More extends Hands>(hands: More, seed: number): More & Hands {
  const found = diskPrograms();
  if (!("programs" in found)) return hands;
  const { programs } = found;
  return {
    ...hands,
    hands: [...hands.hands, new DiskHand(programs)],
    downHands: [
      ...hands.downHands,
      new PowerCutHand(programs, seed),
      new DiskDamageHand(programs, seed),
    ],
  };
}
