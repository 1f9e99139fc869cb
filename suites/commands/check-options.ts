// What `ordeal check` is given on the command line.

import type { JudgingBudget } from "../judging.js";
import { UsageError } from "../usage-error.js";

/** As commander gives them. */
export type RawModelOptions = {
  model?: string;
  initial?: string;
  nilReads?: string;
  failedCas?: string;
  independent?: boolean;
  consistencyModel?: string;
  assume?: string;
  format?: string;
  budgetTime?: string;
  budgetMemory?: string;
  jobs?: string;
  json?: boolean;
  store?: string;
  minimal?: string;
};

/** Of runs, and of histories that stand alone without a model. */
export type CheckOptions = Partial<JudgingBudget> & {
  /** Where the smallest failing history of a file is kept; without it, beside the file. */
  minimal?: string;
};

/** Throws UsageError. */
export function checkOptions({ minimal, budgetTime, budgetMemory }: RawModelOptions): CheckOptions {
  return {
    ...(minimal === undefined ? {} : { minimal }),
    ...(budgetTime === undefined
      ? {}
      : { seconds: positive("budget-time", "seconds", budgetTime) }),
    ...(budgetMemory === undefined
      ? {}
      : { megabytes: positive("budget-memory", "megabytes", budgetMemory) }),
  };
}

/** Throws UsageError where one file is named for the smallest histories of several. */
export function requireOneFile(paths: readonly string[], minimal: string | undefined): void {
  if (minimal === undefined || paths.length === 1) return;
  throw wrong("minimal", "one history to check", `${paths.length}`);
}

export function positive(name: string, unit: string, text: string): number {
  const number = Number(text);
  if (!(number > 0) || !Number.isFinite(number)) throw wrong(name, `${unit} above 0`, text);
  return number;
}

export function wrong(name: string, wanted: string, found: string): UsageError {
  return new UsageError("bad-option", `--${name} wants ${wanted}, found ${found}`);
}
