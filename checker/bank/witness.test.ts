// The order of the writes that servers claim, and what it takes to be one that holds.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { pairOperations } from "../operations.js";
import { BankCase } from "./bank-case.js";
import { bankHistory } from "./bank-history.js";
import { bankTable } from "./bank-table.js";
import { historyFrom, runOf } from "./notation.js";
import { replayTable } from "./replay-table.js";
import { orderBySeq, writesBySeq } from "./seq-writes.js";
import { simulate } from "./simulate-bank.js";
import { placeAround } from "./write-order.js";

function tableOf(text: string) {
  return bankTable(bankHistory(pairOperations(historyFrom(text))).ops);
}

/** Rows are numbered by call; the order that is found, or what is wrong. */
function placed(text: string, ...writes: number[]) {
  const table = tableOf(text);
  const placement = placeAround(table, Int32Array.from(writes));
  if (!("order" in placement)) return placement;
  assert.is(replayTable(table, placement.order), undefined);
  return [...placement.order];
}

const OPENED = "p0 0-1 open A -> ok\n p0 2-3 deposit A 100 -> 100\n";

test("reads stand as early as their window and their answer let them", () => {
  const text = `${OPENED}
    p1 10-90 deposit A 7 -> 107
    p2 11-90 balance A -> 100
    p3 12-90 balance A -> 107
    p4 13-90 balance B -> !no-such-account @1`;
  assert.equal(placed(text, 0, 1, 2), [0, 1, 3, 5, 2, 4]);
});

test("a read that returned pushes what begins later behind it", () => {
  const text = `${OPENED}
    p1 10-90 deposit A 7 -> 107
    p2 11-20 balance A -> 107
    p3 30-90 balance A -> 100`;
  assert.equal(placed(text, 0, 1, 2), { row: 4, wrong: "answer" });
});

test("a write that stands behind one that began after its end contradicts real time", () => {
  const text = `${OPENED}
    p1 10-20 deposit A 7 -> 108
    p2 30-40 deposit A 1 -> 101`;
  assert.equal(placed(text, 0, 1, 3, 2), { row: 3, wrong: "real time" });
  // Its end at the other's beginning does not: at one instant they are concurrent.
  assert.equal(placed(text.replace("10-20", "10-30"), 0, 1, 3, 2), [0, 1, 3, 2]);
});

test("a read between a write's end and another's beginning stands between the two", () => {
  const text = `${OPENED}
    p1 10-20 deposit A 7 -> 107
    p2 25-28 balance A -> 108
    p3 30-40 deposit A 1 -> 108`;
  assert.equal(placed(text, 0, 1, 2, 4), { row: 3, wrong: "answer" });
});

test("an answered write that is not in the order is missing; an unanswered one has not happened", () => {
  const text = `${OPENED}
    p1 10-20 deposit A 7 -> 107
    p2 30-40 deposit A 5 -> ?`;
  assert.equal(placed(text, 0, 1), { row: 2, wrong: "missing" });
  assert.equal(placed(text, 0, 1, 2), [0, 1, 2]);
  assert.equal(placed(text, 0, 1, 2, 3), [0, 1, 2, 3]);
});

test("writes that break a rule of the bank, or answer otherwise, are named", () => {
  const overdraft = `${OPENED} p1 10-20 withdraw A 101 -> ?`;
  assert.equal(placed(overdraft, 0, 1, 2), { row: 2, wrong: "answer" });
  const unopened = `${OPENED} p1 10-20 move A B 5 -> ?`;
  assert.equal(placed(unopened, 0, 1, 2), { row: 2, wrong: "answer" });
  const twice = `${OPENED} p1 10-20 open A -> ok`;
  assert.equal(placed(twice, 0, 1, 2), { row: 2, wrong: "answer" });
  const other = `${OPENED} p0 4-5 open B -> ok\n p1 10-20 move A B 5 -> 95 6`;
  assert.equal(placed(other, 0, 1, 2, 3), { row: 3, wrong: "answer" });
  assert.equal(placed(other.replace("95 6", "95 5"), 0, 1, 2, 3), [0, 1, 2, 3]);
});

test("refusals stand where their reason holds", () => {
  const text = `${OPENED}
    p1 10-90 withdraw A 60 -> 40
    p2 11-90 withdraw A 50 -> !insufficient-funds @1
    p3 12-90 open A -> !account-exists @1
    p4 13-90 move A B 5 -> !no-such-account @1
    p5 14-90 open B -> ok
    p6 15-90 move B A 1 -> !insufficient-funds @1
    p7 16-90 deposit A 5 -> !same-account @1`;
  assert.equal(placed(text, 0, 1, 2, 6), { row: 8, wrong: "answer" });
  const possible = text.split("\n").slice(0, -1).join("\n");
  assert.equal(placed(possible, 0, 1, 2, 6), [0, 1, 4, 5, 2, 3, 6, 7]);
  const funds = `${OPENED} p1 10-20 withdraw A 100 -> !insufficient-funds @1`;
  assert.equal(placed(funds, 0, 1), { row: 2, wrong: "answer" });
});

