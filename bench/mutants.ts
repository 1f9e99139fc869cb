// Shows that the suites can fail: runs each known-bad build under the suite that should catch it, seed
// after seed until it is caught, and the clean build on the same seeds. Exit code 0 where every mutant
// was caught and no clean run was found invalid, else 1.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { buildMutants } from "./mutants/build.js";
import { MUTANTS, type Mutant } from "./mutants/catalogue.js";
import { type Outcome, runSuite } from "./mutants/trial.js";

type Row = {
  mutant: Mutant;
  caughtBy: string;
  seeds: readonly number[];
  seconds: number;
  clean: string;
};

const options = new Command("mutants")
  .option("--only <ids>", "mutants a,b instead of all")
  .option("--seeds <count>", "seeds to try with each mutant", "4")
  .option("--first-seed <number>", "the first of them", "1")
  .option("--env <name>", "environment; default: as ordeal run chooses")
  .option("--list", "describe the mutants and run nothing")
  .parse()
  .opts<{ only?: string; seeds: string; firstSeed: string; env?: string; list?: true }>();

const chosen = MUTANTS.filter(({ id }) => options.only?.split(",").includes(id) ?? true);
if (options.list) for (const mutant of chosen) describe(mutant);
else process.exitCode = await runAll(chosen);

async function runAll(mutants: readonly Mutant[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-mutants-"));
  const cleanRuns = new Map<string, Promise<Outcome>>();
  const rows: Row[] = [];
  try {
    const builds = buildMutants(mutants, folder);
    for (const mutant of mutants) {
      const row = await tryMutant(mutant, builds.get(mutant.id) ?? "", folder, cleanRuns);
      rows.push(row);
      console.log(`${mutant.id}: ${row.caughtBy || "NOT CAUGHT"}; clean build: ${row.clean}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  printTable(rows);
  return rows.every(({ caughtBy, clean }) => caughtBy !== "" && clean === "valid") ? 0 : 1;
}

async function tryMutant(
  mutant: Mutant,
  build: string,
  folder: string,
  cleanRuns: Map<string, Promise<Outcome>>,
): Promise<Row> {
  const { suite, options: suiteOptions } = mutant;
  const started = performance.now();
  const first = Number(options.firstSeed);
  const seeds: number[] = [];
  let caughtBy: readonly string[] = [];
  while (caughtBy.length === 0 && seeds.length < Number(options.seeds)) {
    const seed = first + seeds.length;
    seeds.push(seed);
    const trial = { suite, options: suiteOptions, seed, env: options.env };
    const outcome = await runSuite({ ...trial, build, store: join(folder, "store", mutant.id) });
    console.log(`  ${mutant.id}, seed ${seed}: ${said(outcome)}`);
    if (outcome.valid === false) caughtBy = outcome.failed;
  }
  const seconds = (performance.now() - started) / 1_000;

  const clean: string[] = [];
  for (const seed of seeds) {
    const trial = { suite, options: suiteOptions, seed, env: options.env };
    const key = JSON.stringify(trial);
    const run = cleanRuns.get(key) ?? runSuite({ ...trial, store: join(folder, "store", "clean") });
    cleanRuns.set(key, run);
    const outcome = await run;
    if (outcome.valid !== true) clean.push(`seed ${seed} ${said(outcome)}`);
  }
  return {
    mutant,
    caughtBy: caughtBy.join(", "),
    seeds,
    seconds,
    clean: clean.length === 0 ? "valid" : clean.join("; "),
  };
}

function said({ valid, failed }: Outcome): string {
  return valid === false ? `invalid: ${failed.join(", ")}` : valid === true ? "valid" : "unknown";
}

function printTable(rows: readonly Row[]): void {
  const cells = rows.map(({ mutant, caughtBy, seeds, seconds, clean }) => [
    mutant.id,
    [mutant.suite, ...mutant.options].join(" "),
    caughtBy === "" ? "NOT CAUGHT" : caughtBy,
    seeds.join(","),
    seconds.toFixed(0),
    clean,
  ]);
  const table = [["mutant", "suite", "caught by", "seeds", "s", "clean build"], ...cells];
  const widths = table[0]?.map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  console.log("");
  for (const row of table) {
    const line = row.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)).join("  ");
    console.log(line.trimEnd());
  }
  const caught = rows.filter(({ caughtBy }) => caughtBy !== "").length;
  console.log(`\n${caught} of ${rows.length} known-bad builds caught`);
}

function describe({ id, title, wrong, breaks, exposedBy, suite, source }: Mutant): void {
  console.log(`${id}: ${title}\n  ${wrong}\n  breaks ${breaks}; shows with ${exposedBy}`);
  console.log(`  suite ${suite}${source === undefined ? "" : `; source: ${source}`}\n`);
}
