// A bank's history judged from its columns alone: by the order that its seqs claim, and by the balances
// that clients saw. Where an order is found it decides; where not, more is known from the operations.

import type { CheckResult } from "../verdict.js";
import { infer } from "./inference.js";
import { type Figures, passed } from "./linearizable.js";
import type { ParsedTable } from "./parse-table.js";
import { replayTable } from "./replay-table.js";
import { schedule } from "./schedule.js";
import { orderBySeq } from "./seq-writes.js";

/**
 * The findings by name, all of them valid: an order that replays in real time excludes every anomaly.
 * Undefined where nothing is decided: no order was found, or the seqs claim another than clients saw.
 */
export function judgeTable({ table, seqs }: ParsedTable): Record<string, CheckResult> | undefined {
  const indeterminate = table.optional.reduce((sum, unknown) => sum + unknown, 0);
  if (indeterminate === table.count) return undefined;
  const figures: Figures = { operations: table.count, indeterminate, order: "inferred", steps: 0 };
  const claims = !seqs.every(Number.isNaN);
  if (claims && orderBySeq(table, seqs) === undefined) return undefined;
  const scheduled = schedule(table, infer(table));
  const inferred = "order" in scheduled && replayTable(table, scheduled.order) === undefined;
  if (!inferred && !claims) return undefined;
  const bySeq: Figures = { ...figures, order: "by seq" };
  const claimed = "the order of their seqs respects real time and replays";
  const seen = "an order follows from the balances they saw, and replays";
  const unseen = "no order was found from balances alone, but the claimed one replays";
  return {
    linearizable: claims ? passed(bySeq, claimed) : passed(figures, seen),
    "black-box": inferred ? passed(figures, seen) : passed(bySeq, unseen),
  };
}
