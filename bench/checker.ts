// What a verdict costs, beside what is asked of it: histories of a simulated bank, judged by the order
// that the servers claim, and as a black box, from what clients saw alone.
// Run: node dist/bench/checker.js [operations…]

import { BankCase } from "../checker/bank/bank-case.js";
import { bankHistory } from "../checker/bank/bank-history.js";
import { type BankTable, bankTable } from "../checker/bank/bank-table.js";
import { infer } from "../checker/bank/inference.js";
import { linearizable } from "../checker/bank/linearizable.js";
import { replayTable } from "../checker/bank/replay-table.js";
import { schedule } from "../checker/bank/schedule.js";
import { simulate } from "../checker/bank/simulate-bank.js";
import { type LoadOptions, simulateLoad } from "../checker/bank/simulate-load.js";
import { checkRun } from "../checker/check.js";
import type { HistoryOp } from "../checker/history.js";
import { type Operation, pairOperations } from "../checker/operations.js";
import { parseHistory } from "../checker/parse-history.js";
import type { CheckResult } from "../checker/verdict.js";

const REPETITIONS = 3;
const sizes = process.argv.slice(2).map(Number);
print("operations", "work", "verdict", "ms", "operations/s", "asked");
for (const operations of sizes.length > 0 ? sizes : [1_000, 10_000, 100_000]) {
  const run = simulate({ operations, accounts: 10, processes: 10, infoShare: 0.01, seed: 1 });
  const text = run.history.map((op) => JSON.stringify(op)).join("\n");
  measure(operations, "parse JSON lines", "", () => void parseHistory(text));
  measure(operations, "all checks of a run", operations === 100_000 ? "2000 ms" : "", () => {
    return { valid: checkRun(run)["valid?"], summary: "" };
  });
  const stale = withStaleRead(run.history);
  measure(operations, "one stale read", "", () => linearizable(new BankCase(stale, run.ledgers)));
  for (const concurrency of [5, 20, 50]) {
    for (const infoShare of [0, 0.05]) {
      const table = tableOf({ operations, concurrency, infoShare });
      const work = `black box, ${concurrency} clients, ${100 * infoShare} % info`;
      measure(operations, work, "", () => blackBox(table));
    }
  }
}

function tableOf(options: Partial<LoadOptions>): BankTable {
  return bankTable(bankHistory(pairOperations([...simulateLoad(options)])).ops);
}

function blackBox(table: BankTable): CheckResult {
  const scheduled = schedule(table, infer(table));
  const found = "order" in scheduled && replayTable(table, scheduled.order) === undefined;
  return { valid: found ? true : "unknown", summary: "" };
}

/** The best of a few: what else runs on the machine only ever adds. */
function measure(
  operations: number,
  work: string,
  asked: string,
  run: () => CheckResult | undefined,
): void {
  let best = Number.POSITIVE_INFINITY;
  let result: CheckResult | undefined;
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const started = process.hrtime.bigint();
    result = run();
    best = Math.min(best, Number(process.hrtime.bigint() - started) / 1e6);
  }
  const rate = Math.round((operations * 1_000) / best);
  const valid = String(result?.valid ?? "");
  print(String(operations), work, valid, best.toFixed(0), String(rate), asked);
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
  const widths = [10, 32, 8, 8, 14, 10];
  const padded = cells.map((cell, column) => {
    const width = widths[column] ?? 10;
    return column === 1 ? cell.padEnd(width) : cell.padStart(width);
  });
  process.stdout.write(`${padded.join("  ")}\n`);
}
