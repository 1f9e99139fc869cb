// `ordeal list`: every suite, what it does, what it claims, how long it takes.

import type { FaultKind } from "../../nemesis/faults.js";
import { describeHold } from "../../nemesis/hold.js";
import type { NemesisPackage } from "../../nemesis/nemesis-package.js";
import { ALL_PACKAGES, NEMESIS_PACKAGES } from "../../nemesis/packages.js";
import { SUITES } from "../catalogue.js";
import { capabilitiesOf, EVERYTHING } from "../cluster/capabilities.js";
import { ALL_FINDINGS } from "../cluster/host-hands.js";
import { localCapabilities } from "../cluster/local.js";
import { SIM_CAPABILITIES } from "../cluster/sim.js";

export function listLines(): string[] {
  const lines: string[] = [];
  for (const { name, description, nemesis, takes, claims } of SUITES) {
    lines.push(`${name}  (${takes})`, `  ${description}`);
    if (nemesis.length > 0) lines.push(`  nemesis: ${nemesis.join(", ")}`);
    lines.push(`  claims: ${Object.keys(claims).join(", ")}`, "");
  }
  lines.push("Claims:");
  const claims = new Map(SUITES.flatMap((suite) => Object.entries(suite.claims)));
  for (const [name, claim] of claims) lines.push(`  ${name}: ${claim}`);
  lines.push("", "Packages for --nemesis:");
  for (const each of NEMESIS_PACKAGES) {
    lines.push(`  ${each.name}: ${each.description} ${upperFirst(describeHold(each.hold))}.`);
    lines.push(`    in ${environmentsFor(each)}`);
  }
  lines.push(
    `  ${ALL_PACKAGES}: A few of these at once, drawn from the seed among those that the environment can do.`,
    "",
    "Each package acts by itself. The interval (--nemesis-interval) is the mean time from a start of its",
    "faults to the next; what is left of it after the hold is its recovery window. What lets more than f",
    "replicas be faulty is refused, unless --beyond-f asks for it.",
  );
  return lines;
}

/** Where all that the machine may lack is there. */
const CAPABLE: readonly (readonly [string, ReadonlySet<FaultKind>])[] = [
  ["sim", SIM_CAPABILITIES],
  ["local", localCapabilities(ALL_FINDINGS)],
  ["netns", capabilitiesOf(EVERYTHING, ALL_FINDINGS)],
];

function environmentsFor({ kinds, beyondF }: NemesisPackage): string {
  const names = CAPABLE.filter(([, can]) => kinds.every((kind) => can.has(kind)));
  const where = names.length === 0 ? "no environment yet" : names.map(([name]) => name).join(", ");
  return beyondF === true ? `${where}; with --beyond-f` : where;
}

function upperFirst(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
