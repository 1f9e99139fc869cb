import assert from "node:assert/strict";
import { test } from "uvu";
import type { ClientAnswer } from "../../node/runtime/client-call.js";
import { tellAnswer } from "./answer-line.js";
import { parseOperation, wordsOf } from "./hand-operation.js";

function tell(line: string, answer: Pick<ClientAnswer, "type"> & Partial<ClientAnswer>) {
  const base = { id: 0, value: null, client: 1, startedNs: "0", endedNs: "1" };
  return tellAnswer(parseOperation(wordsOf(line)), { ...base, ...answer }, 10_000);
}

test("what was done is told with the balances and the seq", () => {
  const cases: readonly [string, object, string][] = [
    ["get A", { balance: 7 }, "A has 7 (seq 3)"],
    ["deposit A 5", { balance: 7 }, "deposited 5 to A, which has 7 (seq 3)"],
    ["withdraw A 5", { balance: 7 }, "withdrew 5 from A, which has 7 (seq 3)"],
    [
      "move 5 from A to B",
      { fromBalance: 1, toBalance: 2 },
      "moved 5 from A, which has 1, to B, which has 2 (seq 3)",
    ],
    ["open A", {}, "opened A (seq 3)"],
    [
      "statement A",
      { balance: 7, entryCount: 2, amounts: [10, -3] },
      "A has 7 after 2 movements; newest last: +10 -3 (seq 3)",
    ],
  ];
  for (const [line, value, expected] of cases) {
    assert.deepEqual(tell(line, { type: "ok", value, seq: 3 }), { line: expected, exitCode: 0 });
  }
});

test("a refusal says why, and exits 1", () => {
  assert.deepEqual(tell("withdraw A 5", { type: "fail", error: "insufficient-funds", seq: 3 }), {
    line: "refused: the balance is too low (insufficient-funds) (seq 3)",
    exitCode: 1,
  });
});

test("a time-out is not known, exits 2, and warns before a repetition", () => {
  assert.deepEqual(tell("deposit A 5", { type: "info", error: "timeout" }), {
    line: "not known: no answer within 10 s; it may yet be executed: ask for the balance before you repeat it",
    exitCode: 2,
  });
  assert.match(tell("get A", { type: "info", error: "timeout" }).line, /ask again$/);
});

test.run();
