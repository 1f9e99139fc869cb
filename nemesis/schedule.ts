// When faults start and stop. A plan is data, made before the run from the seed alone; targets are
// resolved only when a fault starts. Source: jepsen.nemesis.combined (packages, composed).

import type { FaultIntent, FaultKind } from "./faults.js";
import { drawHold, holdMsMin } from "./hold.js";
import type { NemesisPackage } from "./nemesis-package.js";
import { packagesOf } from "./packages.js";
import type { Random } from "./random.js";

/** `atMs` counts from the start of the load; integers. */
export type PlannedAction =
  | { atMs: number; action: "start"; faultId: string; intent: FaultIntent }
  | { atMs: number; action: "stop"; faultId: string };

export type PlanOptions = {
  /** Names of packages; they run side by side, each on its own clock. */
  packages: readonly string[];
  /** Mean time from one start of a package to its next. */
  intervalMs: number;
  /** Every fault is cured by then. */
  timeLimitMs: number;
  random: Random;
};

/** Every package starts its first fault by then, so that even a short run meets each of them. */
const FIRST_START_MS_MAX = 1_000;

/**
 * Plans the whole run: actions by time; fault ids "f0", "f1", … in the order of their starts. Every
 * start has its stop after it and before the time limit. One package holds one fault at a time;
 * faults of different packages overlap. Throws a RangeError on unknown names and useless numbers.
 */
export function nemesisPlan(options: PlanOptions): PlannedAction[] {
  const { packages, intervalMs, timeLimitMs, random } = options;
  requirePositive("nemesis interval", intervalMs);
  requirePositive("time limit", timeLimitMs);
  const spans = packagesOf(packages)
    .flatMap((each) => spansOf(each, options, random.fork(each.name)))
    .sort((a, b) => a.startMs - b.startMs);
  const actions = spans.flatMap(({ intent, startMs, stopMs }, index): PlannedAction[] => [
    { atMs: startMs, action: "start", faultId: `f${index}`, intent },
    { atMs: stopMs, action: "stop", faultId: `f${index}` },
  ]);
  // Cures first: a fault that ends as another begins must not count as concurrent with it.
  const rank = (action: PlannedAction) => (action.action === "stop" ? 0 : 1);
  return actions.sort((a, b) => a.atMs - b.atMs || rank(a) - rank(b));
}

/** Fault kinds that the packages ask for, each once: what a run must show evidence of. */
export function kindsOf(packages: readonly string[]): FaultKind[] {
  return [...new Set(packagesOf(packages).flatMap((each) => each.kinds))];
}

type Span = { intent: FaultIntent; startMs: number; stopMs: number };

function spansOf(nemesis: NemesisPackage, options: PlanOptions, random: Random): Span[] {
  const { intervalMs, timeLimitMs } = options;
  const leastMs = holdMsMin(nemesis.hold);
  const endMs = Math.floor(timeLimitMs * 0.95); // The last cure needs a moment under load, too.
  const spans: Span[] = [];
  let startMs = Math.floor(Math.min(FIRST_START_MS_MAX, timeLimitMs / 4) * between(random, 0.2, 1));
  while (spans.length === 0 || startMs + leastMs <= endMs) {
    const { activeMs, windowMs } = drawHold(nemesis.hold, intervalMs, random);
    const stopMs = Math.min(endMs, Math.floor(startMs + activeMs));
    if (stopMs <= startMs) break; // The time limit is a few milliseconds: nothing fits.
    spans.push({ intent: nemesis.intent(random, spans.length), startMs, stopMs });
    startMs = Math.ceil(stopMs + windowMs);
  }
  return spans;
}

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.float();
}

function requirePositive(name: string, value: number): void {
  if (!Number.isFinite(value) || value <= 0) {
    throw new RangeError(`the ${name} is a positive number of milliseconds, not ${value}`);
  }
}
