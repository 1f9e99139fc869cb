// Histories that no order explains, each with a near miss that some order does.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { pairOperations } from "../operations.js";
import type { LedgerDump } from "../run-record.js";
import { BankCase } from "./bank-case.js";
import { linearizable } from "./linearizable.js";
import { historyFrom, runOf } from "./notation.js";
import { randomOf, simulate } from "./simulate-bank.js";
import { corrupt } from "./testing/corrupt.js";

const OPENED = `
  p0 0-1 open A -> ok @1
  p0 2-3 open B -> ok @2
  p0 4-5 deposit A 100 -> 100 @3
`;

/** Judges with the ledgers the text implies, and as a black box without them or any seq. */
function judged(text: string, ledgers: "ledgers" | "black box" = "ledgers") {
  const run = runOf(OPENED + text);
  if (ledgers === "ledgers")
    return linearizable(new BankCase(pairOperations(run.history), run.ledgers));
  const history = run.history.map((op) => {
    const { seq: _, ...rest } = op;
    return op.type === "fail" ? op : rest;
  });
  return linearizable(new BankCase(pairOperations(history), []));
}

function rejects(name: string, text: string, mention?: RegExp): void {
  test(`rejected: ${name}`, () => {
    for (const view of ["ledgers", "black box"] as const) {
      const { valid, summary, explanation, smallest } = judged(text, view);
      assert.is(valid, false, `${view}: ${summary}`);
      assert.ok((explanation?.length ?? 0) > 0);
      // What is kept to be checked again fails again, alone.
      assert.ok(smallest !== undefined, view);
      assert.is(linearizable(new BankCase(pairOperations(smallest), [])).valid, false);
      assert.ok(smallest.length <= 40);
      if (mention !== undefined)
        assert.match([summary, ...(explanation ?? [])].join("\n"), mention);
    }
  });
}

function accepts(name: string, text: string): void {
  test(`accepted: ${name}`, () => {
    for (const view of ["ledgers", "black box"] as const) {
      const { valid, summary } = judged(text, view);
      assert.is(valid, true, `${view}: ${summary}`);
    }
  });
}

// Stale reads.
rejects(
  "a read that misses a deposit which was over",
  `p1 10-20 deposit A 7 -> 107 @4
   p2 30-40 balance A -> 100 @5`,
  /it looks stale: A had 100/,
);
rejects(
  "a read that goes back behind what an earlier read saw",
  `p1 10-50 deposit A 7 -> 107 @4
   p2 20-25 balance A -> 107 @5
   p3 30-35 balance A -> 100 @6`,
  /whatever order is tried, while it could take place A has: 107/,
);
rejects(
  "a statement that lacks the newest posting",
  `p1 10-20 withdraw A 7 -> 93 @4
   p2 30-40 statement A 5 -> 100 1 [100] @5`,
);
accepts(
  "a read that misses a deposit still going on",
  `p1 10-50 deposit A 7 -> 107 @5
   p2 30-40 balance A -> 100 @4`,
);

// Lost writes.
rejects(
  "a deposit that a later deposit's balance does not contain",
  `p1 10-20 deposit A 7 -> 107 @4
   p2 30-40 deposit A 1 -> 101 @5`,
  /as if the effect of this write is missing:\n.*deposit \{account: A, amount: 7\}/,
);
rejects(
  "one of two concurrent withdrawals overwritten by the other",
  `p1 10-30 withdraw A 10 -> 90 @4
   p2 10-30 withdraw A 20 -> 80 @5`,
);
rejects(
  "an opening that is forgotten",
  `p1 10-20 open C -> ok @4
   p2 30-40 balance C -> !no-such-account @5`,
);
accepts(
  "two concurrent withdrawals, one after the other",
  `p1 10-30 withdraw A 10 -> 70 @5
   p2 10-30 withdraw A 20 -> 80 @4`,
);

// Applied twice.
rejects(
  "a deposit that counts twice",
  `p1 10-20 deposit A 7 -> 107 @4
   p2 30-40 balance A -> 114 @5`,
  /off by 7, as if this write counts twice/,
);
rejects(
  "a deposit of unknown outcome that counts twice",
  `p1 10-20 deposit A 7 -> ? @4
   p2 30-40 balance A -> 114 @5`,
);
rejects(
  "an account opened twice",
  `p1 10-20 open C -> ok @4
   p2 30-40 open C -> ok @5`,
);
accepts(
  "a deposit of unknown outcome that counts once, late",
  `p1 10-20 deposit A 7 -> ? @5
   p2 30-40 balance A -> 100 @4
   p2 50-60 balance A -> 107 @6`,
);

