import { test } from "uvu";
import * as assert from "uvu/assert";
import { historyFrom } from "./bank/notation.js";
import { evidence } from "./evidence.js";
import { pairOperations } from "./operations.js";
import type { FaultSpan } from "./run-record.js";

const HISTORY = historyFrom(`
  p0 0-1 open A -> ok @1
  p0 2-3 balance A -> 0 @2
  p0 10-20 deposit A 5 -> 5 @3
  p1 12-90 deposit A 5 -> ?
  p0 100-110 balance A -> 5 @4
`);
const FEW = { okReadsMin: 2, okWritesMin: 2 };
const PARTITION: FaultSpan = {
  id: "f1",
  label: "partition isolate primary → r0",
  start: 15,
  stop: 40,
  landed: true,
  evidence: "dropped 12 datagrams",
};

function judged(faults: readonly FaultSpan[], expectedFaults: readonly string[], options = FEW) {
  const record = { history: HISTORY, faults, ledgers: [], correctReplicas: [], expectedFaults };
  return evidence(pairOperations(HISTORY), record, options);
}

test("accepted: operations, and every fault that was planned", () => {
  const { valid, summary, explanation } = judged([PARTITION], ["partition"]);
  assert.is(valid, true);
  assert.is(
    summary,
    "2 reads and 2 writes succeeded; 1 of 1 fault landed, each with operations in flight",
  );
  assert.equal(explanation, [
    "f1 partition isolate primary → r0: 2 operations in flight, 1 completed; dropped 12 datagrams",
  ]);
});

test("accepted: without faults where none was planned", () => {
  assert.is(judged([], []).valid, true);
});

test("accepted: one of two faults of a kind landed", () => {
  const missed = { ...PARTITION, id: "f2", landed: false, evidence: "0 datagrams" };
  assert.is(judged([missed, PARTITION], ["partition"]).valid, true);
});

function lacks(name: string, result: ReturnType<typeof judged>, mention: RegExp): void {
  test(`unknown: ${name}`, () => {
    assert.is(result.valid, "unknown");
    assert.match(result.summary, mention);
  });
}

lacks(
  "too few reads",
  judged([], [], { okReadsMin: 3, okWritesMin: 1 }),
  /2 ok reads where 3 are needed/,
);
lacks(
  "too few writes",
  judged([], [], { okReadsMin: 1, okWritesMin: 3 }),
  /2 ok writes where 3 are needed/,
);
lacks(
  "a planned fault was never started",
  judged([PARTITION], ["partition", "kill"]),
  /no kill fault landed: none was started/,
);
lacks(
  "a planned fault did not land",
  judged([{ ...PARTITION, landed: false, evidence: "0 datagrams" }], ["partition"]),
  /no partition fault landed: 0 datagrams/,
);
lacks(
  "a fault of a kind whose name only begins the same",
  judged([{ ...PARTITION, label: "partitioned r0" }], ["partition"]),
  /no partition fault landed/,
);
lacks(
  "nothing was asked during a fault",
  judged([{ ...PARTITION, start: 92, stop: 95 }], ["partition"]),
  /nobody asked anything during partition/,
);
lacks(
  "nothing was served during a fault that leaves a quorum",
  judged([{ ...PARTITION, start: 30, serving: true }], ["partition"]),
  /nothing was served during partition/,
);

test("accepted: nothing was served during a total outage, but it was tried", () => {
  assert.is(judged([{ ...PARTITION, start: 30 }], ["partition"]).valid, true);
});

test("a fault that was never healed lasts to the end", () => {
  const { stop: _, ...open } = PARTITION;
  assert.match(judged([open], []).explanation?.[0] ?? "", /3 operations in flight, 2 completed/);
});

test.run();
