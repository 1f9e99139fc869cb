// A history judged by a model: an exact search for an order in which the model could have answered as
// it was seen to. Valid only with such an order, invalid only where none exists.

import { explainRefutation, minimalOperations, refutationSummary } from "./exact/explain.js";
import { type Linearization, solve } from "./exact/linearize.js";
import { problemsOf } from "./exact/problem.js";
import type { Cause, SearchLimits } from "./exact/search.js";
import { smallestRefutation } from "./exact/shrink.js";
import type { HistoryOp } from "./history.js";
import type { Model } from "./models/model.js";
import type { Operation } from "./operations.js";
import type { CheckResult } from "./verdict.js";

export type ModelCheckOptions = {
  limits?: Partial<SearchLimits>;
  /** Judges these parts only. */
  parts?: readonly (string | number | undefined)[];
  /** Names the place of an operation in messages: "history.edn:12: ". */
  where?: (operation: Operation) => string;
};

export type ModelCheckResult = CheckResult & {
  /** What ended an unknown. */
  cause?: Cause;
  /** The parts that an unknown leaves open. */
  open?: readonly (string | number | undefined)[];
  /** Of an invalid: a small history that is invalid, too, and how many operations can be placed. */
  minimal?: readonly HistoryOp[];
  placed?: number;
};

/** For a search without a clock: about a minute, and less than a gigabyte. */
export const MODEL_LIMITS: SearchLimits = { steps: 300_000_000, bytes: 1 << 30 };

/** Throws HistoryError where the model does not know an operation; never otherwise. */
export function checkModel(
  operations: readonly Operation[],
  model: Model,
  { limits, parts, where }: ModelCheckOptions = {},
): ModelCheckResult {
  let problems = problemsOf(operations, model, where);
  if (parts !== undefined) problems = problems.filter(({ part }) => parts.includes(part));
  const found = solve(problems, { ...MODEL_LIMITS, ...limits });
  const judged = problems.reduce((sum, { kind }) => sum + kind.length, 0);
  const figures = { operations: judged, parts: found.parts, steps: found.steps };
  return { ...resultOf(found, model, judged, limits?.isTimeOver), figures };
}

function resultOf(
  found: Linearization,
  model: Model,
  judged: number,
  isTimeOver: (() => boolean) | undefined,
): ModelCheckResult {
  switch (found.valid) {
    case true: {
      const parts = found.parts > 1 ? ` in ${found.parts} parts` : "";
      const summary = `a ${model.name} could have answered all ${judged} operations${parts} so`;
      return { valid: true, summary };
    }
    case false: {
      const { problem, blocked } = found.refuted;
      const longest = found.refuted.longest();
      const kept = smallestRefutation(problem, blocked, isTimeOver);
      return {
        valid: false,
        summary: refutationSummary(found.refuted, longest.length),
        explanation: explainRefutation(found.refuted, longest, kept),
        minimal: historyOf(minimalOperations(problem, kept)),
        placed: longest.length,
      };
    }
    case "unknown": {
      const { cause, open } = found;
      const what = open.length > 1 ? `${open.length} of ${found.parts} parts are` : "the search is";
      const summary = `${what} undecided: the ${cause} budget ended after ${found.steps} steps`;
      return { valid: "unknown", summary, cause, open: open.map(({ part }) => part) };
    }
    default:
      return found satisfies never;
  }
}

/** The ops of some operations, in the order of the history that they are from, numbered anew. */
function historyOf(operations: readonly Operation[]): HistoryOp[] {
  const ops = operations.flatMap(({ invocation, completion }) =>
    completion === undefined ? [invocation] : [invocation, completion],
  );
  return ops.sort((a, b) => a.index - b.index).map((op, index) => ({ ...op, index }));
}
