// One seed of the swarm: what the fuzzer's threads, the command line and the mutants' matrix all run.

import type { Valid } from "../../checker/verdict.js";
import type { CoverageCounts } from "./coverage.js";
import type { NodeBuild } from "./node-build.js";
import { type Reduction, reduced } from "./reduction.js";
import { type Onlooker, type SimResult, type SimStats, simulate } from "./simulate.js";
import { drawScenario } from "./swarm.js";

/** Simulates the scenario of a seed, or what a reduction leaves of it, with this build. */
export function simulateSeed(
  build: NodeBuild,
  seed: number,
  reduction: Reduction = {},
  onlooker?: Onlooker,
): SimResult {
  return simulate(build, reduced(drawScenario(seed), reduction), onlooker);
}

/** What is left of a result when its history is gone: small, and fit to cross threads. */
export type SeedSummary = {
  seed: number;
  valid: Valid;
  /** One line for each check that is not valid. */
  problems: readonly { check: string; valid: Valid; summary: string }[];
  trace: string;
  stats: SimStats;
  coverage: CoverageCounts;
};

export function summaryOf({ scenario, verdict, trace, stats, coverage }: SimResult): SeedSummary {
  const problems = Object.entries(verdict.checks).flatMap(([check, { valid, summary }]) =>
    valid === true ? [] : [{ check, valid, summary }],
  );
  return { seed: scenario.seed, valid: verdict["valid?"], problems, trace, stats, coverage };
}

/** The command that repeats a seed. */
export function replayLine(
  seed: number,
  {
    only = "",
    scenario,
    replicaBuild,
  }: { only?: string; scenario?: string; replicaBuild?: string | undefined } = {},
): string {
  const which = scenario === undefined ? ["--seed", String(seed)] : ["--scenario", scenario];
  const words = ["./ordeal", "run", "swarm", "--env", "sim", ...which];
  if (only !== "") words.push("--only", only);
  if (replicaBuild !== undefined) words.push("--replica-build", replicaBuild);
  return words.join(" ");
}
