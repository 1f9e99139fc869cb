// How small shrinking makes what it finds: a seed that fails for each of some known-bad builds, shrunk as
// `ordeal shrink` does it, in processor time. Wanted, in the median: at most 20 events and 3 faults within
// 60 s.
//   node dist/bench/shrink.js [--only a,b] [--seconds 60]

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadNodeBuild } from "../suites/sim/load-build.js";
import type { NodeBuild } from "../suites/sim/node-build.js";
import { reductionText } from "../suites/sim/reduction.js";
import { simulateSeed } from "../suites/sim/seed-run.js";
import { shrinkSeed } from "../suites/sim/shrink-seed.js";
import type { SimResult } from "../suites/sim/simulate.js";
import { Storyteller } from "../suites/sim/storyteller.js";
import { compileMutants } from "./mutants/build.js";
import { MUTANTS } from "./mutants/catalogue.js";
import { benchOptions } from "./options.js";

/** Of every theme, and caught by ten different checks. */
const SAMPLE = [
  "local-reads",
  "no-deduplication",
  "bank-outside-state",
  "p-dropped",
  "fsync-left-out",
  "time-out-never-doubled",
  "stable-with-f1",
  "lost-update",
  "votes-after-view-change",
  "missing-batch-never-fetched",
];
const SEEDS_MAX = 100;

type Row = { events: number; faults: number; seconds: number };

const options = benchOptions("shrink [--only a,b] [--seconds 60]", { values: ["only", "seconds"] });
const ids = options.text("only", SAMPLE.join(",")).split(",");
const limitS = options.positive("seconds", 60);

/** Seconds of processor time since it was made. */
function stopwatch(): () => number {
  const started = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1e6;
  };
}

function firstFailing(build: NodeBuild): SimResult {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const result = simulateSeed(build, seed);
    if (result.failed.length > 0) return result;
  }
  throw new Error(`none of ${SEEDS_MAX} seeds fails`);
}

function row(id: string, build: NodeBuild): Row {
  const whole = firstFailing(build);
  const { seed } = whole.scenario;
  const [check = ""] = whole.failed;
  const usedS = stopwatch();
  const isOver = () => usedS() > limitS;
  const { reduction, tried } = shrinkSeed({ build, seed, check, whole, start: {}, isOver });
  const seconds = usedS();
  const teller = new Storyteller();
  const least = simulateSeed(build, seed, reduction, (world) => teller.listen(world));
  const events = teller.eventCount(least);
  const faults = least.scenario.faults.length + least.scenario.rest.length;
  const figures = [events, faults, seconds.toFixed(1), tried].map((one) => String(one).padStart(8));
  console.log(`${id.padEnd(28)}${figures.join("")}  ${check}, seed ${seed}`);
  console.log(`  --only ${reductionText(reduction)}`);
  return { events, faults, seconds };
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

const folder = mkdtempSync(join(tmpdir(), "ordeal-shrink-"));
try {
  const buildOf = compileMutants(
    MUTANTS.filter(({ id }) => ids.includes(id)),
    folder,
  );
  console.log(`${"mutant".padEnd(28)}  events  faults       s   tried  what fails`);
  const rows: Row[] = [];
  for (const id of ids) rows.push(row(id, await loadNodeBuild(buildOf(id))));
  const of = (key: keyof Row) => median(rows.map((one) => one[key]));
  console.log(
    `median: ${of("events")} events, ${of("faults")} faults, ${of("seconds").toFixed(1)} s`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
