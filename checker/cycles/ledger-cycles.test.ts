import { test } from "uvu";
import * as assert from "uvu/assert";
import { runOf } from "../bank/notation.js";
import { simulate } from "../bank/simulate-bank.js";
import type { HistoryOp } from "../history.js";
import { pairOperations } from "../operations.js";
import type { CheckResult } from "../verdict.js";
import { ledgerCycles, statementsTell } from "./ledger-cycles.js";

/** By what clients saw alone. */
function alone(text: string): CheckResult {
  return ledgerCycles(pairOperations(runOf(text).history), []);
}

function withLedger(text: string): CheckResult {
  const run = runOf(text);
  return ledgerCycles(pairOperations(run.history), run.ledgers);
}

const OPENED = `
  p0 0-1 open A -> ok @1
  p0 2-3 open B -> ok @2
  p0 4-5 deposit A 100 -> 100 @3
  p0 6-7 deposit B 50 -> 50 @4`;

function accepts(claim: string, text: string): void {
  test(`accepted: ${claim}`, () => {
    for (const judge of [alone, withLedger]) {
      const { valid, summary } = judge(OPENED + text);
      assert.is(valid, true, summary);
    }
  });
}

function rejects(claim: string, text: string, mention: RegExp): void {
  test(`rejected: ${claim}`, () => {
    const { valid, summary, explanation } = alone(OPENED + text);
    assert.is(valid, false, summary);
    assert.match([summary, ...(explanation ?? [])].join("\n"), mention);
  });
}

accepts(
  "statements that grow",
  `
  p1 10-11 statement A 8 -> 100 1 [100] @5
  p1 12-13 move A B 30 -> 70 80 @6
  p1 14-15 statement A 8 -> 70 2 [100,-30] @7
  p1 16-17 statement B 8 -> 80 2 [50,30] @8`,
);
accepts(
  "a statement that overlaps the deposit it misses",
  `
  p1 10-20 deposit A 7 -> 107 @6
  p2 15-25 statement A 8 -> 100 1 [100] @5
  p2 30-31 statement A 8 -> 107 2 [100,7] @7
  p2 32-33 statement B 8 -> 50 1 [50] @8`,
);
accepts(
  "a deposit of unknown fate, seen later",
  `
  p1 10-11 deposit A 7 -> ? @6
  p2 15-25 statement A 8 -> 100 1 [100] @5
  p2 30-31 statement A 8 -> 107 2 [100,7] @7
  p2 32-33 statement B 8 -> 50 1 [50] @8`,
);
accepts(
  "equal amounts that their replies tell apart",
  `
  p1 10-11 deposit A 7 -> 107 @5
  p1 12-13 deposit A 7 -> 114 @6
  p2 30-31 statement A 8 -> 114 3 [100,7,7] @7
  p2 32-33 statement B 8 -> 50 1 [50] @8`,
);

rejects(
  "a statement that misses what was there before",
  `
  p1 10-11 deposit A 7 -> 107 @6
  p2 12-13 statement A 8 -> 100 1 [100] @5
  p2 14-15 statement A 8 -> 107 2 [100,7] @7`,
  /G-single-realtime: a cycle of 2[\s\S]* \(rw\) because T. read A without T.'s entry of 7/,
);
rejects(
  "an acknowledged deposit that no later statement shows",
  `
  p1 10-11 deposit A 7 -> 107 @6
  p2 12-13 statement A 8 -> 100 1 [100] @7`,
  /G-single-realtime/,
);
rejects(
  "a balance of a version that was already gone",
  `
  p1 10-11 deposit A 7 -> 107 @6
  p2 12-13 balance A -> 100 @5
  p2 14-15 statement A 8 -> 107 2 [100,7] @7`,
  /G-single-realtime/,
);
rejects(
  "a move that shows in one account and not yet in the other",
  `
  p1 10-30 move A B 30 -> 70 80 @6
  p2 11-12 statement B 8 -> 80 2 [50,30] @6
  p2 13-14 statement A 8 -> 100 1 [100] @5
  p2 40-41 statement A 8 -> 70 2 [100,-30] @7`,
  /G-single-process/,
);
rejects(
  "a fork: two readers see two deposits in opposite orders",
  `
  p1 10-50 deposit A 7 -> 107 @6
  p2 10-50 deposit B 9 -> 59 @6
  p3 11-12 statement A 8 -> 107 2 [100,7] @6
  p3 13-40 statement B 8 -> 50 1 [50] @6
  p4 11-14 statement B 8 -> 59 2 [50,9] @6
  p4 15-40 statement A 8 -> 100 1 [100] @6
  p5 60-61 statement A 8 -> 107 2 [100,7] @7
  p5 62-63 statement B 8 -> 59 2 [50,9] @7`,
  /G-nonadjacent-process/,
);
rejects(
  "two orders of the same entries",
  `
  p1 10-50 deposit A 7 -> 107 @6
  p2 10-50 deposit A 9 -> 116 @6
  p3 60-61 statement A 8 -> 116 3 [100,7,9] @7
  p3 62-63 statement A 8 -> 116 3 [100,9,7] @8`,
  /incompatible-order: account A: entry 1 is 9 in one read and 7 in another/,
);
rejects(
  "entries that do not add up to the balance",
  `
  p1 10-11 statement A 8 -> 101 1 [100] @5`,
  /incompatible-order: account A: the balance after 0 entries is 1/,
);
rejects(
  "an entry that nobody asked for",
  `
  p1 10-11 deposit A 7 -> 107 @5
  p1 12-13 statement A 8 -> 108 2 [100,8] @6`,
  /garbage-read: account A: entry 1, of 8, was asked for by nobody/,
);
rejects(
  "more entries than were ever asked for",
  `
  p1 12-13 statement A 1 -> 100 2 [100] @6`,
  /garbage-read: account A: it has 2 entries, but 1 were ever asked for/,
);
rejects(
  "an entry of what failed",
  `
  p1 10-11 deposit A 7 -> failed
  p1 12-13 deposit A 3 -> 103 @5
  p1 14-15 statement A 8 -> 107 2 [100,7] @6`,
  /G1a: account A: entry 1, of 7, was asked for by what failed/,
);
rejects(
  "an entry twice",
  `
  p1 10-11 deposit A 7 -> 107 @5
  p1 12-13 deposit A 3 -> 110 @6
  p1 14-15 statement A 8 -> 114 3 [100,7,7] @7`,
  /duplicate-elements: account A: entry 2, of 7, is the same as entry 1/,
);
rejects(
  "a reply that tells another balance than the entries make",
  `
  p1 10-11 deposit A 7 -> 117 @5
  p1 14-15 statement A 8 -> 107 2 [100,7] @7`,
  /internal: account A: entry 1, of 7, made 107, but its reply said 117/,
);

