import { test } from "uvu";
import * as assert from "uvu/assert";
import type { HistoryOp } from "../history.js";
import { judgeHistory } from "../judge-history.js";
import { type Operation, pairOperations } from "../operations.js";
import { unhandledErrors } from "../unhandled-errors.js";
import type { CheckResult } from "../verdict.js";
import { checkCounter } from "./counter.js";
import { checkSet } from "./set-full.js";
import { checkTotalQueue } from "./total-queue.js";

/** One operation a line: "0-1 add 1", "2-3 read -> [1]", "4- add 2" (info), "5-6 fail add 3". */
function operations(text: string): Operation[] {
  const events = text
    .trim()
    .split("\n")
    .flatMap((line, process): Omit<HistoryOp, "index">[] => {
      const [, call, ret, failed, f = "", asked, answer] =
        /^(\d+)-(\d*) (fail )?(\S+)(?: ([^>]+?))?(?: -> (.+))?$/.exec(line.trim()) ?? [];
      const value: unknown = JSON.parse(asked ?? "null");
      const invoke = { time: Number(call), type: "invoke" as const, process, f, value };
      if (ret === undefined || ret === "") return [invoke];
      const type = failed === undefined ? ("ok" as const) : ("fail" as const);
      const answered: unknown = answer === undefined ? value : JSON.parse(answer);
      return [invoke, { time: Number(ret), type, process, f, value: answered }];
    })
    .sort((a, b) => a.time - b.time);
  return pairOperations(events.map((event, index) => ({ index, ...event })));
}

type Check = (operations: readonly Operation[]) => CheckResult;

function accepts(claim: string, check: Check, text: string): void {
  test(`accepted: ${claim}`, () => {
    const { valid, summary } = check(operations(text));
    assert.is(valid, true, summary);
  });
}

function rejects(claim: string, check: Check, text: string, mention: RegExp): void {
  test(`rejected: ${claim}`, () => {
    const { valid, summary } = check(operations(text));
    assert.is(valid, false, summary);
    assert.match(summary, mention);
  });
}

accepts(
  "a set that keeps what was added",
  checkSet,
  "0-1 add 1\n2-3 read -> [1]\n4-5 add 2\n6-7 read -> [2,1]",
);
accepts("an add that a read overlaps", checkSet, "0-5 add 1\n2-3 read -> []\n6-7 read -> [1]");
accepts("an add of unknown fate, seen late", checkSet, "0- add 1\n2-3 read -> []\n6-7 read -> [1]");
accepts("an add of unknown fate, never seen", checkSet, "0- add 1\n1-2 add 2\n6-7 read -> [2]");
rejects("a lost element", checkSet, "0-1 add 1\n2-3 read -> [1]\n4-5 read -> []", /^1 is lost/);
rejects(
  "an acknowledged element that no read shows",
  checkSet,
  "0-1 add 1\n2-3 read -> []",
  /^1 is lost/,
);
rejects(
  "a lost element of unknown fate, once seen",
  checkSet,
  "0- add 1\n2-3 read -> [1]\n4-5 read -> []",
  /^1 is lost/,
);
rejects(
  "a stale read",
  checkSet,
  "0-1 add 1\n2-3 read -> []\n4-5 read -> [1]",
  /^1 was missed for a while/,
);
rejects("an element twice", checkSet, "0-1 add 1\n2-3 read -> [1,1]", /^1 stands twice/);
rejects("an element from nowhere", checkSet, "0-1 add 1\n2-3 read -> [1,2]", /^2 was never added/);
rejects(
  "an element whose add failed",
  checkSet,
  "0-1 fail add 1\n2-3 read -> [1]",
  /^1 was never added/,
);

test("a stale read is no fault where stale reads are allowed", () => {
  const history = operations("0-1 add 1\n2-3 read -> []\n4-5 read -> [1]");
  const { valid, figures } = checkSet(history, { staleReads: "allowed" });
  assert.is(valid, true);
  assert.is(figures?.["stale"], 1);
});

test("a set that nobody read is unknown", () => {
  assert.is(checkSet(operations("0-1 add 1")).valid, "unknown");
});

