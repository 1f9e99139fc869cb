import assert from "node:assert/strict";
import { test } from "uvu";
import { UsageError } from "../usage-error.js";
import { parseOperation, wordsOf } from "./hand-operation.js";

const parse = (line: string) => parseOperation(wordsOf(line));

test("both word orders of each operation mean the same", () => {
  const same: readonly [string, ...string[]][] = [
    ["get A", "balance A", "GET A"],
    ["deposit A 100", "deposit 100 to A", "DEPOSIT 100 TO A"],
    ["withdraw B 200", "withdraw 200 from B", "WITHDRAW 200 FROM B"],
    ["move B A 100", "move 100 from B to A", "move 100 to A from B", "MOVE from B to A 100"],
    ["statement A", "statement A 10"],
  ];
  for (const [first, ...others] of same) {
    for (const other of others) assert.deepEqual(parse(other), parse(first), other);
  }
});

test("operations carry the values that the ledger's calls have", () => {
  assert.deepEqual(parse("get A"), { f: "balance", value: { account: "A" } });
  assert.deepEqual(parse("deposit 100 to A"), {
    f: "deposit",
    value: { account: "A", amount: 100 },
  });
  assert.deepEqual(parse("move 7 from B to A"), {
    f: "move",
    value: { from: "B", to: "A", amount: 7 },
  });
  assert.deepEqual(parse("statement A 3"), { f: "statement", value: { account: "A", limit: 3 } });
  assert.deepEqual(parse('open A --address "1 Main St" --name \'Ann "A" Lee\''), {
    f: "open",
    value: { account: "A", name: 'Ann "A" Lee', address: "1 Main St" },
  });
});

test("accounts may be numbers, and may be called from and to", () => {
  assert.deepEqual(parse("deposit 5 to 7"), { f: "deposit", value: { account: "7", amount: 5 } });
  assert.deepEqual(parse("move 1 from to to from"), {
    f: "move",
    value: { from: "to", to: "from", amount: 1 },
  });
});

test("an amount that the ledger must refuse is sent, one that has no meaning is not", () => {
  assert.deepEqual(parse("deposit A -5"), { f: "deposit", value: { account: "A", amount: -5 } });
  assert.deepEqual(parse("deposit A 0"), { f: "deposit", value: { account: "A", amount: 0 } });
  for (const word of ["1.5", "1e3", "9007199254740993", "", "0x10"]) {
    assert.throws(() => parseOperation(["deposit", "A", word]), /is no amount/, word);
  }
});

test("what is no operation is refused with what was wanted, in one line", () => {
  const cases: readonly [string, RegExp][] = [
    ["steal A 100", /no operation "steal": want one of get, balance/],
    ["get", /want get ACCOUNT/],
    ["get A B", /want get ACCOUNT/],
    ["deposit 100 from A", /want deposit ACCOUNT AMOUNT/],
    ["move 100 B A 1 2", /want move FROM TO AMOUNT/],
    ["open", /want open ACCOUNT/],
    ["open A --name", /want open ACCOUNT .*found "--name"/],
    ["open A --colour red", /found "--colour"/],
    ["get Ä", /is no account/],
    ["statement A 65", /is no count: want 1 to 64/],
    [`open A --name ${"x".repeat(65)}`, /name is too long/],
    ['open A --name "Ann', /a quote that is not closed/],
  ];
  for (const [line, pattern] of cases) {
    assert.throws(
      () => parse(line),
      (error) =>
        error instanceof UsageError && pattern.test(error.message) && !error.message.includes("\n"),
      line,
    );
  }
});

test("comments and blanks leave no words", () => {
  assert.deepEqual(wordsOf("  # all of it"), []);
  assert.deepEqual(wordsOf(" get  A # the rest"), ["get", "A"]);
  assert.deepEqual(wordsOf("get A#1"), ["get", "A#1"]);
  assert.deepEqual(wordsOf(""), []);
});

test.run();
