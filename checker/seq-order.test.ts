import { test } from "uvu";
import * as assert from "uvu/assert";
import { historyFrom } from "./bank/notation.js";
import { simulate } from "./bank/simulate-bank.js";
import { pairOperations } from "./operations.js";
import { seqOrder } from "./seq-order.js";
import { statistics } from "./statistics.js";

function judged(text: string) {
  return seqOrder(pairOperations(historyFrom(text)));
}

test("accepted: concurrent operations in any order, several at one seq", () => {
  const { valid } = judged(`
    p0 0-10 open A -> ok @2
    p1 5-15 balance A -> !no-such-account @1
    p2 12-20 balance A -> 0 @2`);
  assert.is(valid, true);
});

test("rejected: a later write below an earlier one", () => {
  const { valid, explanation } = judged(`
    p0 0-10 open A -> ok @5
    p1 11-15 deposit A 5 -> 5 @4`);
  assert.is(valid, false);
  assert.match(explanation?.[0] ?? "", /open .* seq 5/);
  assert.match(explanation?.[2] ?? "", /deposit .* seq 4/);
});

test("rejected: a read below a write that was over long before", () => {
  const result = judged(`
    p0 0-10 open A -> ok @5
    p1 5-30 balance A -> 0 @6
    p2 20-40 balance A -> 0 @6
    p3 50-60 balance A -> !no-such-account @3`);
  assert.is(result.valid, false);
  assert.is(result.figures?.["contradictions"], 1);
});

test("rejected: a refusal counts too", () => {
  const { valid } = judged(`
    p0 0-10 withdraw A 5 -> !no-such-account @5
    p1 11-15 open A -> ok @4`);
  assert.is(valid, false);
});

test("accepted: an end and a beginning at the same instant are concurrent", () => {
  const { valid } = judged(`
    p0 0-10 open A -> ok @5
    p1 10-15 balance A -> !no-such-account @4`);
  assert.is(valid, true);
});

test("unknown: no seq was told", () => {
  assert.is(judged("p0 0-10 open A -> ok").valid, "unknown");
});

test("each operation is compared with all that were over before it", () => {
  const operations = pairOperations(simulate({ operations: 300, seed: 5 }).history);
  const scrambled = operations.map((operation, index) => ({
    ...operation,
    seq: (index * 7919) % 301,
  }));
  const claimed = scrambled.filter(({ outcome }) => outcome !== "info");
  const expected = claimed.filter((late) =>
    claimed.some((early) => early.ret < late.call && early.seq > late.seq),
  ).length;
  assert.ok(expected > 100);
  assert.is(seqOrder(scrambled).figures?.["contradictions"], expected);
});

test("statistics: a function without a single ok is unknown, and named", () => {
  const text = `p0 0-10 open A -> ok @1
    p0 11-12 deposit A 5 -> ?
    p1 20-21 withdraw A 5 -> !insufficient-funds @2`;
  const { valid, summary, figures } = statistics(pairOperations(historyFrom(text)));
  assert.is(valid, "unknown");
  assert.is(summary, "not one ok among the operations of deposit, withdraw");
  assert.is(figures?.["deposit info"], 1);
  assert.is(figures?.["withdraw fail"], 1);
});

test("statistics: every function succeeded once", () => {
  const text = `p0 0-10 open A -> ok @1
    p0 11-12 open A -> !account-exists @2`;
  const result = statistics(pairOperations(historyFrom(text)));
  assert.is(result.valid, true);
  assert.is(result.summary, "2 operations: 1 ok, 1 fail, 0 info");
  assert.is(statistics([]).valid, "unknown");
});

test.run();
