// `ordeal check`: judges saved runs, or histories that stand alone, again.

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { smallestOf, type Verdict } from "../../checker/verdict.js";
import { replaceFile } from "../append-file.js";
import { type Ending, worstOf } from "../exit-code.js";
import { JUDGING_BUDGET, type Judged, type JudgingBudget, judgeInThread } from "../judging.js";
import {
  keepMinimalHistory,
  minimalHistoryLines,
  smallestLines,
  stemOf,
  writeMinimal,
} from "../minimal-history.js";
import type { Output } from "../progress.js";
import { findRun, verdictText } from "../store.js";
import { oneLine } from "../usage-error.js";
import { verdictLines, wordOf } from "../verdict-lines.js";
import { type CheckOptions, requireOneFile } from "./check-options.js";

/**
 * Judges each; the worst decides. A run's verdict.json is written anew, and is the same. Rejects with
 * HistoryError or UsageError where a path names nothing that can be judged.
 */
export async function checkCommand(
  paths: readonly string[],
  output: Output,
  options: CheckOptions = {},
): Promise<Ending> {
  requireOneFile(paths, options.minimal);
  const endings: Ending[] = [];
  for (const path of paths) endings.push(await checkPath(path, output, options));
  return worstOf(endings);
}

async function checkPath(path: string, output: Output, options: CheckOptions): Promise<Ending> {
  const isAlone = isFile(path);
  const { minimal, ...budget } = options;
  const { verdict, notes } = isAlone
    ? await judgeInThread({ what: "history", path }, { ...JUDGING_BUDGET, ...budget })
    : await checkSavedRun(path, { ...JUDGING_BUDGET, ...budget });
  for (const note of notes) output.line(`note: ${note}`);
  for (const line of verdictLines(verdict)) output.line(line);
  const beside = minimal ?? join(dirname(path), `${stemOf(path)}.minimal.jsonl`);
  for (const line of isAlone ? keepSmallest(beside, verdict) : minimalHistoryLines(path)) {
    output.line(line);
  }
  output.line(`${path}: ${wordOf(verdict["valid?"])}`);
  return verdict["valid?"];
}

/** Lines that say where it is, and how to check it; or why it is not there. */
function keepSmallest(file: string, verdict: Verdict): string[] {
  const smallest = smallestOf(verdict);
  if (smallest === undefined) return [];
  try {
    writeMinimal(file, smallest);
  } catch (error) {
    return [`note: the smallest history is not kept: ${oneLine(error)}`];
  }
  return smallestLines(file, `ordeal check ${file}`);
}

async function checkSavedRun(path: string, budget: JudgingBudget): Promise<Judged> {
  const directory = findRun(path);
  const judged = await judgeInThread({ what: "run", path: directory }, budget);
  // What was ended early says less than what may stand there.
  if (judged.cut !== undefined) return judged;
  return { ...judged, notes: [...judged.notes, ...keepVerdict(directory, judged.verdict)] };
}

/** Writes verdict.json where it is not there; says what is odd about it. The verdict stands anyway. */
function keepVerdict(directory: string, verdict: Verdict): string[] {
  const path = join(directory, "verdict.json");
  const text = verdictText(verdict);
  const before = existsSync(path) ? readFileSync(path, "utf8") : undefined;
  try {
    keepMinimalHistory(directory, verdict);
    if (before === text) return [];
    replaceFile(path, text);
    return before === undefined ? [] : [`${path} was another verdict; it is replaced`];
  } catch (error) {
    return [`the verdict is not kept: ${oneLine(error)}`];
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
