// Orders from balances alone: what inference must find, what it must not believe, and the traps that
// a prototype fell into.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { HistoryOp } from "../history.js";
import { pairOperations } from "../operations.js";
import { BankCase } from "./bank-case.js";
import { blackBox } from "./linearizable.js";
import { historyFrom } from "./notation.js";
import { simulate } from "./simulate-bank.js";
import { type LoadOptions, simulateLoad } from "./simulate-load.js";
import { CANDIDATES_MAX, SubsetSum } from "./subset-sum.js";

const LIMITS = { steps: 20_000, configurations: 10_000 };

function judged(history: readonly HistoryOp[], limits = LIMITS) {
  return blackBox(new BankCase(pairOperations(history), [], limits));
}

function load(options: Partial<LoadOptions>): HistoryOp[] {
  return [...simulateLoad(options)].map(({ seq, ...op }) =>
    op.type === "fail" && seq !== undefined ? { ...op, seq } : op,
  );
}

test("a load of any width is ordered without a search, whatever its outcomes that nobody learned", () => {
  for (const concurrency of [5, 20, 50]) {
    for (const infoShare of [0, 0.05]) {
      const { valid, figures } = judged(load({ operations: 3_000, concurrency, infoShare }));
      assert.is(valid, true, `${concurrency} clients`);
      assert.is(figures?.["order"], "inferred", `${concurrency} clients`);
    }
  }
});

test("where replies to writes name no balance, reads alone say what came before what", () => {
  const history = load({ operations: 3_000, concurrency: 5, balances: "in reads only" });
  const { valid, figures } = judged(history);
  assert.is(valid, true);
  assert.is(figures?.["order"], "inferred");
});

test("bare replies of 20 clients, some never heard, are ordered, whatever choices led nowhere at first", () => {
  for (const [infoShare, seeds] of [
    [0, [18, 21, 40]],
    [0.01, [9, 10]],
    [0.05, [7, 17, 29, 37]],
  ] as const) {
    for (const seed of seeds) {
      const options = { operations: 1_000, concurrency: 20, infoShare, seed };
      const { valid, figures } = judged(load({ ...options, balances: "in reads only" }));
      assert.is(valid, true, `${infoShare} ${seed}`);
      assert.is(figures?.["order"], "inferred", `${infoShare} ${seed}`);
    }
  }
});

test("two accounts, and more clients than sums can tell apart", () => {
  for (const concurrency of [20, 300]) {
    const options = { operations: 1_500, concurrency, accounts: 2, seed: 7 };
    assert.is(judged(load(options)).figures?.["order"], "inferred", `${concurrency} clients`);
  }
});

test("two accounts, wide windows, and writes that name no balance are never called invalid", () => {
  const undecided: number[] = [];
  for (let seed = 1; seed <= 30; seed++) {
    const options = { operations: 60, concurrency: 20, accounts: 2, seed };
    const { valid } = judged(load({ ...options, balances: "in reads only" }));
    assert.is.not(valid, false, `seed ${seed}`);
    if (valid !== true) undecided.push(seed);
  }
  assert.ok(undecided.length < 15, `undecided: ${undecided.join(", ")}`);
});

test("small amounts with unresolved operations are never called invalid", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const { history } = simulate({
      ...{ operations: 50, accounts: 2 + (seed % 3), processes: 4 + (seed % 4), seed },
      ...{ infoShare: 0.1, amountMax: 3, statementShare: 0 },
    });
    const silent = history.map(({ seq, ...op }) => (op.type === "fail" ? { ...op, seq } : op));
    assert.is.not(judged(silent as HistoryOp[]).valid, false, `seed ${seed}`);
  }
});

const OPENED = "p0 0-1 open A -> ok\n p0 2-3 open B -> ok\n p0 4-5 deposit A 100 -> 100\n";

test("a write is not taken because it would lead to the balance that is there", () => {
  // Whoever takes the withdrawal of 5 early, since the read fits then too, has none left for later.
  const text = `${OPENED}
    p1 10-90 deposit A 5 -> ?
    p2 11-80 withdraw A 5 -> 95
    p3 12-20 balance A -> 100
    p4 30-40 balance A -> 95
    p5 50-60 balance A -> 95`;
  assert.is(judged(historyFrom(text)).valid, true);
  assert.is(
    judged(historyFrom(text.replace("50-60 balance A -> 95", "85-86 balance A -> 100"))).valid,
    true,
  );
  assert.is(
    judged(historyFrom(text.replace("50-60 balance A -> 95", "85-86 balance A -> 105"))).valid,
    false,
  );
});

