// A parsed history and the name of a model, or a model, to a verdict: one door to all checks of
// histories from anywhere.

import { checkRun } from "./check.js";
import { checkModel, type ModelCheckOptions, type ModelCheckResult } from "./check-model.js";
import type { ParsedHistory } from "./formats/history-builder.js";
import type { HistoryOp } from "./history.js";
import { independent } from "./models/independent.js";
import type { Model } from "./models/model.js";
import { MODEL_NAMES, type ModelOptions, namedModel } from "./models/named.js";
import type { CheckResult, Verdict } from "./verdict.js";

export type JudgeOptions = ModelOptions &
  ModelCheckOptions & {
    /** Each op's value is [key value]; every key has a state of its own. */
    independent?: boolean;
  };

export type HistoryVerdict = Verdict & {
  /** Of an invalid: a small history that is invalid, too, and what a register held before it. */
  minimal?: readonly HistoryOp[];
  initial?: unknown;
  conventions?: ModelOptions;
  /** Of an unknown: what ended it, and what it left open. */
  cause?: ModelCheckResult["cause"];
  open?: ModelCheckResult["open"];
};

/** Names that judgeHistory knows. */
export const JUDGED_NAMES: readonly string[] = [...MODEL_NAMES, "bank"];

/**
 * Judges a history. Throws HistoryError where the model does not know an operation, and RangeError
 * where no model has the name.
 */
export function judgeHistory(
  history: ParsedHistory,
  model: string | Model,
  options: JudgeOptions = {},
): HistoryVerdict {
  if (model === "bank") return judgeBank(history.ops);
  const candidates = initialsOf(history, model, options).map((initial) => {
    const chosen =
      typeof model === "string"
        ? namedModel(model, { ...conventionsOf(history), ...options, initial })
        : model;
    if (chosen === undefined) throw new RangeError(`no model is called ${model}`);
    return { initial, model: options.independent === true ? independent(chosen) : chosen };
  });
  let worst: { result: ModelCheckResult; initial: unknown } | undefined;
  for (const { initial, model: candidate } of candidates) {
    const result = checkModel(history.operations, candidate, options);
    if (result.valid === true && worst !== undefined) {
      const assumed = `${result.summary}, if it held ${JSON.stringify(initial)} at first`;
      return verdictOf({ ...result, summary: assumed });
    }
    // The refutation that comes furthest says most.
    if (worst === undefined || result.valid !== false || isFurther(result, worst.result)) {
      worst = { result, initial };
    }
    if (result.valid !== false) break;
  }
  const { result, initial } = worst ?? { result: NOTHING, initial: undefined };
  const verdict = verdictOf(result);
  if (verdict.minimal === undefined || typeof model !== "string") return verdict;
  const { nilRead, failedCas } = { ...conventionsOf(history), ...options };
  const conventions = {
    ...(nilRead === undefined ? {} : { nilRead }),
    ...(failedCas === undefined ? {} : { failedCas }),
  };
  return model.endsWith("register") ? { ...verdict, initial, conventions } : verdict;
}

const NOTHING: ModelCheckResult = { valid: "unknown", summary: "nothing was judged" };

function isFurther({ placed = 0 }: ModelCheckResult, other: ModelCheckResult): boolean {
  return placed > (other.placed ?? 0);
}

/**
 * What a register holds at first. Where nobody says, a Jepsen history may begin with nil or, as
 * Knossos' own examples do, with 0: it is refuted only if it is with both.
 */
function initialsOf(
  { format }: ParsedHistory,
  model: string | Model,
  options: JudgeOptions,
): unknown[] {
  if (options.initial !== undefined) return [options.initial];
  const isRegister = typeof model === "string" && model.endsWith("register");
  return isRegister && format === "edn" ? [null, 0] : [null];
}

/** In logs (Porcupine's of etcd) nil and a failed cas are answers; elsewhere they say nothing. */
function conventionsOf({ format }: ParsedHistory): ModelOptions {
  return format === "log" ? { nilRead: "nothing", failedCas: "mismatch" } : {};
}

/** A history that stands alone: nothing is known of ledgers or faults. */
function judgeBank(ops: HistoryOp[]): HistoryVerdict {
  return checkRun({
    history: ops,
    faults: [],
    ledgers: [],
    correctReplicas: [],
    expectedFaults: [],
  });
}

function verdictOf(result: ModelCheckResult): HistoryVerdict {
  const { minimal, cause, open, placed: _, ...check } = result;
  const linearizable: CheckResult = check;
  return {
    "valid?": check.valid,
    checks: { linearizable },
    ...(minimal === undefined ? {} : { minimal }),
    ...(cause === undefined ? {} : { cause }),
    ...(open === undefined ? {} : { open }),
  };
}