test("overflow is judged by the account that a move fills, and for deposits by the sum of all", () => {
  const much = 2 ** 53 - 150;
  const text = `${OPENED}
    p1 10-20 deposit A 60 -> 160
    p1 21-22 open B -> ok
    p1 23-24 deposit B ${much} -> ${much}`;
  const rows = [0, 1, 2, 3, 4];
  const deposit = `${text}\n p2 30-40 deposit A 10 -> !overflow @1`;
  assert.equal(placed(deposit, ...rows), [0, 1, 2, 3, 4, 5]);
  const early = deposit.replace("30-40", "6-7");
  assert.equal(placed(early, 0, 1, 3, 4, 5), { row: 2, wrong: "answer" });
  assert.equal(placed(`${text}\n p2 30-40 move A B 160 -> !overflow @1`, ...rows), [...rows, 5]);
  const fits = placed(`${text}\n p2 30-40 move A B 149 -> !overflow @1`, ...rows);
  assert.equal(fits, { row: 5, wrong: "answer" });
});

test("statements stand where they show what the account had", () => {
  const text = (shown: string) => `${OPENED}
    p1 10-90 withdraw A 60 -> 40
    p2 11-90 deposit A 60 -> 100
    p3 12-90 statement A 2 -> 100 ${shown}`;
  assert.equal(placed(text("3 [-60,60]"), 0, 1, 2, 3), [0, 1, 2, 3, 4]);
  assert.equal(placed(text("1 [100]"), 0, 1, 2, 3), [0, 1, 4, 2, 3]);
  for (const wrong of ["2 [-60,60]", "3 [60,-60]", "3 [100,-60,60]", "3 [60]"]) {
    assert.equal(placed(text(wrong), 0, 1, 2, 3), { row: 4, wrong: "answer" }, wrong);
  }
});

test("seqs order writes whether they are dense or not, and answers order those of a batch", () => {
  const table = tableOf(`
    p0 0-1 open A -> ok
    p1 2-9 deposit A 1 -> 6
    p2 2-9 deposit A 3 -> 3
    p3 2-9 deposit A 2 -> 5
    p4 2-9 balance A -> 5
    p5 2-9 withdraw A 1 -> ?`);
  for (const scale of [1, 1e6]) {
    const seqs = Float64Array.of(1, 2, 2, 2, 1, Number.NaN).map((seq) => seq * scale);
    assert.equal([...writesBySeq(table, seqs)], [0, 2, 3, 1]);
  }
});

test("where every answer names a seq, those order reads and writes alike", () => {
  const table = tableOf(`
    p0 0-1 open A -> ok
    p1 2-9 deposit A 1 -> 6
    p2 2-9 deposit A 3 -> 3
    p3 2-9 balance A -> 5
    p4 2-9 deposit A 2 -> 5
    p5 2-9 withdraw A 1 -> ?`);
  const order = (...seqs: number[]) => [...(orderBySeq(table, Float64Array.from(seqs)) ?? [])];
  assert.equal(order(1, 5, 2, 4, 3, Number.NaN), [0, 2, 4, 3, 1], "one by one");
  assert.equal(order(1, 2, 2, 2, 2, Number.NaN), [0, 2, 4, 3, 1], "a batch, the read in time");
  assert.equal(order(1, 3, 2, 2, 2, Number.NaN), [0, 2, 4, 3, 1], "a batch");
  assert.equal(order(1, 5, 2, 3, 4, Number.NaN), [], "an answer that the order does not give");
  assert.equal(order(1, 5, 2, Number.NaN, 3, 9), [], "an answer without a seq");
});

test("a ledger of another run is no witness, and says what it lacks", () => {
  const { history } = simulate({ operations: 50, infoShare: 0, seed: 1 });
  const { ledgers } = simulate({ operations: 50, infoShare: 0, seed: 2 });
  const unclaimed = history.map(({ seq, ...op }) => (op.type === "fail" ? { ...op, seq } : op));
  const { claimed } = new BankCase(pairOperations(unclaimed as typeof history), ledgers);
  assert.match(
    "failure" in claimed ? claimed.failure : "",
    /^(not in the ledger|does not get its)/,
  );
});

test("an entry that nobody asked for is no write of the history", () => {
  const run = runOf(`${OPENED.replaceAll("\n", " @1\n")} p1 4-5 deposit A 5 -> ? @2`);
  const heard = run.history.filter(({ process }) => process === 0);
  const { claimed } = new BankCase(pairOperations(heard), run.ledgers);
  assert.is("claim" in claimed && claimed.claim, "by ledger");
});

test("replay has the last word: on real time, on answers, on what is left out or there twice", () => {
  const table = tableOf(`${OPENED}
    p1 10-20 deposit A 7 -> 107
    p2 30-40 balance A -> 107
    p3 50-60 deposit A 5 -> ?`);
  const says = (...rows: number[]) => replayTable(table, Int32Array.from(rows));
  assert.is(says(0, 1, 2, 3), undefined);
  assert.is(says(0, 1, 2, 3, 4), undefined);
  assert.is(says(0, 1, 2), "row 3 is not in the order");
  assert.is(says(0, 1, 3, 2), "row 3 does not get its answer");
  assert.is(says(0, 1, 2, 2), "row 2 is not one to place");
  assert.is(says(0, 1, 2, 5), "row 5 is not one to place");
  assert.is(says(0, 1, 2, 4, 3), "row 3 was over before one placed ahead of it");
});

test.run();