// Refused operations that leave a trace, and refusals without a reason.
rejects(
  "a refused withdrawal that was performed",
  `p1 10-20 withdraw A 500 -> !insufficient-funds @4
   p2 30-40 balance A -> -400 @5`,
);
rejects(
  "a refusal although the money was there",
  "p1 10-20 withdraw A 100 -> !insufficient-funds @4",
);
rejects("an open account called missing", "p1 10-20 move A B 5 -> !no-such-account @4");
rejects(
  "a failed deposit that was performed",
  `p1 10-20 deposit A 5 -> failed
   p2 30-40 balance A -> 105 @5`,
);
rejects("an overdraft", "p1 10-20 withdraw A 101 -> -1 @4");
rejects(
  "a statement that is refused though it asks for no more than it may",
  "p1 10-20 statement A 64 -> !bad-operation @4",
);
accepts(
  "a statement that asks for more than it may is refused",
  "p1 10-20 statement A 65 -> !bad-operation @4",
);
rejects("an overflow far below the bound", "p1 10-20 deposit A 1 -> !overflow @4");
accepts(
  "a refusal while a concurrent withdrawal has the money",
  `p1 10-30 withdraw A 60 -> 40 @4
   p2 10-30 withdraw A 60 -> !insufficient-funds @5
   p3 40-50 deposit A 9007199254740991 -> !overflow @6
   p3 60-70 move A C 1 -> !no-such-account @7`,
);

// Torn moves.
rejects(
  "a move that has left one account and not reached the other",
  `p1 10-50 move A B 30 -> 70 30 @4
   p2 20-25 balance A -> 70 @5
   p2 30-35 balance B -> 0 @6`,
  /not linearizable on A, B/,
);
rejects(
  "a move that has reached one account and not left the other",
  `p1 10-50 move A B 30 -> 70 30 @4
   p2 20-25 balance B -> 30 @5
   p3 30-35 balance A -> 100 @6`,
);
rejects(
  "a move whose answer makes money",
  `p1 10-20 move A B 30 -> 70 40 @4
   p2 30-40 balance B -> 40 @5`,
);
accepts(
  "reads on both sides of a move",
  `p1 10-50 move A B 30 -> 70 30 @6
   p2 20-25 balance A -> 100 @4
   p2 30-35 balance B -> 0 @5
   p3 40-60 balance B -> 30 @7`,
);

// Money from nothing.
rejects("a read of money that nobody paid in", "p1 10-20 balance B -> 1 @4");
rejects("a read of an account that nobody opened", "p1 10-20 balance C -> 0 @4");
rejects(
  "a read of a deposit that begins later",
  `p1 10-20 balance A -> 107 @4
   p2 30-40 deposit A 7 -> 107 @5`,
);

// Order that only statements show.
rejects(
  "a stale read beside a move: the view of one account is enough to tell",
  `p1 10-20 move A B 30 -> 70 30 @4
   p2 30-40 balance A -> 100 @5`,
  /^not linearizable on A: no order gives op/,
);
rejects(
  "two statements that order the same postings differently",
  `p1 10-30 deposit A 1 -> ? @4
   p2 10-30 deposit A 2 -> ? @5
   p3 40-50 statement A 3 -> 103 3 [100,1,2] @6
   p3 60-70 statement A 3 -> 103 3 [100,2,1] @7`,
);
accepts(
  "a statement that shows the order of two concurrent postings",
  `p1 10-30 deposit A 1 -> ? @4
   p2 10-30 deposit A 2 -> ? @5
   p3 40-50 statement A 2 -> 103 3 [1,2] @6`,
);

accepts(
  // Found by the fuzz: an order hash without signs took the two orders for one.
  "a statement that shows the order of a deposit and a withdrawal of one amount",
  `p1 10-20 deposit A 2 -> ? @5
   p2 10-20 withdraw A 2 -> ? @4
   p3 40-50 statement A 2 -> 100 3 [-2,2] @6`,
);

test("an answer that no bank may give to a malformed operation is invalid", () => {
  assert.is(judged("p1 10-20 deposit A -5 -> 95 @4").valid, false);
  assert.is(judged("p1 10-20 move A A 5 -> 95 105 @4").valid, false);
  assert.is(judged("p1 10-20 move A A 5 -> !same-account @4").valid, true);
  assert.is(judged("p1 10-20 deposit A 0 -> !bad-amount @4").valid, true);
});

test("an order that contradicts the ledger's is found all the same", () => {
  const { valid, figures, explanation } = judged(
    `p1 10-20 deposit A 7 -> 107 @9
     p2 30-40 deposit A 1 -> 108 @5`,
  );
  assert.is(valid, true);
  assert.is(figures?.["order"], "inferred");
  const claim = "the order that the servers claim is no witness: does not get its answer: op";
  assert.ok(explanation?.[0]?.startsWith(claim), explanation?.[0]);
});