test("unknown: equal amounts that nothing tells apart", () => {
  const { valid, summary } = alone(`
    p0 0-1 open A -> ok @1
    p1 10-30 deposit A 7 -> ? @2
    p2 10-30 deposit A 7 -> 7 @3
    p3 10-30 deposit A 7 -> 14 @3
    p3 40-41 statement A 8 -> 21 3 [7,7,7] @7`);
  assert.is(valid, "unknown");
  assert.match(summary, /statements do not tell the order of entries: the place of 0 of 2/);
});

test("a ledger tells whose entries they are where amounts do not", () => {
  const { valid } = withLedger(`
    p0 0-1 open A -> ok @1
    p2 10-30 deposit A 7 -> 7 @3
    p3 10-30 deposit A 7 -> 14 @4
    p1 50-60 withdraw A 7 -> 7 @5
    p1 70-80 deposit A 7 -> 14 @6
    p3 90-91 statement A 8 -> 14 4 [7,7,-7,7] @7`);
  assert.is(valid, true);
});

test("correct runs pass, with wide amounts and with small ones", () => {
  for (let seed = 0; seed < 60; seed++) {
    const amountMax = [3, 1_000, 2 ** 32][seed % 3] ?? 3;
    const options = { operations: 150, accounts: 3, statementShare: 0.5, infoShare: 0.1 };
    const run = simulate({ ...options, seed, amountMax, opened: seed % 2 === 0 });
    const operations = pairOperations(run.history);
    for (const ledgers of [run.ledgers, []]) {
      const { valid, explanation } = ledgerCycles(operations, ledgers);
      assert.is.not(valid, false, `seed ${seed}: ${explanation?.join("\n")}`);
      if (ledgers.length > 0 && amountMax > 3) assert.is(valid, true, `seed ${seed}`);
    }
  }
});

test("a read moved out of its place in a correct run is found", () => {
  let found = 0;
  for (let seed = 0; seed < 20; seed++) {
    const run = simulate({ operations: 200, seed, statementShare: 0.5, infoShare: 0 });
    const stale = withOldStatement(run.history);
    if (stale === undefined) continue;
    const { valid } = ledgerCycles(pairOperations(stale), run.ledgers);
    assert.is(valid, false, `seed ${seed}`);
    found += 1;
  }
  assert.ok(found > 10, `only ${found} runs had a statement to spoil`);
});

/** The last statement of an account that grew since the first one answers as that did. */
function withOldStatement(history: readonly HistoryOp[]): HistoryOp[] | undefined {
  const statements = history.filter(({ f, type }) => f === "statement" && type === "ok");
  for (const late of statements.toReversed()) {
    const { account, entryCount } = Object(late.value);
    const early = statements.find(
      (op) => Object(op.value).account === account && Object(op.value).entryCount + 8 < entryCount,
    );
    if (early !== undefined) {
      return history.map((op) => (op === late ? { ...op, value: early.value } : op));
    }
  }
  return undefined;
}

test("statements tell the order only where they show nearly all of it", () => {
  const tells = (share: number) => {
    const options = { operations: 400, statementShare: share, readShare: share, accounts: 2 };
    return statementsTell(pairOperations(simulate(options).history));
  };
  assert.is(tells(0.9), true);
  assert.is(tells(0.05), false);
});

test.run();
