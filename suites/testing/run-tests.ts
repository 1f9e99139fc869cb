// Runs the compiled uvu files, each in a process of its own and a few at a time, and counts what
// they report. uvu's own runner loads every file into one process: there a leaked socket or an
// early exit in one file would hide the files after it.
// Usage: node dist/suites/testing/run-tests.js [part of a path ...]

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

/** What one test file reported. `failed` counts a file that died or said nothing as one. */
export type FileResult = { passed: number; failed: number; skipped: number; output: string };

const FILE_TIMEOUT_MS = 240_000;
const COMPILED = fileURLToPath(new URL("../../", import.meta.url));
const PROPERTY_SEED = new URL("property-seed.js", import.meta.url).href;
const FOLDERS = ["node", "nemesis", "checker", "suites", "bench"];

/** Reads uvu's totals. A file without totals, or with a bad exit and no failed test, has failed. */
export function resultOf(output: string, exitCode: number | undefined): FileResult {
  const total = figure(output, "Total");
  const passed = figure(output, "Passed");
  if (total === undefined || passed === undefined) {
    return { passed: 0, failed: 1, skipped: 0, output };
  }
  const skipped = figure(output, "Skipped") ?? 0;
  const failed = total - passed; // uvu's total leaves the skipped ones out
  return { passed, failed: exitCode === 0 ? failed : Math.max(failed, 1), skipped, output };
}

/** uvu prints a summary for each suite of a file; a file may hold several. */
function figure(output: string, name: "Total" | "Passed" | "Skipped"): number | undefined {
  const matches = [...output.matchAll(new RegExp(`^ {2}${name}: +(\\d+)$`, "gm"))];
  if (matches.length === 0) return undefined;
  return matches.reduce((sum, match) => sum + Number(match[1]), 0);
}

function testFiles(filters: readonly string[]): string[] {
  return FOLDERS.flatMap((folder) => filesUnder(join(COMPILED, folder)))
    .map((file) => relative(COMPILED, file))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort((a, b) => (a < b ? -1 : 1));
}

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.js"))
    .map((entry) => join(entry.parentPath, entry.name));
}

async function runFile(file: string): Promise<FileResult> {
  const startedAt = performance.now();
  const path = join(COMPILED, file);
  const drawsCases = readFileSync(path, "utf8").includes('from "fast-check"');
  const seeded = drawsCases ? ["--import", PROPERTY_SEED] : [];
  const child = await execa(process.execPath, ["--enable-source-maps", ...seeded, path], {
    all: true,
    reject: false,
    timeout: FILE_TIMEOUT_MS,
    stdin: "ignore",
    env: { FORCE_COLOR: "0" },
  });
  const late = child.timedOut ? `\nended after ${FILE_TIMEOUT_MS / 1000} s: time is up` : "";
  const result = resultOf(`${child.all}${late}`, child.exitCode);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const skipped = result.skipped > 0 ? `, ${result.skipped} skipped` : "";
  const word = result.failed > 0 ? `FAILED ${result.failed}, passed` : "passed";
  console.log(`${word} ${result.passed}${skipped}  ${file.replace(/\.js$/, "")}  ${seconds} s`);
  for (const reason of result.output.matchAll(/^skipped: .+$/gm)) console.log(`    ${reason[0]}`);
  return result;
}

async function main(filters: readonly string[]): Promise<void> {
  const waiting = testFiles(filters);
  const fileCount = waiting.length;
  const results: FileResult[] = [];
  const failures: string[] = [];
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const result = await runFile(file);
      results.push(result);
      if (result.failed > 0) failures.push(`${file}\n${result.output.replace(/^/gm, "    ")}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, worker));

  // At the end, where people and logs that are cut look.
  for (const failure of failures) console.log(`\nFAILED ${failure}`);
  const sum = (key: "passed" | "failed" | "skipped"): number =>
    results.reduce((total, result) => total + result[key], 0);
  console.log(
    `\n${fileCount} files: ${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`,
  );
  if (sum("failed") > 0 || sum("passed") === 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
