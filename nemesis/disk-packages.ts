// Packages that harm disks, and machines between two writes: power cuts, errors, damage at rest. See
// packages.ts.

import type { DiskDamage, DiskFile, DiskFlaw, FaultIntent, FaultKind, Target } from "./faults.js";
import { HOLD, HOLD_SHORT, type Hold } from "./hold.js";
import type { NemesisPackage } from "./nemesis-package.js";
import type { Random } from "./random.js";
import { ONE_OR_PRIMARY, VICTIMS } from "./victims.js";

const ALL: Target = { kind: "all" };
/** Whose disk is damaged: in the first view a backup. */
const VICTIM: Target = { kind: "replica", index: 2 };

export const DISK_PACKAGES: readonly NemesisPackage[] = [
  ofKind("crash", "Ends a process between two effects, and restarts it.", HOLD_SHORT, (random) => {
    const how = random.pick(["kill", "power-cut"] as const);
    return { kind: "crash", boundary: random.int(60), how, target: random.pick(VICTIMS) };
  }),
  {
    name: "power-cut",
    description: "Cuts the power of some machines: what was not synced is lost or torn.",
    kinds: ["power-cut"],
    intent: (random) => ({ kind: "power-cut", target: random.pick(VICTIMS) }),
    hold: HOLD_SHORT,
  },
  {
    name: "power-cut-all",
    description: "Cuts the power of all machines at once: nothing that was not synced is left.",
    kinds: ["power-cut"],
    intent: () => ({ kind: "power-cut", unsynced: "lost", target: ALL }),
    hold: HOLD_SHORT,
  },
  flaws("disk", "Makes a disk slow or full, or lets its writes, reads or syncs fail.", [
    "slow",
    "full",
    "write-error",
    "read-error",
    "sync-error",
  ]),
  flaws("disk-slow", "Lets every access to a disk wait.", ["slow"]),
  flaws("disk-full", "Fills a disk: no byte can be added.", ["full"]),
  flaws("disk-eio", "Lets the writes or syncs of a disk fail with EIO.", [
    "write-error",
    "sync-error",
  ]),
  damage("wipe-one", "Wipes the disk of one replica, always the same.", { damages: ["wiped"] }),
  damage("bit-rot", "Flips a bit in the log or the ledger of one replica, always the same.", {
    damages: ["bit-flip"],
  }),
  damage("torn-log", "Tears the end off the log of one replica, always the same.", {
    damages: ["torn", "truncated"],
    file: "protocol-log",
  }),
  damage("rolled-back-disk", "Brings an older state of one disk back, always the same.", {
    damages: ["rolled-back"],
  }),
  {
    name: "wipe-beyond-f",
    description: "Wipes the disks of f+1 replicas at once: more than any such cluster survives.",
    kinds: ["disk-damage"],
    intent: () => ({ kind: "disk-damage", damage: "wiped", target: { kind: "beyond-f" } }),
    hold: HOLD_SHORT,
    beyondF: true,
  },
];

/** A package whose kind has its name. */
function ofKind(
  name: FaultKind,
  description: string,
  hold: Hold,
  intent: (random: Random) => FaultIntent,
): NemesisPackage {
  return {
    name,
    description,
    kinds: [name],
    intent,
    hold,
  };
}

function flaws(name: string, description: string, each: readonly DiskFlaw[]): NemesisPackage {
  const intent = (random: Random): FaultIntent => {
    return { kind: "disk", flaw: random.pick(each), target: random.pick(ONE_OR_PRIMARY) };
  };
  return { name, description, kinds: ["disk"], intent, hold: HOLD };
}

/**
 * Damage spends f, and a replica that forgot its votes spends it until a checkpoint has passed them: so
 * a run has one victim, and all packages of damage the same.
 */
function damage(
  name: string,
  description: string,
  { damages, file }: { damages: readonly DiskDamage[]; file?: DiskFile },
): NemesisPackage {
  const intent = (random: Random): FaultIntent => {
    const drawn = { kind: "disk-damage", damage: random.pick(damages), target: VICTIM } as const;
    return file === undefined ? drawn : { ...drawn, file };
  };
  return { name, description, kinds: ["disk-damage"], intent, hold: HOLD_SHORT };
}
