// What a verdict costs, beside what is asked of it: long histories of a simulated bank, read from a
// file, judged by the order that the servers claim, and as a black box, from what clients saw alone;
// a run by all its checks, and what comes after its end: the verdict, and the report on disk.
// Each work runs in a process of its own, a few times; the best counts, for what else runs on the
// machine only ever adds.
// Run: node dist/bench/checker.js [operations…]

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LoadOptions } from "../checker/bank/simulate-load.js";
import type { CheckerWork, WorkDone } from "./checker-work.js";
import { writeLoad } from "./load-file.js";
import { writeRun } from "./saved-run.js";

type Load = Pick<LoadOptions, "concurrency" | "infoShare">;
/** Bounds: the most, but of operations a second the least. */
type Asked = { ms?: number; rate?: number; megabytes?: number };
type Row = { operations: number; load: Load; work: CheckerWork; asked: Asked };

const WORKER = fileURLToPath(new URL("./checker-work.js", import.meta.url));

/** A longer run's ledgers would take the bench minutes to write. */
const RUN_OPERATIONS_MAX = 100_000;

const given = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [100_000, 1_000_000];
print(["operations", "clients", "info", "work", "verdict", "ms", "operations/s", "MB", "asked"]);
const folder = mkdtempSync(join(tmpdir(), "ordeal-bench-"));
try {
  for (const operations of sizes) {
    for (const concurrency of [5, 20, 50]) {
      for (const infoShare of [0, 0.05]) bench(operations, { concurrency, infoShare });
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}

function bench(operations: number, load: Load): void {
  const path = join(folder, "history.jsonl");
  writeLoad(path, { operations, ...load });
  for (const work of worksFor(load)) {
    measure({ operations, load, work, asked: askedOf(operations, load, work) }, path);
  }
  if (operations > RUN_OPERATIONS_MAX || load.concurrency !== 5 || load.infoShare > 0) return;
  const directory = join(folder, `run-${operations}`);
  writeRun(directory, operations);
  for (const work of ["run: checks", "run: verdict", "run: report"] as const) {
    measure({ operations, load, work, asked: askedOf(operations, load, work) }, directory);
  }
}

/** A witness by seq knows nothing of operations whose outcome nobody learned. */
function worksFor({ concurrency, infoShare }: Load): CheckerWork[] {
  const works: CheckerWork[] = infoShare === 0 ? ["witness", "black box"] : ["black box"];
  if (concurrency !== 5 || infoShare > 0) return works;
  return ["parse", ...works];
}

function askedOf(operations: number, { concurrency, infoShare }: Load, work: CheckerWork): Asked {
  if (work === "parse") return operations >= 100_000 ? { rate: 500_000 } : {};
  if (work === "run: verdict") return operations === 100_000 ? { ms: 2_000 } : {};
  if (operations !== 1_000_000) return {};
  if (work === "witness") return { ms: 250, rate: 10_000_000 };
  if (infoShare === 0 || concurrency === 5) return {};
  return concurrency === 20 ? { ms: 2_000, megabytes: 200 } : { ms: 10_000 };
}

function measure({ operations, load, work, asked }: Row, path: string): void {
  const printed = execFileSync(process.execPath, [WORKER, work, path], { encoding: "utf8" });
  const done: WorkDone = JSON.parse(printed);
  const rate = Math.round((operations * 1_000) / done.ms);
  print([
    ...[String(operations), String(load.concurrency), `${100 * load.infoShare} %`, work],
    ...[done.valid, done.ms.toFixed(0), String(rate), String(done.megabytes)],
    verdictOn(work, done, rate, asked),
  ]);
}

/** What was asked, and whether it was met; a judgement that is not valid is OUTSIDE in any time. */
function verdictOn(work: CheckerWork, done: WorkDone, rate: number, asked: Asked): string {
  const { ms, rate: rateMin, megabytes } = asked;
  const bounds = [
    ...(ms === undefined ? [] : [{ text: `${ms} ms`, met: done.ms <= ms }]),
    ...(rateMin === undefined ? [] : [{ text: `${rateMin}/s`, met: rate >= rateMin }]),
    ...(megabytes === undefined
      ? []
      : [{ text: `${megabytes} MB`, met: done.megabytes <= megabytes }]),
  ];
  const judged = done.valid === "true" || (work === "parse" && done.valid === "");
  const word = judged && bounds.every(({ met }) => met) ? "ok" : "OUTSIDE";
  if (judged && bounds.length === 0) return "";
  return [...bounds.map(({ text }) => text), word].join(", ");
}

function print(cells: readonly string[]): void {
  const widths = [10, 8, 5, 13, 8, 8, 13, 6, 24];
  const padded = cells.map((cell, column) => {
    const width = widths[column] ?? 10;
    return column === 3 ? cell.padEnd(width) : cell.padStart(width);
  });
  process.stdout.write(`${padded.join("  ").trimEnd()}\n`);
}
