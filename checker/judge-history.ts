// A parsed history and the name of a model, or a model, to a verdict: one door to all checks of
// histories from anywhere.

import { judgeTable } from "./bank/judge-table.js";
import type { ParsedTable } from "./bank/parse-table.js";
import { checkRun } from "./check.js";
import { checkModel, type ModelCheckOptions, type ModelCheckResult } from "./check-model.js";
import { checkTransactions, type TransactionOptions } from "./cycles/check-transactions.js";
import { asCheckResult } from "./cycles/verdict.js";
import type { ParsedHistory } from "./formats/history-builder.js";
import type { HistoryOp } from "./history.js";
import { independent } from "./models/independent.js";
import type { Model } from "./models/model.js";
import { type ModelOptions, namedModel } from "./models/named.js";
import { checkCounter } from "./sets/counter.js";
import { checkSet } from "./sets/set-full.js";
import { checkTotalQueue } from "./sets/total-queue.js";
import { smallestOf, type Verdict } from "./verdict.js";

export type JudgeOptions = ModelOptions &
  ModelCheckOptions & {
    /** Each op's value is [key value]; every key has a state of its own. */
    independent?: boolean;
    /** Of list-append and rw-register. */
    transactions?: Omit<TransactionOptions, "where">;
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

/**
 * Judges a history. Throws HistoryError where the model does not know an operation, RangeError where
 * no model has the name, and Error where no consistency model has the name.
 */
export function judgeHistory(
  history: ParsedHistory,
  model: string | Model,
  options: JudgeOptions = {},
): HistoryVerdict {
  switch (model) {
    case "bank":
      return judgeBank(history.ops);
    case "list-append":
    case "rw-register": {
      const { where, transactions } = options;
      const found = checkTransactions(history.operations, model, {
        ...transactions,
        ...(where === undefined ? {} : { where }),
      });
      return { "valid?": found.valid, checks: { [model]: asCheckResult(found) } };
    }
    case "set-full":
      return verdictOf(checkSet(history.operations), model);
    case "counter":
      return verdictOf(checkCounter(history.operations), model);
    case "total-queue":
      return verdictOf(checkTotalQueue(history.operations), model);
    default:
      return judgeByModel(history, model, options);
  }
}

function judgeByModel(
  history: ParsedHistory,
  model: string | Model,
  options: JudgeOptions,
): HistoryVerdict {
  const isRegister = typeof model === "string" && model.endsWith("register");
  const conventions = { ...conventionsOf(history), ...registerOptions(options) };
  const judge = (initial: unknown) =>
    checkModel(history.operations, modelOf(model, { ...conventions, initial }, options), options);
  // What a register holds at first, nobody says in a file: a Jepsen history may begin with nil or,
  // as Knossos' own examples do, with 0. It is refuted only if it is with both.
  const isOpen = isRegister && history.format === "edn" && options.initial === undefined;
  const initial = options.initial ?? null;
  const first = judge(initial);
  const second = isOpen && first.valid === false ? judge(0) : undefined;
  if (second?.valid === true) {
    return verdictOf({ ...second, summary: `${second.summary}, if it held 0 at first` });
  }
  // Of two refutations, the one that comes further says more.
  const isSecond = second !== undefined && (second.placed ?? 0) > (first.placed ?? 0);
  const isUndecided = second?.valid === "unknown";
  const chosen = second !== undefined && (isSecond || isUndecided) ? second : first;
  const both = second?.valid === false ? ", whether it held nil or 0 at first" : "";
  const verdict = verdictOf({ ...chosen, summary: `${chosen.summary}${both}` });
  if (verdict.minimal === undefined || !isRegister) return verdict;
  return { ...verdict, initial: isSecond ? 0 : initial, conventions };
}

/** Throws RangeError. */
function modelOf(
  model: string | Model,
  options: ModelOptions,
  { independent: isIndependent }: JudgeOptions,
): Model {
  const chosen = typeof model === "string" ? namedModel(model, options) : model;
  if (chosen === undefined) throw new RangeError(`no model is called ${String(model)}`);
  return isIndependent === true ? independent(chosen) : chosen;
}

function registerOptions({ nilRead, failedCas }: JudgeOptions): ModelOptions {
  return {
    ...(nilRead === undefined ? {} : { nilRead }),
    ...(failedCas === undefined ? {} : { failedCas }),
  };
}

/** In logs (Porcupine's of etcd) nil and a failed cas are answers; elsewhere they say nothing. */
function conventionsOf({ format }: ParsedHistory): ModelOptions {
  return format === "log" ? { nilRead: "nothing", failedCas: "mismatch" } : {};
}

/** A history that stands alone: nothing is known of ledgers or faults, and little may be enough. */
function judgeBank(ops: HistoryOp[]): HistoryVerdict {
  const verdict = checkRun(
    { history: ops, faults: [], ledgers: [], correctReplicas: [], expectedFaults: [] },
    { evidence: { okReadsMin: 0, okWritesMin: 0 } },
  );
  const smallest = smallestOf(verdict);
  return smallest === undefined ? verdict : { ...verdict, minimal: smallest };
}

/** A bank's history by its columns; undefined where only the operations can tell. */
export function judgeBankTable(table: ParsedTable): HistoryVerdict | undefined {
  const checks = judgeTable(table);
  return checks === undefined ? undefined : { "valid?": true, checks };
}

function verdictOf(result: ModelCheckResult, check = "linearizable"): HistoryVerdict {
  const { minimal, cause, open, placed: _, ...found } = result;
  return {
    "valid?": result.valid,
    checks: { [check]: found },
    ...(minimal === undefined ? {} : { minimal }),
    ...(cause === undefined ? {} : { cause }),
    ...(open === undefined ? {} : { open }),
  };
}
