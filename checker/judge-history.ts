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
  /** Of an invalid: a small history that is invalid, too; and the initial value that it assumes. */
  minimal?: readonly HistoryOp[];
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
  let first: ModelCheckResult | undefined;
  for (const { initial, model: candidate } of candidates) {
    const result = checkModel(history.operations, candidate, options);
    if (result.valid !== false && first !== undefined) {
      const assumed = `${result.summary}, if ${JSON.stringify(initial)} was there at first`;
      return verdictOf({ ...result, summary: assumed });
    }
    first ??= result;
    if (result.valid !== false) break;
  }
  return verdictOf(first ?? { valid: "unknown", summary: "nothing was judged" });
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

function verdictOf({ minimal, cause, open, ...check }: ModelCheckResult): HistoryVerdict {
  const linearizable: CheckResult = check;
  return {
    "valid?": check.valid,
    checks: { linearizable },
    ...(minimal === undefined ? {} : { minimal }),
    ...(cause === undefined ? {} : { cause }),
    ...(open === undefined ? {} : { open }),
  };
}
