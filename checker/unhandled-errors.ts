// Errors by class, the most frequent first, each with one example: what nobody foresaw shows up here
// before anybody looks for it. Source: jepsen.checker/unhandled-exceptions

import { counted, describe } from "./describe.js";
import type { Operation } from "./operations.js";
import type { CheckResult } from "./verdict.js";

type ErrorClass = { name: string; count: number; first: Operation };

/**
 * True: that an operation failed is for other checks to judge. `handled` are errors that mean what
 * they say, and are counted elsewhere.
 */
export function unhandledErrors(
  operations: readonly Operation[],
  handled: ReadonlySet<string>,
): CheckResult {
  const classes = new Map<string, ErrorClass>();
  for (const operation of operations) {
    const { outcome, completion } = operation;
    const error = completion?.error;
    if (outcome === "ok" || error === undefined || handled.has(error)) continue;
    // "connection-refused: 127.0.0.1:5433": the class stands before the details.
    const name = `${outcome} ${error.split(/[:\n]/, 1)[0]?.trim() ?? ""}`;
    const known = classes.get(name);
    if (known === undefined) classes.set(name, { name, count: 1, first: operation });
    else known.count += 1;
  }
  const sorted = [...classes.values()].sort(
    (a, b) => b.count - a.count || (a.name < b.name ? -1 : 1),
  );
  const figures = Object.fromEntries(sorted.map(({ name, count }) => [name, count]));
  if (sorted.length === 0) {
    return { valid: true, summary: "no error but those that the ledger answers", figures };
  }
  const total = sorted.reduce((sum, { count }) => sum + count, 0);
  const names = sorted.map(({ name, count }) => `${name} ×${count}`).join(", ");
  return {
    valid: true,
    summary: `${counted(total, "operation")} ended in ${names}`,
    figures,
    explanation: sorted.map(({ name, first }) => `${name}: first ${describe(first)}`),
  };
}
