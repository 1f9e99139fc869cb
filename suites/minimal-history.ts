// The smallest history that fails as a run's did, in a file of its own beside the run.

import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Verdict } from "../checker/verdict.js";
import { replaceFile } from "./append-file.js";

const FILE = "minimal.jsonl";

/**
 * Writes minimal.jsonl where a check has found such a history, and removes it where none has. Throws
 * StoreWriteError.
 */
export function keepMinimalHistory(directory: string, verdict: Verdict): void {
  const path = join(directory, FILE);
  const smallest = Object.values(verdict.checks).find((check) => check.smallest !== undefined);
  if (smallest?.smallest === undefined) rmSync(path, { force: true });
  else replaceFile(path, smallest.smallest.map((op) => `${JSON.stringify(op)}\n`).join(""));
}

/** How to check it, for people; nothing where the folder has none, or is none. */
export function minimalHistoryLines(directory: string): string[] {
  const path = join(directory, FILE);
  return existsSync(path) ? [`a minimal history that fails alike: ordeal check ${path}`] : [];
}
