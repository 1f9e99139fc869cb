// The exact search against the twin that tries every order, for every model.
// More of it: FUZZ_RUNS=100000 node dist/checker/exact/fuzz.test.js

import { test } from "uvu";
import * as assert from "uvu/assert";
import { kv } from "../models/kv.js";
import type { Model } from "../models/model.js";
import { multiRegister } from "../models/multi-register.js";
import { mutex } from "../models/mutex.js";
import { fifoQueue, unorderedQueue } from "../models/queue.js";
import { casRegister, register } from "../models/register.js";
import { set } from "../models/set.js";
import { pairOperations } from "../operations.js";
import { solve } from "./linearize.js";
import { problemsOf } from "./problem.js";
import { smallestRefutation } from "./shrink.js";
import { someOrderExists } from "./testing/every-order.js";
import { type Asked, type Draw, drawing, randomHistory } from "./testing/random-history.js";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 1_500);
const LIMITS = { steps: 1_000_000, bytes: 1 << 26 };

const VALUES = [0, 1, 2];
const SUBSETS = Array.from({ length: 8 }, (_, bits) => VALUES.filter((one) => (bits >> one) & 1));

function askRegister(draw: Draw): Asked {
  if (draw(2) === 0) return { f: "read", value: null, answers: () => [...VALUES, null] };
  return { f: "write", value: draw(3) };
}

function askCas(draw: Draw): Asked {
  return draw(2) === 0 ? askRegister(draw) : { f: "cas", value: [draw(3), draw(3)] };
}

function askKv(draw: Draw): Asked {
  const key = "ab"[draw(2)];
  if (draw(3) === 0) {
    return {
      f: "get",
      value: [key, null],
      answers: (state) => [
        [key, state],
        [key, `${state}x`],
        [key, ""],
      ],
    };
  }
  if (draw(4) === 0) return { f: "cas", value: [key, [["", "x", "y"][draw(3)], "x"]] };
  return { f: draw(3) === 0 ? "put" : "append", value: [key, "xy"[draw(2)]] };
}

function askMultiRegister(draw: Draw): Asked {
  const keys = draw(2) === 0 ? ["x"] : ["x", "y"];
  const parts = keys.map((key) => ({ key, reads: draw(2) === 0, value: draw(2) }));
  const txn = (answers: readonly unknown[]) =>
    parts.map(({ key, reads, value }, at) => (reads ? ["r", key, answers[at]] : ["w", key, value]));
  const pairs = [null, 0, 1].flatMap((a) => [null, 0, 1].map((b) => [a, b]));
  return {
    f: "txn",
    value: txn([null, null]),
    answers: () => pairs.reverse().map((pair) => txn(pair)),
  };
}

const CASES: readonly [Model, (draw: Draw) => Asked][] = [
  [register({ nilRead: "nothing" }), askRegister],
  [casRegister(), askCas],
  [casRegister({ nilRead: "nothing", failedCas: "mismatch" }), askCas],
  [mutex(), (draw) => ({ f: draw(2) === 0 ? "acquire" : "release", value: null })],
  [kv(), askKv],
  [
    set(),
    (draw) =>
      draw(3) === 0
        ? { f: "read", value: null, answers: () => SUBSETS }
        : { f: "add", value: draw(3) },
  ],
  [
    fifoQueue(),
    (draw) =>
      draw(2) === 0
        ? { f: "dequeue", value: null, answers: () => VALUES }
        : { f: "enqueue", value: draw(3) },
  ],
  [
    unorderedQueue(),
    (draw) =>
      draw(2) === 0
        ? { f: "dequeue", value: null, answers: () => VALUES }
        : { f: "enqueue", value: draw(3) },
  ],
  [multiRegister({ initial: 0 }), askMultiRegister],
];

for (const [index, [model, ask]] of CASES.entries()) {
  test(`${model.name} (${index}): the search and every order agree`, () => {
    const counts = { valid: 0, invalid: 0, unanswered: 0 };
    for (let run = 0; run < RUNS; run += 1) {
      const draw = drawing(1_000_003 * index + run);
      const shape = {
        operations: 2 + draw(6),
        processes: 1 + draw(4),
        infoPercent: [0, 10, 30][draw(3)] ?? 0,
        wrongPercent: [0, 15, 50][draw(3)] ?? 0,
      };
      const history = randomHistory(model, ask, shape, draw);
      const operations = pairOperations(history);
      const expected = someOrderExists(operations, model);
      const found = solve(problemsOf(operations, model), LIMITS);
      assert.is(found.valid, expected, `seed ${run}: ${JSON.stringify(history)}`);
      counts[expected ? "valid" : "invalid"] += 1;
      if (operations.some(({ outcome }) => outcome === "info")) counts.unanswered += 1;
      if (found.valid !== false) continue;
      const { problem, blocked } = found.refuted;
      const kept = smallestRefutation(problem, blocked);
      const smallest = kept.flatMap((op) => problem.operations[op] ?? []);
      const rest = smallest.map((one) =>
        one.ret > (problem.ret[blocked] ?? 0) ? { ...one } : one,
      );
      assert.is(someOrderExists(rest, model), false, `seed ${run}: the smallest part is legal`);
    }
    // The agreement is worth something only where both verdicts occur often.
    for (const [what, count] of Object.entries(counts)) {
      assert.ok(count > RUNS / 20, `only ${count} ${what} of ${RUNS}`);
    }
  });
}

test.run();
