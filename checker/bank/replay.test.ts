import { test } from "uvu";
import * as assert from "uvu/assert";
import { pairOperations } from "../operations.js";
import { bankHistory } from "./bank-history.js";
import { historyFrom } from "./notation.js";
import { replay } from "./replay.js";

const { ops: OPS } = bankHistory(
  pairOperations(
    historyFrom(`
      p0 0-1 open A -> ok
      p1 2-9 deposit A 5 -> 5
      p2 3-4 balance A -> 0
      p3 5-6 deposit A 7 -> ?
      p4 7-8 withdraw A 9 -> !insufficient-funds @1`),
  ),
);

test("a good order passes, with operations of unknown outcome or without them", () => {
  assert.is(replay(OPS, [0, 2, 1, 4]), undefined);
  assert.is(replay(OPS, [0, 2, 4, 3]), "operation 1 is not in the order");
  assert.is(replay(OPS, [0, 2, 4, 1, 3]), undefined);
});

test("an order that contradicts an answer, or a refusal, is none", () => {
  assert.is(replay(OPS, [0, 1, 2, 4]), "operation 2 does not get its answer");
  assert.is(replay(OPS, [0, 2, 1, 3, 4]), "operation 4 does not get its answer");
});

test("an order that contradicts real time is none", () => {
  assert.is(replay(OPS, [2, 0, 1, 4]), "operation 2 does not get its answer");
  assert.is(replay(OPS, [0, 4, 2, 1]), "operation 2 was over before one placed ahead of it");
});

test("an order that lacks an operation, repeats one, or names none is none", () => {
  assert.is(replay(OPS, [0, 2, 1]), "operation 4 is not in the order");
  assert.is(replay(OPS, [0, 2, 2, 1, 4]), "position 2 is not one to place");
  assert.is(replay(OPS, [0, 2, 1, 4, 5]), "position 5 is not one to place");
});

test.run();