test("no ledger can talk the checker into a pass, nor a seq", () => {
  // The ledger and the seqs claim that the deposit came after the read; real time says otherwise.
  const text = `p1 10-20 deposit A 7 -> 107 @5
                p2 30-40 balance A -> 100 @4`;
  assert.is(judged(text).valid, false);
});

test("a ledger that lacks an operation of unknown outcome does not make its effect invalid", () => {
  const text = `p1 10-20 deposit A 7 -> ?
                p2 30-40 balance A -> 107 @4`;
  assert.is(judged(text).valid, true);
});

test("within a batch any order will do, except against the ledger's only where it must", () => {
  const text = `p1 10-30 withdraw A 10 -> 70 @4
                p2 10-30 withdraw A 20 -> 80 @4
                p3 10-30 balance A -> 80 @4`;
  const { valid, figures } = judged(text);
  assert.is(valid, true);
  assert.is(figures?.["order"], "by seq");
});

test("answers that cannot be understood are unknown, never a pass", () => {
  const history = historyFrom(`${OPENED}\n p1 10-20 balance A -> 100 @4`);
  for (const value of [null, 7, "x", [], { account: "A" }, { account: "A", balance: "100" }]) {
    const garbled = history.map((op, index) => (index === 7 ? { ...op, value } : op));
    const { valid, summary } = linearizable(new BankCase(pairOperations(garbled), []));
    assert.is(valid, "unknown");
    assert.match(summary, /1 operation not understood: balance is missing or no integer: op 6/);
  }
});

test("functions that the bank does not have are unknown", () => {
  const history = historyFrom(`${OPENED}\n p1 10-20 transmogrify A 1 -> 100 @4`);
  assert.is(linearizable(new BankCase(pairOperations(history), [])).valid, "unknown");
});

test("operations that nobody answered are unknown", () => {
  const history = historyFrom(
    "p0 0-1 open A -> ?\n p1 2 deposit A 5 -> ?\n p2 3-4 balance A -> failed",
  );
  const { valid, summary } = linearizable(new BankCase(pairOperations(history), []));
  assert.is(valid, "unknown");
  assert.is(summary, "no operation of the bank was answered");
});

test("a search out of budget is unknown, and says so", () => {
  const { history } = simulate({ operations: 300, processes: 20, infoShare: 0.2, amountMax: 3 });
  const without = history.map(({ seq: _, ...op }) => op);
  const limits = { steps: 50, configurations: 1_000 };
  const { valid, summary } = linearizable(new BankCase(pairOperations(without), [], limits));
  assert.is(valid, "unknown");
  assert.match(summary, /no order found .* within 50 steps, and none excluded/);
});

test("a verdict is the same every time, word for word", () => {
  const { history, ledgers } = simulate({ operations: 300, accounts: 3 });
  const operations = pairOperations(corrupt(history, 3, randomOf(2)));
  const judge = (dumps: readonly LedgerDump[]) =>
    JSON.stringify(linearizable(new BankCase(operations, dumps)));
  assert.is(judge(ledgers), judge(ledgers));
  assert.is(judge([]), judge([]));
});

test("thousands of operations are judged by the ledger's order, or that of their seqs", () => {
  const { history, ledgers } = simulate({ operations: 5_000, processes: 12, accounts: 8 });
  const { valid, figures } = linearizable(new BankCase(pairOperations(history), ledgers));
  assert.is(valid, true);
  assert.is(figures?.["order"], "by ledger");
  const certain = simulate({ operations: 5_000, processes: 12, accounts: 8, infoShare: 0 });
  const alone = linearizable(new BankCase(pairOperations(certain.history), []));
  assert.is(alone.valid, true);
  assert.is(alone.figures?.["order"], "by seq");
});

test("thousands of operations are judged without seqs or ledgers", () => {
  const { history } = simulate({ operations: 5_000, processes: 10, accounts: 8, seed: 3 });
  const without = history.map((op) => {
    const { seq: _, ...rest } = op;
    return op.type === "fail" ? op : rest;
  });
  const { valid, figures } = linearizable(new BankCase(pairOperations(without), []));
  assert.is(valid, true);
  assert.is(figures?.["order"], "inferred");
});

test("one stale read among thousands of operations is found without seqs or ledgers", () => {
  const { history } = simulate({ operations: 5_000, processes: 10, accounts: 8, seed: 4 });
  const reads = history.filter(({ type, f }) => type === "ok" && f === "balance");
  const late = reads.at(-5);
  const spoilt = history.map((op) => {
    const { seq: _, ...rest } = op;
    if (op !== late) return op.type === "fail" ? op : rest;
    return { ...rest, value: { ...Object(op.value), balance: 12_345 } };
  });
  const { valid, summary } = linearizable(new BankCase(pairOperations(spoilt), []));
  assert.is(valid, false);
  assert.match(
    summary,
    new RegExp(`balance {account: ${Object(late?.value).account}}.* ok balance 12345`),
  );
});

test.run();
