// Several runs after one another: suites, repetitions with derived seeds, tables. A run that crashes does
// not keep the others from running; the worst ending decides.

import { writeFileSync } from "node:fs";
import { createRandom, type Random } from "../nemesis/random.js";
import { errorCode } from "./append-file.js";
import type { CampaignRun } from "./campaign-run.js";
import { type Ending, worstOf } from "./exit-code.js";
import { failedChecks } from "./judge.js";
import { junitXml } from "./junit.js";
import type { RunContext, RunOutcome, RunPlan } from "./run.js";
import { performRun } from "./run.js";
import { indexRun } from "./run-index.js";
import { layoutTable } from "./table-layout.js";
import { oneLine, UsageError } from "./usage-error.js";
import { outcomeLines, wordOf } from "./verdict-lines.js";

/** The seed of repetition `index`; of the first it is the seed itself, so that one run repeats it. */
export function derivedSeed(seed: number, index: number): number {
  if (index === 0) return seed;
  const random: Random = createRandom(seed).fork(`run ${index}`);
  return random.int(2 ** 32);
}

/** Performs one run and says how it ended. Throws UsageError only. */
export async function campaignRun(plan: RunPlan, context: RunContext): Promise<CampaignRun> {
  const { suite, seed } = plan;
  const { output } = context;
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1_000;
  output.line(`${suite}: seed ${seed}, ${plan.replicas} replicas`);
  try {
    const outcome = await performRun(plan, context);
    for (const line of outcomeLines(outcome)) output.line(line);
    noteInIndex(context, outcome);
    const { crashed } = outcome;
    const run = { suite, seed, seconds: seconds(), outcome };
    return crashed === undefined ? run : { ...run, crashed };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const crashed = oneLine(error);
    output.line(`${suite}: crashed: ${crashed}`);
    output.line(
      `reproduce: ${plan.reproduce}  (suite ${suite}, seed ${seed}, commit ${plan.commit})`,
    );
    return { suite, seed, seconds: seconds(), crashed };
  }
}

/** The index repeats what the folders hold: its failure is said, and takes nothing from the verdict. */
function noteInIndex({ store, output }: RunContext, outcome: RunOutcome): void {
  try {
    indexRun(store, outcome);
  } catch (error) {
    output.line(`index: ${oneLine(error)}`);
  }
}

/**
 * A run that found something invalid is invalid, even if it crashed afterwards. One that went beyond f
 * was to be found invalid: caught, it ends well, and not caught it does not.
 */
export function endingOf({ outcome, crashed }: CampaignRun): Ending {
  const valid = outcome?.verdict["valid?"];
  if (outcome?.meta.expectedUnsafe !== undefined) return valid === false;
  if (valid === false) return false;
  return crashed === undefined ? (valid ?? "crashed") : "crashed";
}

export function worstEnding(runs: readonly CampaignRun[]): Ending {
  return worstOf(runs.map(endingOf));
}

export function summaryLines(runs: readonly CampaignRun[]): string[] {
  const head = ["suite", "seed", "verdict", "seconds", "what failed"];
  const rows = runs.map((run) => {
    const ending = endingOf(run);
    const failed = run.outcome === undefined ? "" : failedChecks(run.outcome.verdict).join(", ");
    const word = typeof ending === "string" ? ending : wordOf(ending);
    return [run.suite, String(run.seed), word, run.seconds.toFixed(1), run.crashed ?? failed];
  });
  return layoutTable(head, rows);
}

export function writeJunit(path: string, runs: readonly CampaignRun[]): void {
  try {
    writeFileSync(path, junitXml(runs));
  } catch (error) {
    throw new UsageError(
      "junit-unwritable",
      `--junit ${path} cannot be written (${errorCode(error)}): pass a file in a folder that can`,
    );
  }
}
