import { test } from "uvu";
import * as assert from "uvu/assert";
import { HistoryError } from "../history-error.js";
import { pairOperations } from "../operations.js";
import { checkTransactions } from "./check-transactions.js";
import type { TransactionKind } from "./txn-operations.js";
import { asCheckResult } from "./verdict.js";

/** One transaction after the other, each by its completion; `invoked` where that said something else. */
function operationsOf(values: readonly unknown[], type: "ok" | "info" | "fail" = "ok") {
  return pairOperations(
    values.flatMap((value, index) => [
      {
        index: 2 * index,
        time: 2 * index,
        type: "invoke" as const,
        process: index,
        f: "txn",
        value,
      },
      { index: 2 * index + 1, time: 2 * index + 1, type, process: index, f: "txn", value },
    ]),
  );
}

test("a history of lists in Jepsen's shape, with or without the colons of keywords", () => {
  for (const [append, read] of [
    ["append", "r"],
    [":append", ":r"],
  ]) {
    const operations = operationsOf([[[append, 5, 1]], [[read, 5, []]], [[read, 5, [1]]]]);
    const { valid, anomalies } = checkTransactions(operations, "list-append");
    assert.is(valid, false);
    assert.equal(
      anomalies.map(({ name }) => name),
      ["G-single-realtime"],
    );
  }
});

test("the model that is claimed decides; what it allows is told all the same", () => {
  const operations = operationsOf([[["append", 5, 1]], [["r", 5, null]], [["r", 5, [1]]]]);
  const result = checkTransactions(operations, "list-append", { model: "serializable" });
  assert.is(result.valid, true);
  assert.match(
    asCheckResult(result).summary,
    /^only what serializable allows: G-single-realtime ×1/,
  );
  assert.equal(result.boundary.not, ["strong-snapshot-isolation"]);
  assert.equal(result.boundary.alsoNot, ["strong-serializable"]);
  assert.ok(result.boundary.survive.includes("strong-session-serializable"));
  assert.throws(
    () => checkTransactions(operations, "list-append", { model: "acid" }),
    /no consistency model "acid"/,
  );
});

test("a store that never shows what was appended is found out, however much was", () => {
  const values = Array.from({ length: 6_000 }, (_, index) =>
    index % 2 === 0 ? [["append", 5, index]] : [["r", 5, []]],
  );
  const { valid, anomalies, causes } = checkTransactions(operationsOf(values), "list-append");
  assert.is(valid, false);
  assert.equal(
    anomalies.map(({ name }) => name),
    ["G-single-realtime"],
  );
  assert.match(causes.join(), /pairs of a read and a write it missed were left out/);
});

test("registers, too", () => {
  const operations = operationsOf([[["w", "x", 1]], [["r", "x", null]]]);
  const { anomalies } = checkTransactions(operations, "rw-register");
  assert.equal(
    anomalies.map(({ name }) => name),
    ["G-single-realtime"],
  );
});

test("reads of what did not end well say nothing", () => {
  const operations = operationsOf(
    [
      [
        ["r", 5, null],
        ["append", 5, 1],
      ],
    ],
    "info",
  );
  const { valid, causes } = checkTransactions(operations, "list-append");
  assert.is(valid, "unknown");
  assert.equal(causes, ["no transaction was seen to depend on another"]);
});

test("values that are no transactions are refused in one line", () => {
  const cases: readonly (readonly [TransactionKind, unknown, RegExp])[] = [
    ["list-append", 5, /^op 0: the value of a transaction is a list of micro-ops$/],
    ["list-append", [5], /^op 0: a micro-op is \[f key value\]$/],
    ["list-append", [["w", 1, 2]], /^op 0: a micro-op of list-append is "r" or "append", not "w"$/],
    ["rw-register", [["append", 1, 2]], /^op 0: a micro-op of rw-register is "r" or "w"/],
    ["list-append", [["r", 1, 2]], /^op 0: a read of list-append shows a list, or nil$/],
  ];
  for (const [kind, value, message] of cases) {
    assert.throws(
      () => checkTransactions(operationsOf([value]), kind),
      (error: unknown) => error instanceof HistoryError && message.test(error.message),
    );
  }
});

test.run();
