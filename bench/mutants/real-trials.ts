// The mutants that have a suite on real processes, one run after another.

import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Row } from "./matrix.js";
import type { Mutant } from "./mutant.js";
import { type Outcome, runSuite } from "./trial.js";

export type RealTrials = {
  buildOf: (id: string) => string;
  /** For the stores of the runs. */
  folder: string;
  env: string;
  seedFirst: number;
  seedCount: number;
  onRow: (row: Row) => void;
};

export async function realTrials(
  mutants: readonly Mutant[],
  trials: RealTrials,
): Promise<readonly Row[]> {
  const cleanRuns = new Map<string, Promise<Outcome>>();
  const rows: Row[] = [];
  for (const mutant of mutants) {
    const row = await tryMutant(mutant, trials, cleanRuns);
    trials.onRow(row);
    rows.push(row);
  }
  return rows;
}

async function tryMutant(
  { id, real }: Mutant,
  { buildOf, folder, env, seedFirst, seedCount }: RealTrials,
  cleanRuns: Map<string, Promise<Outcome>>,
): Promise<Row> {
  if (real === undefined) throw new Error(`mutant ${id} has no suite on real processes`);
  const started = performance.now();
  const build = buildOf(id);
  const clean: string[] = [];
  let caught: { outcome: Outcome; seed: number } | undefined;
  let seeds = 0;
  while (caught === undefined && seeds < seedCount) {
    const seed = seedFirst + seeds++;
    const outcome = await runSuite({
      ...real,
      ...{ seed, env, build },
      store: join(folder, "store", id),
    });
    if (outcome.valid === false) caught = { outcome, seed };
  }
  const seconds = (performance.now() - started) / 1_000;
  rmSync(build, { recursive: true, force: true });
  for (let seed = seedFirst; seed < seedFirst + seeds; seed++) {
    const trial = { ...real, seed, env, store: join(folder, "store", "clean") };
    const key = JSON.stringify(trial);
    const run = cleanRuns.get(key) ?? runSuite(trial);
    cleanRuns.set(key, run);
    const { valid, failed } = await run;
    if (valid !== true) clean.push(`seed ${seed}: ${valid === false ? failed.join(", ") : valid}`);
  }
  return {
    id,
    where: env,
    caughtBy: caught?.outcome.failed ?? [],
    summary: caught?.outcome.summary ?? "",
    seeds,
    seedLast: seedFirst + seeds - 1,
    seed: caught?.seed,
    seconds,
    clean: clean.length === 0 ? "valid" : clean.join("; "),
  };
}