accepts(
  "reads between the bounds",
  checkCounter,
  "0-1 add 2\n2-5 add 3\n3-4 read -> 2\n6-7 read -> 5",
);
accepts("a read that saw an add under way", checkCounter, "0-1 add 2\n2-5 add 3\n3-4 read -> 5");
accepts("an add of unknown fate", checkCounter, "0- add 2\n3-4 read -> 0\n5-6 read -> 2");
accepts(
  "a negative add under way",
  checkCounter,
  "0-1 add 5\n2-9 add -3\n3-4 read -> 2\n5-6 read -> 5",
);
accepts(
  "a negative add that ends while the read runs",
  checkCounter,
  "0-1 add 5\n2-4 add -3\n3-6 read -> 5",
);
rejects("too little", checkCounter, "0-1 add 2\n2-3 read -> 1", /^not between 2 and 2/);
rejects("too much", checkCounter, "0-1 add 2\n2-3 read -> 3", /^not between 2 and 2/);
rejects(
  "an add that failed",
  checkCounter,
  "0-1 add 2\n2-3 fail add 3\n4-5 read -> 5",
  /^not between 2 and 2/,
);
rejects(
  "a negative add forgotten",
  checkCounter,
  "0-1 add 5\n2-3 add -3\n4-5 read -> 5",
  /^not between 2 and 2/,
);
rejects("no number", checkCounter, '0-1 add 5\n4-5 read -> "five"', /^not between 5 and 5/);

test("a counter that nobody read is unknown", () => {
  assert.is(checkCounter(operations("0-1 add 1")).valid, "unknown");
});

accepts(
  "what goes in comes out",
  checkTotalQueue,
  "0-1 enqueue 1\n0-1 enqueue 2\n2-3 dequeue -> 2\n4-5 drain -> [1]",
);
accepts(
  "a value of unknown fate, either way",
  checkTotalQueue,
  "0- enqueue 1\n0- enqueue 2\n0-1 enqueue 3\n4-5 drain -> [3,2]",
);
accepts(
  "a value twice, put in twice",
  checkTotalQueue,
  "0-1 enqueue 1\n2-3 enqueue 1\n4-5 drain -> [1,1]",
);
rejects(
  "a lost value",
  checkTotalQueue,
  "0-1 enqueue 1\n0-1 enqueue 2\n4-5 drain -> [1]",
  /^2 was acknowledged and never came/,
);
rejects(
  "one of two equal values lost",
  checkTotalQueue,
  "0-1 enqueue 1\n2-3 enqueue 1\n4-5 drain -> [1]",
  /^1 was acknowledged/,
);
rejects(
  "a value from nowhere",
  checkTotalQueue,
  "0-1 enqueue 1\n4-5 drain -> [1,7]",
  /^7 came out and was never put in/,
);
rejects(
  "a value twice",
  checkTotalQueue,
  "0-1 enqueue 1\n2-3 dequeue -> 1\n4-5 drain -> [1]",
  /^1 came out more often/,
);
rejects(
  "a value whose enqueue failed",
  checkTotalQueue,
  "0-1 enqueue 1\n0-1 fail enqueue 2\n4-5 drain -> [1,2]",
  /^2 came out/,
);

test("a queue that nothing was put in is unknown", () => {
  assert.is(checkTotalQueue(operations("0-1 drain -> []")).valid, "unknown");
});

test("each has a name among the models of `ordeal check`", () => {
  const judged = (model: string, text: string) => {
    const history = {
      ops: [],
      operations: operations(text),
      order: "time",
      format: "edn",
    } as const;
    const verdict = judgeHistory({ ...history, ops: [], lines: [] }, model);
    return [verdict["valid?"], ...Object.keys(verdict.checks)];
  };
  assert.equal(judged("set-full", "0-1 add 1\n2-3 read -> []"), [false, "set-full"]);
  assert.equal(judged("counter", "0-1 add 1\n2-3 read -> 2"), [false, "counter"]);
  assert.equal(judged("total-queue", "0-1 enqueue 1\n2-3 drain -> []"), [false, "total-queue"]);
});

test("errors are counted by class, and those that mean what they say are not", () => {
  const event = (index: number, type: HistoryOp["type"], process: number, error?: string) => ({
    ...{ index, time: index, type, process, f: "deposit", value: {} },
    ...(error === undefined ? {} : { error }),
  });
  const { valid, summary, figures, explanation } = unhandledErrors(
    pairOperations([
      event(0, "invoke", 0),
      event(1, "info", 0, "connection-refused: 10.0.0.1:7400"),
      event(2, "invoke", 1),
      event(3, "info", 1, "connection-refused: 10.0.0.2:7400"),
      event(4, "invoke", 2),
      event(5, "fail", 2, "insufficient-funds"),
      event(6, "invoke", 3),
      event(7, "info", 3, "bad-result"),
    ]),
    new Set(["insufficient-funds"]),
  );
  assert.is(valid, true);
  assert.is(summary, "3 operations ended in info connection-refused ×2, info bad-result ×1");
  assert.equal(figures, { "info connection-refused": 2, "info bad-result": 1 });
  assert.is(explanation?.length, 2);
  assert.match(unhandledErrors([], new Set()).summary, /^no error/);
});

test.run();
