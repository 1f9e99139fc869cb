// `ordeal check`: judges saved runs, or histories that stand alone, again.

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { smallestOf, type Verdict } from "../../checker/verdict.js";
import { replaceFile } from "../append-file.js";
import { type Ending, worstOf } from "../exit-code.js";
import { judgeHistory, judgeRun, readRun } from "../judge.js";
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
import { requireOneFile } from "./check-model.js";

/**
 * Judges each; the worst decides. A run's verdict.json is written anew, and is the same. Of a file, the
 * smallest history that fails alike is kept beside it, or as `minimal`.
 */
export function checkCommand(paths: readonly string[], output: Output, minimal?: string): Ending {
  requireOneFile(paths, minimal);
  return worstOf(paths.map((path) => checkPath(path, output, minimal)));
}

function checkPath(path: string, output: Output, minimal: string | undefined): Ending {
  const isAlone = isFile(path);
  const { verdict, notes } = isAlone ? judgeHistory(path) : checkSavedRun(path);
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

function checkSavedRun(path: string): { verdict: Verdict; notes: readonly string[] } {
  const directory = findRun(path);
  const saved = readRun(directory);
  const verdict = judgeRun(saved);
  return { verdict, notes: [...saved.notes, ...keepVerdict(directory, verdict)] };
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
