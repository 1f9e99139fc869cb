import { test } from "uvu";
import * as assert from "uvu/assert";
import { historyFrom } from "./bank/notation.js";
import { pairOperations } from "./operations.js";
import { progress } from "./progress.js";

/** Healed at 100, with a bound of 50; processes with even numbers are c0's, the others c1's. */
function judged(text: string) {
  const history = historyFrom(text);
  const record = { history, faults: [], ledgers: [], correctReplicas: [], expectedFaults: [] };
  return progress(pairOperations(history), { ...record, healedAt: 100, recoveryBoundNs: 50 });
}

function is(valid: boolean | "unknown", name: string, text: string, mention: RegExp): void {
  test(`${valid}: ${name}`, () => {
    const result = judged(text);
    assert.is(result.valid, valid, result.summary);
    assert.match(result.summary, mention);
  });
}

is(
  true,
  "all served within the bound",
  `
  p0 0-90 balance A -> ?
  p0 110-150 balance A -> 0 @1
  p1 120-170 withdraw A 5 -> !insufficient-funds @2`,
  /^served 0.0 ms after healing; all 2 operations within/,
);
is(
  true,
  "one given up, but its client process is served in time",
  `
  p0 110-140 balance A -> ?
  p2 111-145 balance A -> 0 @1
  p0 200-210 balance A -> 0 @2`,
  /^served/,
);
is(
  true,
  "one in flight when the run ends",
  `
  p0 110-120 balance A -> 0 @1
  p0 130 balance A -> ?`,
  /^served/,
);

is(
  false,
  "an answer after the bound",
  `
  p0 110-161 balance A -> 0 @1`,
  /1 operation invoked after healing .* had no answer within/,
);
is(
  false,
  "one never answered",
  `
  p0 110 balance A -> ?
  p2 120-130 balance A -> 0 @1
  p2 190-200 balance A -> 0 @2`,
  /1 operation/,
);
is(
  false,
  "one given up after the bound",
  `
  p0 110-170 deposit A 5 -> ?
  p2 175-180 balance A -> 0 @1`,
  /1 operation/,
);
is(
  false,
  "one client process is not served, the other is",
  `
  p0 110-120 balance A -> 0 @1
  p1 110-130 balance A -> ?
  p1 131-150 balance A -> ?
  p0 190-200 balance A -> 0 @2`,
  /2 operations invoked after healing/,
);
is(
  false,
  "fails that are no refusals of the ledger are no answers",
  `
  p0 110-120 balance A -> failed
  p0 190-200 balance A -> failed`,
  /1 operation/,
);

is(
  "unknown",
  "nothing invoked after healing",
  "p0 0-120 balance A -> 0 @1",
  /no operation was invoked after healing/,
);
is(
  "unknown",
  "the run ended before the bound",
  `
  p0 110-120 balance A -> ?
  p0 125-140 balance A -> ?`,
  /the run ended too early after healing/,
);
is(
  "unknown",
  "the run ended before one client process was served",
  `
  p0 110-120 balance A -> 0 @1
  p1 110-130 balance A -> ?`,
  /too early to tell whether c1 is served again/,
);

test("unknown: never healed", () => {
  const record = { history: [], faults: [], ledgers: [], correctReplicas: [], expectedFaults: [] };
  assert.is(progress([], record).valid, "unknown");
});

test("the time to recover is told for each fault that landed and ended", () => {
  const history = historyFrom(`
    p0 0-5 balance A -> 0 @1
    p0 25-70 balance A -> ?
    p1 35-60 balance A -> 0 @2
    p3 62-64 balance A -> 0 @3
    p1 110-120 balance A -> 0 @4`);
  const fault = { label: "pause r0", start: 10, stop: 30, landed: true, evidence: "" };
  const record = {
    history,
    faults: [
      { ...fault, id: "f1" },
      { ...fault, id: "f2", stop: 61 },
      { ...fault, id: "f3", landed: false },
      { ...fault, id: "f4", stop: 500 },
    ],
    ledgers: [],
    correctReplicas: [],
    expectedFaults: [],
  };
  const operations = pairOperations(history);
  const { figures, summary } = progress(operations, {
    ...record,
    healedAt: 100,
    recoveryBoundNs: 50,
  });
  const told = Object.entries(figures ?? {}).filter(([name]) => name.startsWith("recovery ns"));
  assert.equal(told, [
    ["recovery ns, f1 (pause r0)", 30],
    ["recovery ns, f2 (pause r0)", 3],
  ]);
  assert.match(summary, /after each of 2 faults within/);
});

test("the time to recover and the slowest operation are figures", () => {
  const { figures } = judged(`
    p0 110-130 balance A -> 0 @1
    p1 120-165 balance A -> 0 @2`);
  assert.equal(figures, {
    invoked: 2,
    acknowledged: 2,
    "bound ns": 50,
    "first acknowledgement ns": 30,
    "slowest ns": 45,
  });
});

test.run();
