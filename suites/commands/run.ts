// `ordeal run`: suites after one another, each as often as asked, and the end by the worst of them.

import { randomInt } from "node:crypto";
import type { FaultKind } from "../../nemesis/faults.js";
import { campaignRun, derivedSeed, summaryLines, worstEnding, writeJunit } from "../campaign.js";
import type { CampaignRun } from "../campaign-run.js";
import { type Suite, suiteNamed } from "../catalogue.js";
import { type Ending, worstOf } from "../exit-code.js";
import type { Chosen } from "../in-environment.js";
import { otherBuild } from "../other-build.js";
import { faultsOf, type PlanBasis, suitePlan, tablePlan } from "../plan.js";
import { type RunContext, type RunPlan, requireCapabilities } from "../run.js";
import { parseRunOptions, type RawRunOptions, type RunOptions, sizesOf } from "../run-options.js";
import { type RowRuns, tableLines } from "../table.js";

const TABLE_TEST_COUNT = 10;

/** What was asked for, checked as far as it can be before an environment is chosen. */
export type RunRequest = { suites: readonly Suite[]; options: RunOptions; build: string };

/** Throws UsageError. `ownBuild` is the folder of our own compiled files. */
export function parseRunRequest(
  names: readonly string[],
  raw: RawRunOptions,
  ownBuild: string,
): RunRequest {
  const suites = names.map(suiteNamed);
  const options = parseRunOptions(raw);
  for (const { concurrency } of suites) sizesOf(options, concurrency);
  if (options.junit !== undefined) writeJunit(options.junit, []);
  if (options.replicaBuild === undefined) return { suites, options, build: ownBuild };
  const build = otherBuild(options.replicaBuild);
  return { suites, options: { ...options, replicaBuild: build }, build };
}

/** The kinds of fault that any of the suites asks for. */
export function neededFaults({ suites, options }: RunRequest): readonly FaultKind[] {
  return [...new Set(suites.flatMap((suite) => faultsOf(suite, options)))];
}

/** Performs all runs. Throws UsageError where the environment cannot do what a suite needs. */
export async function runCommand(
  { suites, options, build }: RunRequest,
  { environment, context }: Chosen,
  commit: string,
): Promise<Ending> {
  for (const suite of suites) {
    const requiredFaults = faultsOf(suite, options);
    requireCapabilities({ suite: suite.name, requiredFaults }, environment);
  }
  const seed = options.seed ?? randomInt(2 ** 32);
  const { name, capabilities } = environment;
  const basis = { options, seed, environment: name, commit, build, capabilities };
  const runs: CampaignRun[] = [];
  for (const suite of suites) {
    if (context.interrupt.aborted) break;
    runs.push(...(await suiteRuns(suite, basis, context)));
  }
  const left = runCount(suites, options) - runs.length;
  if (left > 0) context.output.line(`interrupted: ${left} runs were left out`);
  if (runs.length > 1) for (const line of ["", ...summaryLines(runs)]) context.output.line(line);
  if (options.junit !== undefined) writeJunit(options.junit, runs);
  return worstOf([worstEnding(runs), left > 0 ? "unknown" : true]);
}

function runCount(suites: readonly Suite[], { testCount }: RunOptions): number {
  const counts = suites.map(({ table }) =>
    table === undefined ? (testCount ?? 1) : table.length * (testCount ?? TABLE_TEST_COUNT),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

async function suiteRuns(suite: Suite, basis: PlanBasis, context: RunContext) {
  if (suite.table !== undefined) return tableRuns(suite, basis, context);
  const count = basis.options.testCount ?? 1;
  return repeat(count, basis, context, (each) => suitePlan(suite, each));
}

async function tableRuns(suite: Suite, basis: PlanBasis, context: RunContext) {
  const count = basis.options.testCount ?? TABLE_TEST_COUNT;
  const rows: RowRuns[] = [];
  for (const row of suite.table ?? []) {
    const runs = await repeat(count, basis, context, (each) => tablePlan(suite, row, each));
    rows.push({ row, runs });
  }
  for (const line of ["", ...tableLines(rows)]) context.output.line(line);
  return rows.flatMap(({ runs }) => runs);
}

async function repeat(
  count: number,
  basis: PlanBasis,
  context: RunContext,
  plan: (basis: PlanBasis) => RunPlan,
): Promise<CampaignRun[]> {
  const runs: CampaignRun[] = [];
  for (let index = 0; index < count && !context.interrupt.aborted; index++) {
    const seed = derivedSeed(basis.seed, index);
    runs.push(await campaignRun(plan({ ...basis, seed }), context));
  }
  return runs;
}
