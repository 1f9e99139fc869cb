// The seqs in the replies are the servers' own claim of an order. An operation that was over before
// another began must not stand behind it; if it does, the claim is a lie, whatever order is true.

import { counted, cut, describe } from "./describe.js";
import type { Operation } from "./operations.js";
import type { CheckResult } from "./verdict.js";

const EXAMPLES_MAX = 3;

/** Several operations may share a seq (one batch): that contradicts nothing. */
export function seqOrder(operations: readonly Operation[]): CheckResult {
  const claimed = operations.filter(({ seq, outcome }) => seq !== undefined && outcome !== "info");
  const figures = { operations: claimed.length, contradictions: 0 };
  if (claimed.length === 0) {
    return { valid: "unknown", summary: "no reply named a seq", figures };
  }
  const contradictions: string[] = [];
  let count = 0;
  for (const { early, late } of inversions(claimed)) {
    count += 1;
    if (contradictions.length === 3 * EXAMPLES_MAX) continue;
    contradictions.push(
      describe(early),
      "  was over before the next began, but claims the higher seq:",
      describe(late),
    );
  }
  figures.contradictions = count;
  if (count === 0) {
    const summary = `the seqs of ${counted(claimed.length, "operation")} never contradict real time`;
    return { valid: true, summary, figures };
  }
  return {
    valid: false,
    summary: `the order that the servers claim contradicts real time ${counted(count, "time")}`,
    figures,
    explanation: cut(contradictions, 3 * EXAMPLES_MAX),
  };
}

/** Each operation whose seq is below that of one that was over before it began. */
function* inversions(
  claimed: readonly Operation[],
): Generator<{ early: Operation; late: Operation }> {
  const byReturn = [...claimed].sort((a, b) => a.ret - b.ret);
  const byCall = [...claimed].sort((a, b) => a.call - b.call);
  let over = 0;
  let highest: Operation | undefined;
  for (const late of byCall) {
    for (;;) {
      const next = byReturn[over];
      if (next === undefined || next.ret > late.call) break;
      if (highest === undefined || (next.seq ?? 0) > (highest.seq ?? 0)) highest = next;
      over += 1;
    }
    if (highest !== undefined && (highest.seq ?? 0) > (late.seq ?? 0))
      yield { early: highest, late };
  }
}
