// Shows that the checks can fail: runs each known-bad build until it is caught or its budget ends, and
// the clean build on the same seeds, then writes the kill matrix. Exit code 0 where every mutant was
// caught and no clean run was found invalid, else 1.
//
//   npm run mutants                           in the simulator
//   npm run mutants -- --env netns            on real processes, those that have a suite there
//   npm run mutants -- --env unit             by the unit tests of node/

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { compileMutants } from "./mutants/build.js";
import { MUTANTS } from "./mutants/catalogue.js";
import { isKilled, type Row, renderMatrix } from "./mutants/matrix.js";
import type { Mutant } from "./mutants/mutant.js";
import { realTrials } from "./mutants/real-trials.js";
import { simTrials } from "./mutants/sim-trials.js";
import { unitTrials } from "./mutants/unit-trials.js";

const options = new Command("mutants")
  .option("--only <ids>", "mutants a,b instead of all")
  .addOption(
    new Option("--env <name>", "where they run")
      .choices(["sim", "local", "netns", "unit"])
      .default("sim"),
  )
  .option("--budget <seconds>", "CPU seconds for each mutant in the simulator", "240")
  .option("--seeds <count>", "seeds to try with each mutant; default: 1000 in sim, 4 elsewhere")
  .option("--first-seed <number>", "the first of them", "1")
  .option("--jobs <count>", "mutants at a time, except on real processes")
  .option("--out <folder>", "where the matrix is written", "store/mutants")
  .option("--list", "describe the mutants and run nothing")
  .parse()
  .opts<{
    only?: string;
    env: "sim" | "local" | "netns" | "unit";
    budget: string;
    seeds?: string;
    firstSeed: string;
    jobs?: string;
    out: string;
    list?: true;
  }>();

const isReal = options.env === "local" || options.env === "netns";
const wanted = options.only?.split(",");
for (const id of wanted ?? []) {
  if (MUTANTS.some((mutant) => mutant.id === id)) continue;
  console.error(`mutants: no mutant is called "${id}" (--list describes them)`);
  process.exit(254);
}
const chosen = MUTANTS.filter(
  ({ id, real }) => (wanted?.includes(id) ?? true) && (!isReal || real !== undefined),
);
if (options.list) for (const mutant of chosen) describe(mutant);
else process.exitCode = await runAll();

async function runAll(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-mutants-"));
  try {
    const buildOf = compileMutants(chosen, folder);
    const rows = await trials(folder, buildOf);
    const matrix = renderMatrix(rows);
    console.log(`\n${matrix}`);
    mkdirSync(options.out, { recursive: true });
    writeFileSync(join(options.out, `${options.env}.txt`), `${matrix}\n`);
    writeFileSync(join(options.out, `${options.env}.json`), `${JSON.stringify(rows, null, 2)}\n`);
    return rows.every((row) => isKilled(row) && row.clean === "valid") ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function trials(folder: string, buildOf: (id: string) => string): Promise<readonly Row[]> {
  const seedFirst = Number(options.firstSeed);
  const jobs = Number(options.jobs ?? availableParallelism());
  const onRow = (row: Row) => console.log(said(row));
  if (isReal) {
    const seedCount = Number(options.seeds ?? 4);
    const env = options.env;
    return await realTrials(chosen, { buildOf, folder, env, seedFirst, seedCount, onRow });
  }
  if (options.env === "unit") return await unitTrials(chosen, { buildOf, jobs, onRow });
  const seedCount = Number(options.seeds ?? 1_000);
  const budgetS = Number(options.budget);
  return await simTrials(chosen, { buildOf, seedFirst, seedCount, budgetS, jobs, onRow });
}

function said(row: Row): string {
  const { id, caughtBy, seed, seconds, summary } = row;
  if (!isKilled(row)) return `${id}: SURVIVED ${row.seeds} seeds in ${seconds.toFixed(1)} s`;
  const where = seed === undefined ? "" : ` at seed ${seed}`;
  return `${id}: ${caughtBy.join(", ")}${where} after ${seconds.toFixed(1)} s: ${summary}`;
}

function describe({ id, wrong, breaks, exposedBy, real, source }: Mutant): void {
  console.log(`${id}\n  ${wrong}\n  breaks ${breaks}; shows with ${exposedBy}`);
  if (real !== undefined)
    console.log(`  on real processes: ${real.suite} ${real.options.join(" ")}`);
  if (source !== undefined) console.log(`  source: ${source}`);
  console.log("");
}
