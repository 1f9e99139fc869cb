// The checker's fast paths against its slow exact ones, for as many random histories as one likes.
// Exits with 1 at the first disagreement, and prints the seed that shows it again; else tells what was
// drawn, and how it was judged.
// Run: npm run fuzz [histories] [first seed]

import { disagreement, type Trial, trial } from "../checker/bank/testing/trial.js";

/** One history in so many is of a few dozen operations; the others of a few. */
const SMALL_EVERY = 10;
const REPORT_EVERY = 10_000;

const [histories = 100_000, first = 1] = process.argv.slice(2).map(Number);
const counts = new Map<string, number>();
for (let seed = first; seed < first + histories; seed++) {
  const size = seed % SMALL_EVERY === 0 ? "small" : "tiny";
  const result = trial(seed, size);
  const wrong = disagreement(result);
  if (wrong !== undefined) {
    process.stderr.write(`${size} history, ${wrong}\n`);
    process.exit(1);
  }
  tally(size, result);
  if ((seed - first + 1) % REPORT_EVERY === 0) report(seed - first + 1);
}
report(histories);

function tally(size: string, { drawn, expected, found }: Trial): void {
  const { accounts, infoShare, amountMax, processes } = drawn;
  count(`${size} histories that are ${word(expected)}`);
  count(`histories of ${accounts === 1 ? "1 account" : `${accounts} accounts`}`);
  count(`histories of which ${100 * infoShare} % is not known`);
  count(`histories of ${amountMax > 100 ? "wide" : "small"} amounts`);
  if (amountMax <= 100 && infoShare > 0) count("histories of small amounts, some not known");
  if (accounts === 2 && processes >= 16) count("histories of 2 accounts and 16 clients or more");
  for (const { valid, order } of found) count(`judgements ${word(valid)}, ${order || "no order"}`);
}

function count(what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

function word(valid: Trial["expected"]): string {
  return valid === "unknown" ? "undecided" : valid ? "valid" : "invalid";
}

function report(done: number): void {
  const lines = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  process.stdout.write(`${done} histories, no disagreement\n`);
  for (const [what, number] of lines)
    process.stdout.write(`  ${String(number).padStart(8)}  ${what}\n`);
}
