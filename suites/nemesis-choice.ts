// Which packages a run has: as asked, with a swarm in place of "all"; and whether they stay within the
// fault budget. Everything follows from the seed and from what the environment can do.

import { budgetOfPlan, spendsF } from "../nemesis/budget.js";
import { drawPackages } from "../nemesis/draw.js";
import type { ClusterView, FaultKind } from "../nemesis/faults.js";
import { ALL_PACKAGES } from "../nemesis/packages.js";
import { createRandom } from "../nemesis/random.js";
import { kindsOf, nemesisPlan, type PlannedAction } from "../nemesis/schedule.js";
import { clientNames, replicaNames } from "./cluster/layout.js";
import { faultsTolerated } from "./run-options.js";
import { UsageError } from "./usage-error.js";

/** Packages and how they are planned. */
export type NemesisOptions = {
  nemesis: readonly string[];
  nemesisIntervalS: number;
  timeLimitS: number;
};

/** The kinds that these packages need; what a swarm may draw is decided by the environment. */
export function neededKinds(names: readonly string[]): FaultKind[] {
  return kindsOf(names.filter((name) => name !== ALL_PACKAGES));
}

/** The names with a swarm in place of "all". */
export function drawnNemesis(
  names: readonly string[],
  capabilities: ReadonlySet<FaultKind>,
  seed: number,
): readonly string[] {
  return drawPackages(names, capabilities, createRandom(seed).fork("nemesis").fork("swarm"));
}

/** All faults of a run, with their times; their targets are named when each begins. */
export function plannedFaults(options: NemesisOptions, seed: number): readonly PlannedAction[] {
  return nemesisPlan({
    packages: options.nemesis,
    intervalMs: options.nemesisIntervalS * 1_000,
    timeLimitMs: options.timeLimitS * 1_000,
    random: createRandom(seed).fork("nemesis").fork("plan"),
  });
}

/**
 * Replicas that the plan may leave faulty, where they are more than f; else undefined. Throws UsageError
 * where they are and nobody asked for that.
 */
export function faultyBeyondF(
  options: NemesisOptions,
  { seed, replicas, allowed }: { seed: number; replicas: number; allowed: boolean },
): number | undefined {
  const plan = plannedFaults(options, seed);
  const spends = plan.some((action) => action.action === "start" && spendsF(action.intent));
  if (!spends) return undefined;
  const names = replicaNames(replicas);
  const f = faultsTolerated(replicas);
  const view: ClusterView = { replicas: names, clients: clientNames(1), f, primary: names[0] };
  const random = createRandom(seed).fork("budget");
  const { beyondF, faultyCountMax } = budgetOfPlan(plan, view, random);
  if (!beyondF) return undefined;
  if (allowed) return faultyCountMax;
  throw new UsageError(
    "beyond-f",
    `${options.nemesis.join(",")} may leave ${faultyCountMax} of ${replicas} replicas faulty, and ` +
      `${f} are tolerated: pass other packages, more --replicas, or --beyond-f to see it caught`,
  );
}
