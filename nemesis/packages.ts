// The nemesis by name: each package knows what to ask for and how long to hold it. A package never asks
// without a cure: the schedule pairs every start with its stop. Source: jepsen.nemesis.combined.

import { DISK_PACKAGES } from "./disk-packages.js";
import { LIES, type Lie } from "./faults.js";
import { flappingNamed } from "./flapping.js";
import { HOLD } from "./hold.js";
import { LINK_PACKAGES } from "./link-packages.js";
import { MESSAGE_PACKAGES } from "./message-packages.js";
import type { NemesisPackage } from "./nemesis-package.js";
import { PARTITION_PACKAGES } from "./partition-packages.js";
import { PROCESS_PACKAGES } from "./process-packages.js";

const LIAR = liar("liar", LIES);

/**
 * "liar:equivocate", "liar:mute+replay": of these lies only; undefined where the name is none of that.
 * Throws a RangeError on a lie that nobody tells.
 */
function liarNamed(name: string): NemesisPackage | undefined {
  if (!name.startsWith("liar:")) return undefined;
  const lies = name.slice("liar:".length).split("+");
  const known = LIES.filter((lie) => lies.includes(lie));
  if (known.length === new Set(lies).size) return liar(name, known);
  const unknown = lies.find((lie) => !LIES.some((each) => each === lie));
  throw new RangeError(`${name}: no lie "${unknown}"; known are: ${LIES.join(", ")}`);
}

function liar(name: string, lies: readonly Lie[]): NemesisPackage {
  return {
    name,
    description:
      "Lets r0, the first primary, lie, in another way each time (liar:LIE+LIE: of these).",
    kinds: ["lie"],
    intent: (random) => {
      const percent = random.pick([20, 50, 100]);
      // Always the same one: a second liar would be beyond f.
      const target = { kind: "replica", index: 0 } as const;
      return { kind: "lie", lie: random.pick(lies), percent, target };
    },
    hold: HOLD,
  };
}

/** In the order in which `ordeal list` shows them. */
export const NEMESIS_PACKAGES: readonly NemesisPackage[] = [
  ...PARTITION_PACKAGES,
  ...LINK_PACKAGES,
  ...MESSAGE_PACKAGES,
  ...PROCESS_PACKAGES,
  LIAR,
  ...DISK_PACKAGES,
];

/** The name that stands for a swarm of packages, drawn from the seed (draw.ts). */
export const ALL_PACKAGES = "all";

/** The packages of these names, in this order. Throws as parseNemesisNames does. */
export function packagesOf(names: readonly string[]): NemesisPackage[] {
  return names.map((name) => {
    const found =
      NEMESIS_PACKAGES.find((known) => known.name === name) ??
      flappingNamed(name) ??
      liarNamed(name);
    if (found === undefined) {
      const known = NEMESIS_PACKAGES.map((each) => each.name).join(", ");
      throw new RangeError(`unknown nemesis "${name}"; known are: none, ${ALL_PACKAGES}, ${known}`);
    }
    return found;
  });
}

/**
 * "kill,partition" → names, in order, each once; "" and "none" mean no nemesis, "all" stays. Throws one line that
 * names the unknown and lists the known.
 */
export function parseNemesisNames(csv: string): string[] {
  const names = csv
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "none");
  const once = [...new Set(names)];
  packagesOf(once.filter((name) => name !== ALL_PACKAGES));
  return once;
}
