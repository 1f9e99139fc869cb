// One work of the checker's benchmark, in a process of its own, so that its memory is its own.
// Run by bench/checker.ts: node dist/bench/checker-work.js work history.jsonl, or a run's folder

import type { BankTable } from "../checker/bank/bank-table.js";
import { infer } from "../checker/bank/inference.js";
import { replayTable } from "../checker/bank/replay-table.js";
import { schedule } from "../checker/bank/schedule.js";
import { orderBySeq } from "../checker/bank/seq-writes.js";
import { readBankTable } from "../checker/read-history.js";
import { beginConcluding, concludeRun } from "../suites/conclude-run.js";
import { judgeRun, readRun } from "../suites/judge.js";
import type { Judging } from "../suites/judging.js";

export type CheckerWork =
  | "parse"
  | "run: checks"
  | "run: verdict"
  | "run: report"
  | "witness"
  | "black box";

/** `megabytes` is the most that the process held, without what Node takes for itself. */
export type WorkDone = { valid: string; ms: number; megabytes: number };

const REPETITIONS = 5;
/** As long as it takes to stop a cluster and to collect its ledgers: a run's history is read meanwhile. */
const STOPPING_MS = 2_500;

const started = process.memoryUsage.rss();
const [work = "", path = ""] = process.argv.slice(2);
const perform = prepared(work, path);
let best = Number.POSITIVE_INFINITY;
let valid = "";
let megabytes = 0;
for (let repetition = 0; repetition < REPETITIONS; repetition++) {
  const judging =
    work === "run: verdict" || work === "run: report" ? await stopped(path) : undefined;
  const before = process.hrtime.bigint();
  valid = await perform(judging);
  best = Math.min(best, Number(process.hrtime.bigint() - before) / 1e6);
  // The first run alone: later ones add what earlier ones left to the collector.
  if (repetition === 0)
    megabytes = Math.round((process.resourceUsage().maxRSS * 1024 - started) / 1e6);
}

const done: WorkDone = { valid, ms: best, megabytes };
process.stdout.write(JSON.stringify(done));

function prepared(
  name: string,
  file: string,
): (judging: Judging | undefined) => string | Promise<string> {
  if (name === "parse") return () => (readBankTable(file) === undefined ? "not plain" : "");
  if (name === "run: verdict") return (judging) => verdictOf(judging);
  if (name === "run: report") return (judging) => atEnd(file, judging);
  if (name === "run: checks") {
    const saved = readRun(file);
    return () => String(judgeRun(saved)["valid?"]);
  }
  const parsed = readBankTable(file);
  if (parsed === undefined) throw new Error(`${file} is not plain`);
  const { table, seqs } = parsed;
  return name === "witness" ? () => bySeq(table, seqs) : () => blackBox(table);
}

async function stopped(folder: string): Promise<Judging> {
  const judging = beginConcluding(folder);
  await new Promise((resolve) => setTimeout(resolve, STOPPING_MS));
  return judging;
}

async function verdictOf(judging: Judging | undefined): Promise<string> {
  const judged = await judging?.judged();
  void judging?.end();
  return String(judged?.verdict["valid?"]);
}

/** All that comes after a run's end, from its files to the verdict and the report on disk. */
async function atEnd(folder: string, judging: Judging | undefined): Promise<string> {
  const output = { line: console.error, transient: () => false };
  const { verdict } = await concludeRun(folder, output, judging);
  return String(verdict["valid?"]);
}

function bySeq(table: BankTable, seqs: Float64Array): string {
  return orderBySeq(table, seqs) === undefined ? "unknown" : "true";
}

function blackBox(table: BankTable): string {
  const scheduled = schedule(table, infer(table));
  return "order" in scheduled ? judged(table, scheduled.order) : "unknown";
}

function judged(table: BankTable, order: Int32Array): string {
  return replayTable(table, order) === undefined ? "true" : "unknown";
}
