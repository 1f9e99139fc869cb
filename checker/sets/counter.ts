// A counter that is added to and read: each read lies between what was certainly added and what may
// have been. Source: jepsen.checker/counter

import { counted, cut, describe } from "../describe.js";
import { NEVER, type Operation } from "../operations.js";
import type { CheckResult } from "../verdict.js";

const EXAMPLES_MAX = 8;

type Pending = { read: Operation; low: number; high: number };

/** `add` of a number, also a negative one, and `read` of a number. Cost: events times open reads. */
export function checkCounter(operations: readonly Operation[]): CheckResult {
  const events = operations
    .filter(({ outcome }) => outcome !== "fail")
    .flatMap((operation) => [
      { operation, rank: operation.call, isReturn: false },
      ...(operation.ret === NEVER ? [] : [{ operation, rank: operation.ret, isReturn: true }]),
    ])
    .sort((a, b) => a.rank - b.rank);
  let [low, high] = [0, 0];
  const pending = new Map<Operation, Pending>();
  const broken: string[] = [];
  let reads = 0;
  for (const { operation, isReturn } of events) {
    if (operation.f === "add") {
      const amount = numberOf(operation.value) ?? 0;
      // What raises may count from the call on and must from the return on; what lowers likewise.
      if (amount > 0 !== isReturn) high += amount;
      else low += amount;
      for (const open of pending.values()) {
        open.low = Math.min(open.low, low);
        open.high = Math.max(open.high, high);
      }
    } else if (operation.f === "read" && operation.outcome === "ok") {
      if (!isReturn) pending.set(operation, { read: operation, low, high });
      else {
        reads += 1;
        const open = pending.get(operation) ?? { read: operation, low, high };
        pending.delete(operation);
        const value = numberOf(operation.completion?.value);
        if (value !== undefined && value >= open.low && value <= open.high) continue;
        broken.push(`not between ${open.low} and ${open.high}: ${describe(operation)}`);
      }
    }
  }
  const figures = { reads, "out of bounds": broken.length, "final low": low, "final high": high };
  if (broken.length > 0) {
    const explanation = cut(broken, EXAMPLES_MAX);
    return { valid: false, summary: broken[0] ?? "", figures, explanation };
  }
  if (reads === 0) return { valid: "unknown", summary: "the counter was never read", figures };
  return { valid: true, summary: `${counted(reads, "read")} lie within their bounds`, figures };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
