// What goes into a queue comes out, in whatever order: everything acknowledged, nothing else, nothing
// twice. Judged when the queue was drained at the end. Source: jepsen.checker/total-queue

import { counted, cut } from "../describe.js";
import type { Operation } from "../operations.js";
import type { CheckResult } from "../verdict.js";

const EXAMPLES_MAX = 8;

/** `enqueue` of a value, `dequeue` of one, `drain` of a list of all that are left. */
export function checkTotalQueue(operations: readonly Operation[]): CheckResult {
  const asked = new Map<unknown, number>();
  const acknowledged = new Map<unknown, number>();
  const taken = new Map<unknown, number>();
  for (const { f, value, outcome, completion } of operations) {
    if (f === "enqueue" && outcome !== "fail") {
      add(asked, value);
      if (outcome === "ok") add(acknowledged, value);
    } else if (outcome === "ok" && f === "dequeue") add(taken, completion?.value);
    else if (outcome === "ok" && f === "drain" && Array.isArray(completion?.value)) {
      for (const each of completion.value) add(taken, each);
    }
  }
  const beyond = (counts: ReadonlyMap<unknown, number>, bound: ReadonlyMap<unknown, number>) =>
    [...counts].filter(([value, count]) => count > (bound.get(value) ?? 0)).map(([value]) => value);
  const lost = beyond(acknowledged, taken);
  const unexpected = [...taken.keys()].filter((value) => !asked.has(value));
  const duplicated = beyond(taken, asked).filter((value) => asked.has(value));
  const figures = {
    enqueued: sum(acknowledged),
    "possibly enqueued": sum(asked),
    dequeued: sum(taken),
    lost: lost.length,
    unexpected: unexpected.length,
    duplicated: duplicated.length,
  };
  const lines = [
    ...lost.map((value) => `${text(value)} was acknowledged and never came out`),
    ...unexpected.map((value) => `${text(value)} came out and was never put in`),
    ...duplicated.map((value) => `${text(value)} came out more often than it was put in`),
  ];
  if (lines.length > 0) {
    return {
      valid: false,
      summary: lines[0] ?? "",
      figures,
      explanation: cut(lines, EXAMPLES_MAX),
    };
  }
  if (acknowledged.size === 0) {
    return { valid: "unknown", summary: "nothing was put in", figures };
  }
  const summary = `${counted(sum(acknowledged), "value")} came out as often as they were put in`;
  return { valid: true, summary, figures };
}

function add(counts: Map<unknown, number>, value: unknown): void {
  counts.set(value, (counts.get(value) ?? 0) + 1);
}

function sum(counts: ReadonlyMap<unknown, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? "nil";
}
