import { test } from "uvu";
import * as assert from "uvu/assert";
import type { HistoryOp, OpType } from "../../checker/history.js";
import { lanesOf, operationsOf } from "./operations.js";

function event(time: number, type: OpType, process: number, value: unknown = null): HistoryOp {
  return { index: time, time, type, process, f: "balance", value };
}

test("each completion closes its own process's operation", () => {
  const operations = operationsOf([
    event(1, "invoke", 0, "asked 0"),
    event(2, "invoke", 1, "asked 1"),
    event(3, "ok", 1, "answered 1"),
    event(4, "info", 0),
    event(5, "invoke", 1),
  ]);
  assert.equal(
    operations.map(({ process, outcome, start, stop, value }) => [
      process,
      outcome,
      start,
      stop,
      value,
    ]),
    [
      [0, "info", 1, 4, "asked 0"],
      [1, "ok", 2, 3, "answered 1"],
      [1, "open", 5, undefined, null],
    ],
  );
});

test("the nemesis is no client, and a completion out of nowhere is still shown", () => {
  const nemesis: HistoryOp = { ...event(1, "info", 0), process: "nemesis" };
  const operations = operationsOf([nemesis, event(2, "fail", 7)]);
  assert.equal(
    operations.map(({ process, outcome, start, stop }) => [process, outcome, start, stop]),
    [[7, "fail", 2, 2]],
  );
});

test("a process with a new number takes the lane of the one that crashed, never a busy one", () => {
  const operations = operationsOf([
    event(1, "invoke", 0),
    event(2, "invoke", 1),
    event(3, "info", 0),
    event(4, "invoke", 2),
    event(5, "invoke", 3),
    event(6, "ok", 1),
  ]);
  const lanes = lanesOf(operations);
  assert.equal(
    [...lanes],
    [
      [0, 0],
      [1, 1],
      [2, 0],
      [3, 2],
    ],
  );
});

test.run();
