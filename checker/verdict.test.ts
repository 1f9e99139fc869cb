import { test } from "uvu";
import * as assert from "uvu/assert";
import { runOf } from "./bank/notation.js";
import { randomOf, simulate } from "./bank/simulate-bank.js";
import { checkRun } from "./check.js";
import type { HistoryOp } from "./history.js";
import { exitCode, mergeValid } from "./verdict.js";

test("the worst finding decides", () => {
  assert.is(mergeValid([true, true]), true);
  assert.is(mergeValid([true, "unknown"]), "unknown");
  assert.is(mergeValid(["unknown", false, true]), false);
  assert.is(mergeValid([]), "unknown");
});

test("exit codes are Jepsen's", () => {
  assert.equal([exitCode(true), exitCode(false), exitCode("unknown")], [0, 1, 2]);
});

test("a correct run passes every check", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const verdict = checkRun(simulate({ seed, operations: 400 }));
    assert.is(verdict["valid?"], true, JSON.stringify(verdict, null, 1));
    assert.equal(Object.keys(verdict.checks), [
      "linearizable",
      "black-box",
      "seq-order",
      "cycles",
      "conservation",
      "durability",
      "agreement",
      "progress",
      "evidence",
      "statistics",
      "unhandled-errors",
    ]);
  }
});

test("a pass without evidence is unknown", () => {
  const { "valid?": valid, checks } = checkRun(
    runOf(`
      p0 0-1 open A -> ok @1
      p0 2-3 balance A -> 0 @2`),
  );
  assert.is(checks["linearizable"]?.valid, true);
  assert.is(checks["evidence"]?.valid, "unknown");
  assert.is(valid, "unknown");
});

test("a history alone is judged by what it can tell", () => {
  const { history } = simulate({ operations: 400 });
  const alone = { history, faults: [], ledgers: [], correctReplicas: [], expectedFaults: [] };
  const verdict = checkRun(alone);
  assert.is(verdict["valid?"], true);
  assert.equal(Object.keys(verdict.checks), [
    "linearizable",
    "black-box",
    "seq-order",
    "evidence",
    "statistics",
    "unhandled-errors",
  ]);
  const withoutSeqs = history.map(({ seq: _, ...op }) => op);
  const fewer = checkRun({ ...alone, history: withoutSeqs });
  assert.equal(Object.keys(fewer.checks), [
    "linearizable",
    "black-box",
    "evidence",
    "statistics",
    "unhandled-errors",
  ]);
});

test("ledgers that should be there and are not make a run unknown", () => {
  const verdict = checkRun({ ...simulate({ operations: 400 }), ledgers: [] });
  assert.is(verdict["valid?"], "unknown");
  assert.is(verdict.checks["agreement"]?.valid, "unknown");
  assert.is(verdict.checks["durability"]?.valid, "unknown");
});

test("what is no history is unknown, and says why", () => {
  const op: HistoryOp = { index: 0, time: 0, type: "ok", process: 0, f: "open", value: {} };
  const record = { faults: [], ledgers: [], correctReplicas: [], expectedFaults: [] };
  const verdict = checkRun({ ...record, history: [op] });
  assert.is(verdict["valid?"], "unknown");
  assert.match(verdict.checks["history"]?.crashed ?? "", /^op 0: process 0 completes open/);
});

test("a check that fails itself is crashed and unknown, and the others still judge", () => {
  const run = simulate({ operations: 400 });
  const broken = run.ledgers.map((dump) => ({
    ...dump,
    get accounts(): never {
      throw new Error("no such table");
    },
  }));
  const verdict = checkRun({ ...run, ledgers: broken });
  assert.is(verdict["valid?"], "unknown");
  assert.is(verdict.checks["agreement"]?.crashed, "no such table");
  assert.is(verdict.checks["linearizable"]?.valid, true);
});

test("values from anywhere never crash a check", () => {
  const random = randomOf(11);
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
  const strange = [
    null,
    undefined,
    0,
    -1,
    1.5,
    2 ** 60,
    "",
    "A",
    "__proto__",
    [],
    {},
    { account: 5 },
    [[]],
    true,
  ];
  for (let round = 0; round < 300; round++) {
    const { history, ...run } = simulate({ operations: 15, accounts: 2, seed: round });
    const spoilt = history.map((op) => {
      if (random() < 0.7) return op;
      const fields = Object.entries(Object(op.value)).map(([key, field]) => [
        key,
        random() < 0.5 ? field : pick(strange),
      ]);
      return { ...op, value: random() < 0.3 ? pick(strange) : Object.fromEntries(fields) };
    });
    const verdict = checkRun(
      { ...run, history: spoilt },
      { search: { steps: 20_000, configurations: 5_000 } },
    );
    for (const [name, { crashed }] of Object.entries(verdict.checks)) {
      assert.is(crashed, undefined, `${name}, round ${round}`);
    }
  }
});

test("a verdict is the same byte for byte, and survives JSON", () => {
  const run = simulate({ operations: 300 });
  const verdict = checkRun(run);
  assert.is(JSON.stringify(checkRun(run)), JSON.stringify(verdict));
  assert.equal(JSON.parse(JSON.stringify(verdict)), verdict);
  const reread = JSON.parse(JSON.stringify(run));
  assert.is(JSON.stringify(checkRun(reread)), JSON.stringify(verdict));
});

test.run();
