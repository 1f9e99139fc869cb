// The swarm of packages behind `--nemesis all`: each seed draws its own few kinds of faults, because what
// a run leaves out decides what it can find as much as what it puts in.
// Source: Groce et al., Swarm Testing, ISSTA 2012.

import type { FaultKind } from "./faults.js";
import type { NemesisPackage } from "./nemesis-package.js";
import { ALL_PACKAGES, NEMESIS_PACKAGES } from "./packages.js";
import { stateUnder } from "./processes.js";
import type { Random } from "./random.js";

/** Of these a process may end by itself. */
const ENDS_PROCESSES: readonly FaultKind[] = ["kill-at", "memory", "files", "crash", "freeze"];
/** Fewer kinds than this are no composition; with more, no quorum is left for most of the time. */
const KINDS_MIN = 3;
const KINDS_MAX = 5;

/**
 * The names, with "all" replaced by packages that this environment can do, of 3 to 5 kinds where it has
 * so many: a kind is drawn first, then one of its packages, so that kinds with many are not favoured.
 * What ends or stops processes counts as one kind: nobody can end what another holds, and would not land.
 */
export function drawPackages(
  names: readonly string[],
  capabilities: ReadonlySet<FaultKind>,
  random: Random,
): string[] {
  if (!names.includes(ALL_PACKAGES)) return [...names];
  const byKind = new Map<string, NemesisPackage[]>();
  for (const each of NEMESIS_PACKAGES.filter((one) => isDrawn(one, capabilities))) {
    const key = each.kinds.some(holdsProcess) ? "process" : each.kinds.join();
    byKind.set(key, [...(byKind.get(key) ?? []), each]);
  }
  const count = KINDS_MIN + random.int(KINDS_MAX - KINDS_MIN + 1);
  const kinds = random.shuffle([...byKind.keys()]).slice(0, count);
  const drawn = kinds.map((kind) => random.pick(byKind.get(kind) ?? []).name);
  return [...new Set([...names.filter((name) => name !== ALL_PACKAGES), ...drawn])];
}

function holdsProcess(kind: FaultKind): boolean {
  return stateUnder(kind) !== undefined || ENDS_PROCESSES.includes(kind);
}

function isDrawn(each: NemesisPackage, capabilities: ReadonlySet<FaultKind>): boolean {
  if (each.rare === true || each.beyondF === true) return false;
  return each.kinds.every((kind) => capabilities.has(kind));
}
