// Every mutant in the simulator, a few at a time, and the clean build on the seeds that they needed.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "./build.js";
import { hunt, type SeedOutcome } from "./hunt.js";
import { inParallel } from "./in-parallel.js";
import type { Row } from "./matrix.js";
import type { Mutant } from "./mutant.js";

export type SimTrials = {
  buildOf: (id: string) => string;
  seedFirst: number;
  seedCount: number;
  budgetS: number;
  /** At a time. */
  jobs: number;
  onRow: (row: Row) => void;
};

/** Seeds of the clean build that one process runs. */
const CONTROL_SEEDS = 20;

export async function simTrials(
  mutants: readonly Mutant[],
  { buildOf, seedFirst, seedCount, budgetS, jobs, onRow }: SimTrials,
): Promise<readonly Row[]> {
  const rows = await inParallel(mutants, jobs, async ({ id }) => {
    const build = buildOf(id);
    const outcomes = await hunt({ build, seedFirst, seedCount, budgetS, all: false });
    rmSync(build, { recursive: true, force: true });
    const row = rowOf(id, outcomes);
    onRow(row);
    return row;
  });
  const last = Math.max(seedFirst, ...rows.map(({ seedLast }) => seedLast));
  const clean = await control(seedFirst, last - seedFirst + 1, jobs);
  return rows.map((row) => ({
    ...row,
    clean: cleanOf(
      clean.filter(({ seed }) => seed <= row.seedLast),
      row.seeds,
    ),
  }));
}

function rowOf(id: string, outcomes: readonly SeedOutcome[]): Row {
  const last = outcomes.at(-1);
  const caught = last !== undefined && last.failed.length > 0 ? last : undefined;
  return {
    id,
    where: "sim",
    caughtBy: caught?.failed ?? [],
    summary: caught?.summary ?? "",
    seeds: outcomes.length,
    seedLast: last?.seed ?? 0,
    seed: caught?.seed,
    seconds: outcomes.reduce((sum, { seconds }) => sum + seconds, 0),
    clean: "",
  };
}

/** The clean build, built as the mutants were built, on the same seeds. */
async function control(seedFirst: number, count: number, jobs: number): Promise<SeedOutcome[]> {
  const chunks = Array.from({ length: Math.ceil(count / CONTROL_SEEDS) }, (_, index) => ({
    seedFirst: seedFirst + index * CONTROL_SEEDS,
    seedCount: Math.min(CONTROL_SEEDS, count - index * CONTROL_SEEDS),
  }));
  const build = join(PROJECT, "dist");
  const outcomes = await inParallel(chunks, jobs, (chunk) => hunt({ build, ...chunk, all: true }));
  return outcomes.flat();
}

/** Says nothing good of seeds that were not run. */
function cleanOf(outcomes: readonly SeedOutcome[], seeds: number): string {
  const bad = outcomes.filter(({ failed }) => failed.length > 0);
  if (bad.length === 0) {
    return outcomes.length < seeds ? `${outcomes.length} of ${seeds} seeds run` : "valid";
  }
  return bad.map(({ seed, failed }) => `seed ${seed}: ${failed.join(", ")}`).join("; ");
}
