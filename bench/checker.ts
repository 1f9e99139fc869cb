// What a verdict costs: histories of a simulated bank, judged by the order of their seqs and as a
// black box (no seqs, no ledgers), and with one stale read to be found.
// Run: node dist/bench/checker.js [operations…]

import { linearizable } from "../checker/bank/linearizable.js";
import { simulate } from "../checker/bank/simulate-bank.js";
import { checkRun } from "../checker/check.js";
import type { HistoryOp } from "../checker/history.js";
import { type Operation, pairOperations } from "../checker/operations.js";
import { parseHistory } from "../checker/parse-history.js";
import type { CheckResult } from "../checker/verdict.js";

const sizes = process.argv.slice(2).map(Number);
print("operations", "work", "verdict", "ms", "operations/s", "steps");
for (const operations of sizes.length > 0 ? sizes : [1_000, 10_000, 100_000]) {
  const run = simulate({ operations, accounts: 10, processes: 10, infoShare: 0.01, seed: 1 });
  const { history, ledgers } = run;
  const text = history.map((op) => JSON.stringify(op)).join("\n");
  measure(operations, "parse JSON lines", () => void parseHistory(text));
  measure(operations, "all checks of a run", () => {
    return { valid: checkRun(run)["valid?"], summary: "" };
  });
  const claimed = pairOperations(history);
  measure(operations, "linearizable, by seq", () => linearizable(claimed, ledgers));
  const unclaimed = pairOperations(history.map(withoutSeq));
  measure(operations, "linearizable, searched", () => linearizable(unclaimed, []));
  const stale = withStaleRead(history);
  measure(operations, "one stale read, by seq", () => linearizable(stale, ledgers));
}

function measure(operations: number, work: string, run: () => CheckResult | undefined): void {
  const started = process.hrtime.bigint();
  const result = run();
  const ms = Number(process.hrtime.bigint() - started) / 1e6;
  const rate = Math.round((operations * 1_000) / ms);
  const steps = result?.figures?.["steps"] ?? "";
  print(
    String(operations),
    work,
    String(result?.valid ?? ""),
    ms.toFixed(0),
    String(rate),
    String(steps),
  );
}

/** The seq of a refusal stays: it tells it from an operation that was never sent. */
function withoutSeq(op: HistoryOp): HistoryOp {
  const { seq: _, ...rest } = op;
  return op.type === "fail" ? op : rest;
}

/** One of the last reads answers what an earlier one did. */
function withStaleRead(history: readonly HistoryOp[]): Operation[] {
  const reads = history.filter(({ type, f }) => type === "ok" && f === "balance");
  const late = reads.at(-10);
  const account = JSON.stringify(Object(late?.value).account);
  const early = reads.find(({ value }) => JSON.stringify(Object(value).account) === account);
  return pairOperations(
    history.map((op) => (op === late && early !== undefined ? { ...op, value: early.value } : op)),
  );
}

function print(...cells: readonly string[]): void {
  const widths = [10, 24, 8, 8, 14, 10];
  const padded = cells.map((cell, column) => {
    const width = widths[column] ?? 10;
    return column === 1 ? cell.padEnd(width) : cell.padStart(width);
  });
  process.stdout.write(`${padded.join("  ")}\n`);
}