test("one unresolved write explains one balance only", () => {
  const text = `${OPENED}
    p1 10-20 deposit A 7 -> ?
    p2 30-40 balance A -> 107
    p3 50-60 balance A -> ${"114"}`;
  assert.is(judged(historyFrom(text)).valid, false);
  assert.is(judged(historyFrom(text.replace("114", "107"))).valid, true);
});

test("an unresolved move is seen on both of its accounts, or on none", () => {
  const text = (b: number) => `${OPENED}
    p1 10-20 move A B 7 -> ?
    p2 30-40 balance A -> 93
    p3 50-60 balance B -> ${b}`;
  assert.is(judged(historyFrom(text(7))).valid, true);
  assert.is(judged(historyFrom(text(0))).valid, false);
});

test("accounts that show two moves in different orders contradict each other", () => {
  const text = (balances: string) => `${OPENED}
    p1 10-50 move A B 7 -> ${balances}
    p2 10-50 move A B 5 -> 88 12`;
  assert.is(judged(historyFrom(text("93 7"))).valid, true);
  assert.is(judged(historyFrom(text("93 12"))).valid, false);
});

test("an opening of unknown outcome stands where the account was there", () => {
  const text = `p0 0-1 open A -> ?
    p1 2-3 deposit A 5 -> 5
    p2 4-5 open A -> !account-exists @1
    p3 6-7 balance B -> !no-such-account @1
    p4 8-9 move A B 3 -> !no-such-account @1`;
  const { valid, figures } = judged(historyFrom(text));
  assert.is(valid, true);
  assert.is(figures?.["order"], "inferred");
});

test("a refusal waits for the withdrawal that it needs, or for the money to overflow", () => {
  const refused = `${OPENED}
    p1 10-90 withdraw A 60 -> 40
    p2 11-20 withdraw A 50 -> !insufficient-funds @1`;
  assert.is(judged(historyFrom(refused)).figures?.["order"], "inferred");
  const overflow = `${OPENED}
    p1 10-90 deposit B ${2 ** 53 - 5} -> ${2 ** 53 - 5}
    p2 11-20 move A B 9 -> !overflow @1`;
  assert.is(judged(historyFrom(overflow)).valid, true);
  assert.is(judged(historyFrom(overflow.replace("A B 9", "B A 9"))).valid, false);
});

test("without balances in replies a withdrawal waits for the deposit that pays it", () => {
  const text = `${OPENED}
    p1 10-90 deposit A 60 -> 160
    p2 11-20 withdraw A 150 -> 10`;
  const silent = historyFrom(text).map((op) => {
    if (op.type !== "ok") return op;
    const { balance: _, ...asked } = Object(op.value);
    return { ...op, value: asked };
  });
  const { valid, figures } = judged(silent);
  assert.is(valid, true);
  assert.is(figures?.["order"], "inferred");
});

test("subsets are found where there are any, and told apart from several", () => {
  const subsets = new SubsetSum();
  const solve = (changes: readonly number[], target: number) => {
    subsets.changes.set(changes);
    return subsets.solve(changes.length, target);
  };
  for (const count of [0, 1, 11, 12, 13, 14, 20, CANDIDATES_MAX]) {
    const powers = Array.from({ length: count }, (_, index) => (index % 2 ? -1 : 1) * 2 ** index);
    const wanted = powers.map((_, index) => index % 3 !== 1);
    const target = powers.reduce((sum, change, index) => (wanted[index] ? sum + change : sum), 0);
    assert.is(solve(powers, target), "one", `${count}`);
    for (const index of wanted.keys()) assert.is(subsets.chosen(index), wanted[index], `${count}`);
    assert.is(solve(powers, 2 ** 33), "none", `${count}`);
    if (count === 0) continue;
    const doubled = powers.map((change) => 2 * change);
    assert.is(solve(doubled, 1), "none", `${count}`);
    assert.is(solve([...doubled.slice(0, -1), 0], 0), "several", `${count}`);
  }
  assert.is(solve([3, 3, ...Array(12).fill(100)], 3), "several");
  assert.is(subsets.solve(CANDIDATES_MAX + 1, 0), "too many");
  assert.is(solve([2 ** 53 - 1, 2], 2), "too many");
});

test.run();
