// What a verdict on transactions costs: list-append histories of a strictly serializable store, and
// the same with reads that missed the newest element. On a shared machine CPU time says more than
// the clock, though it counts the garbage collector's threads. Building is what a reader of files does.
// Run: node dist/bench/cycles.js [transactions…]

import { checkListAppend } from "../checker/cycles/list-append.js";
import { simulateLists } from "../checker/cycles/testing/simulate.js";

const REPETITIONS = 3;
const sizes = process.argv.slice(2).map(Number);
print("transactions", "history", "verdict", "ms", "CPU ms", "transactions/s", "anomalies");
for (const transactions of sizes.length > 0 ? sizes : [10_000, 100_000, 1_000_000]) {
  measure(transactions, "serializable", 0);
  measure(transactions, "100 stale reads", Math.floor(transactions / 100));
}

function measure(count: number, history: string, stale: number): void {
  const transactions = simulateLists({ transactions: count }, stale);
  const [times, cpus]: [number[], number[]] = [[], []];
  let result = checkListAppend(transactions);
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const [started, before] = [performance.now(), process.cpuUsage()];
    result = checkListAppend(transactions);
    times.push(performance.now() - started);
    const { user, system } = process.cpuUsage(before);
    cpus.push((user + system) / 1_000);
  }
  const [ms, cpuMs] = [middle(times), middle(cpus)];
  const rate = Math.round((count * 1_000) / ms);
  const names = result.anomalies.map((each) => `${each.name} ×${each.count}`).join(", ");
  const cells = [ms.toFixed(0), cpuMs.toFixed(0), String(rate), names];
  print(String(count), history, String(result.valid), ...cells);
}

function middle(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function print(...cells: readonly string[]): void {
  const widths = [12, 16, 8, 8, 8, 14, 0];
  const padded = cells.map((cell, column) => {
    const width = widths[column] ?? 0;
    return column === 1 || column === 6 ? cell.padEnd(width) : cell.padStart(width);
  });
  process.stdout.write(`${padded.join("  ").trimEnd()}\n`);
}
