// `ordeal fuzz`: seeds of the swarm over worker threads, with a line of progress; stops at the first
// failure, or collects all of them, and goes on where it was left off.

import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { replaceFile } from "../append-file.js";
import type { Ending } from "../exit-code.js";
import { otherBuild } from "../other-build.js";
import type { Output } from "../progress.js";
import { integer } from "../run-options.js";
import { addCoverage, type CoverageCounts, coverageLine } from "../sim/coverage.js";
import { runPool } from "../sim/fuzz-pool.js";
import { replayLine, type SeedSummary } from "../sim/seed-run.js";
import { openStore } from "../store.js";
import { UsageError } from "../usage-error.js";

export type RawFuzzOptions = {
  readonly seeds?: string;
  readonly minutes?: string;
  readonly workers?: string;
  readonly firstSeed?: string;
  readonly shard?: string;
  readonly keepGoing?: true;
  readonly fresh?: true;
  readonly store: string;
  readonly replicaBuild?: string;
};

/** What is known of a range of seeds; kept beside the store, so that the next call goes on. */
type Progress = {
  commit: string;
  /** Every seed of the shard below it is done. */
  next: number;
  done: number;
  unknown: number;
  simulatedMs: number;
  operations: number;
  coverage: CoverageCounts;
  failures: Failure[];
};
type Failure = { seed: number; problems: SeedSummary["problems"] };

const SEEDS = 1_000;
const SEED_MAX = 0xffff_ffff;
const LINE_MS = 2_000;
const SHOWN_MAX = 20;

/** Throws UsageError. `ownBuild` is the folder of our own compiled files. */
export async function fuzzCommand(
  raw: RawFuzzOptions,
  output: Output,
  { ownBuild, commit }: { ownBuild: string; commit: string },
): Promise<Ending> {
  const first = integer("--first-seed", raw.firstSeed ?? "1", 0, SEED_MAX);
  const minutes =
    raw.minutes === undefined ? undefined : integer("--minutes", raw.minutes, 1, 10_080);
  const count = integer(
    "--seeds",
    raw.seeds ?? String(minutes === undefined ? SEEDS : 1e9),
    1,
    1e9,
  );
  const workers = integer("--workers", raw.workers ?? String(availableParallelism()), 1, 256);
  const shard = parseShard(raw.shard ?? "0/1");
  const build = raw.replicaBuild === undefined ? ownBuild : otherBuild(raw.replicaBuild);
  const name = `fuzz-${first}-shard-${shard.index}-of-${shard.of}.json`;
  const path = join(openStore(raw.store), name);
  const resumable = raw.replicaBuild === undefined;
  const progress =
    (resumable && raw.fresh === undefined ? readProgress(path, commit) : undefined) ??
    startProgress(commit, first);
  if (progress.done > 0) output.line(`going on after ${progress.done} seeds (${path}; or --fresh)`);

  const started = performance.now();
  const end = first + count;
  const out = new Set<number>();
  let candidate = progress.next;
  let doneNow = 0;
  let lineAt = started + LINE_MS;
  const keep = () => {
    if (resumable) replaceFile(path, `${JSON.stringify(progress, null, 2)}\n`);
  };
  let keepAt = lineAt;
  let over = false;
  await runPool(workers, build, {
    next: () => {
      if (minutes !== undefined && performance.now() - started > minutes * 60_000) over = true;
      while (candidate < end && candidate % shard.of !== shard.index) candidate += 1;
      if (over || candidate >= end) return undefined;
      out.add(candidate);
      return candidate++;
    },
    onDone: (summary) => {
      out.delete(summary.seed);
      doneNow += 1;
      note(progress, summary, Math.min(candidate, ...out));
      if (summary.valid === false) {
        for (const line of failureLines(summary, raw.replicaBuild, commit)) output.line(line);
        if (raw.keepGoing === undefined) over = true;
      }
      if (performance.now() > keepAt) {
        keepAt = performance.now() + LINE_MS;
        keep();
      }
      const line = () => progressLine(progress, doneNow, (performance.now() - started) / 1_000);
      if (!output.transient(line()) && performance.now() > lineAt) {
        lineAt = performance.now() + LINE_MS;
        output.line(line());
      }
    },
  });
  keep();
  for (const line of endLines(progress, doneNow, (performance.now() - started) / 1_000)) {
    output.line(line);
  }
  if (progress.failures.length > 0) return false;
  return progress.unknown > progress.done / 10 ? "unknown" : true;
}

function note(progress: Progress, summary: SeedSummary, next: number): void {
  progress.next = next;
  progress.done += 1;
  progress.simulatedMs += summary.stats.simulatedMs;
  progress.operations += summary.stats.operations;
  progress.coverage = addCoverage(progress.coverage, summary.coverage);
  if (summary.valid === "unknown") progress.unknown += 1;
  if (summary.valid === false) {
    progress.failures.push({ seed: summary.seed, problems: summary.problems });
  }
}

function failureLines(
  { seed, problems }: SeedSummary,
  replicaBuild: string | undefined,
  commit: string,
): string[] {
  return [
    `seed ${seed} failed:`,
    ...problems.map(({ check, summary }) => `  ${check}: ${summary}`),
    `  replay: ${replayLine(seed, { replicaBuild })}  (commit ${commit})`,
  ];
}

function progressLine(progress: Progress, doneNow: number, seconds: number): string {
  const { done, unknown, simulatedMs, failures, coverage } = progress;
  const hours = (simulatedMs / 3_600_000).toFixed(2);
  const rate = (doneNow / seconds).toFixed(1);
  return (
    `${done} seeds, ${rate}/s, ${hours} simulated hours, ${failures.length} failed, ` +
    `${unknown} unknown; ${coverageLine(coverage)}`
  );
}

function endLines(progress: Progress, doneNow: number, seconds: number): string[] {
  const { coverage, failures } = progress;
  const points = Object.entries(coverage["sometimes"] ?? {}).sort(([, a], [, b]) => b - a);
  return [
    progressLine(progress, doneNow, seconds),
    `points reached: ${points.map(([name, count]) => `${name} ${count}`).join(", ")}`,
    ...failures
      .slice(0, SHOWN_MAX)
      .map(({ seed, problems }) => `failed: seed ${seed}: ${problems[0]?.check ?? ""}`),
  ];
}

function startProgress(commit: string, first: number): Progress {
  const counts = { done: 0, unknown: 0, simulatedMs: 0, operations: 0 };
  return { commit, next: first, ...counts, coverage: {}, failures: [] };
}

/** Of the same commit only: another one has not been tried on any seed. */
function readProgress(path: string, commit: string): Progress | undefined {
  if (!existsSync(path) || commit === "unknown" || commit.endsWith("+")) return undefined;
  const found: Progress = JSON.parse(readFileSync(path, "utf8"));
  return found.commit === commit && found.failures.length === 0 ? found : undefined;
}

function parseShard(text: string): { index: number; of: number } {
  const match = /^(\d{1,4})\/(\d{1,4})$/.exec(text);
  const [index, of] = [Number(match?.[1]), Number(match?.[2])];
  if (match !== null && of >= 1 && index < of) return { index, of };
  throw new UsageError("bad-option", `--shard wants i/m with i below m, found "${text}"`);
}
