// What a verdict costs, beside what is asked of it: long histories of a simulated bank, read from a
// file, judged by the order that the servers claim, and as a black box, from what clients saw alone.
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

type Load = Pick<LoadOptions, "concurrency" | "infoShare">;
type Row = { operations: number; load: Load; work: CheckerWork; asked: string };

const WORKER = fileURLToPath(new URL("./checker-work.js", import.meta.url));

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
  for (const work of worksFor(operations, load)) {
    const asked = askedOf(operations, load, work);
    measure({ operations, load, work, asked }, path);
  }
}

/** A witness by seq knows nothing of operations whose outcome nobody learned. */
function worksFor(operations: number, { concurrency, infoShare }: Load): CheckerWork[] {
  const works: CheckerWork[] = infoShare === 0 ? ["witness", "black box"] : ["black box"];
  if (concurrency !== 5 || infoShare > 0) return works;
  return operations > 100_000 ? ["parse", ...works] : ["parse", "all of a run", ...works];
}

function askedOf(operations: number, { concurrency, infoShare }: Load, work: CheckerWork): string {
  if (work === "parse") return "500000/s";
  if (work === "all of a run") return operations === 100_000 ? "2000 ms" : "";
  if (operations !== 1_000_000) return "";
  if (work === "witness") return "10000000/s";
  if (infoShare === 0 || concurrency === 5) return "";
  return concurrency === 20 ? "2000 ms, 200 MB" : "10000 ms";
}

function measure({ operations, load, work, asked }: Row, path: string): void {
  const printed = execFileSync(process.execPath, [WORKER, work, path], { encoding: "utf8" });
  const { valid, ms, megabytes }: WorkDone = JSON.parse(printed);
  const rate = Math.round((operations * 1_000) / ms);
  print([
    ...[String(operations), String(load.concurrency), `${100 * load.infoShare} %`, work],
    ...[valid, ms.toFixed(0), String(rate), String(megabytes), asked],
  ]);
}

function print(cells: readonly string[]): void {
  const widths = [10, 8, 5, 13, 8, 8, 13, 6, 16];
  const padded = cells.map((cell, column) => {
    const width = widths[column] ?? 10;
    return column === 3 ? cell.padEnd(width) : cell.padStart(width);
  });
  process.stdout.write(`${padded.join("  ").trimEnd()}\n`);
}
