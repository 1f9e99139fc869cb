// The smallest history that fails as another did, in a file of its own.

import { existsSync, mkdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { HistoryOp } from "../checker/history.js";
import { smallestOf, type Verdict } from "../checker/verdict.js";
import { replaceFile } from "./append-file.js";

/** In the folder of a run. */
export const MINIMAL_FILE = "minimal.jsonl";

/**
 * Writes minimal.jsonl where a check has found such a history, and removes it where none has. Throws
 * StoreWriteError.
 */
export function keepMinimalHistory(directory: string, verdict: Verdict): void {
  const path = join(directory, MINIMAL_FILE);
  const smallest = smallestOf(verdict);
  if (smallest === undefined) rmSync(path, { force: true });
  else writeMinimal(path, smallest);
}

/** Throws StoreWriteError, or where the folder cannot be made. */
export function writeMinimal(path: string, history: readonly HistoryOp[]): void {
  mkdirSync(dirname(path), { recursive: true });
  replaceFile(path, history.map((op) => `${JSON.stringify(op)}\n`).join(""));
}

/** The name of a history's file without its folder and its extensions. */
export function stemOf(path: string): string {
  return basename(path).replace(/(\.\w+)?(\.gz)?$/, "");
}

/** How to check a smallest history. */
export function smallestLines(path: string, command: string): string[] {
  return [`           smallest: ${path}`, `           check it: ${command}`];
}

/** How to check it, for people; nothing where the folder has none, or is none. */
export function minimalHistoryLines(directory: string): string[] {
  const path = join(directory, MINIMAL_FILE);
  return existsSync(path) ? [`a minimal history that fails alike: ordeal check ${path}`] : [];
}
