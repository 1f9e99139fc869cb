import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Operation, Outcome } from "./operations.js";
import { bucketsOf, quantile, replicaLinesOf } from "./series.js";

const SECOND = 1e9;

function operation(start: number, stop: number | undefined, outcome: Outcome): Operation {
  const rest = { error: undefined, node: undefined, seq: undefined };
  return { process: 0, f: "move", outcome, start, stop, value: null, ...rest };
}

test("a quantile is a value that the wanted share does not exceed", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (values, q) => {
        const sorted = [...values].sort((a, b) => a - b);
        const found = quantile(sorted, q);
        const below = sorted.filter((value) => value < found).length;
        const upTo = sorted.filter((value) => value <= found).length;
        return upTo >= q * sorted.length - 1e-9 && below < q * sorted.length;
      },
    ),
  );
});

test("every operation counts in one bucket, whatever the run's length", () => {
  const times = fc.array(fc.integer({ min: 0, max: 90 * SECOND }));
  fc.assert(
    fc.property(times, fc.integer({ min: 0, max: 90 * SECOND }), (starts, end) => {
      const operations = starts.map((start) => operation(start, start + 1e6, "ok"));
      const { throughput, bucketSeconds, x } = bucketsOf(operations, end);
      const total = throughput.ok.reduce<number>(
        (sum, rate) => sum + (rate ?? 0) * bucketSeconds,
        0,
      );
      return Math.round(total) === starts.length && x.length <= 120;
    }),
  );
});

test("latency is of acknowledged operations only; a bucket without any has none", () => {
  const { latencyMs, x, bucketSeconds } = bucketsOf(
    [
      operation(0, 0.01 * SECOND, "ok"),
      operation(0, 0.02 * SECOND, "ok"),
      operation(0, 5 * SECOND, "info"),
      operation(0, undefined, "open"),
    ],
    6 * SECOND,
  );
  assert.is(bucketSeconds, 0.05);
  assert.equal([latencyMs.p50[0], latencyMs.p99[0]], [10, 20]);
  assert.equal(new Set(latencyMs.p50.slice(1)), new Set([null]));
  assert.is(x.length, 120);
});

test("a replica that did not answer has a gap in its lines", () => {
  const sample = (time: number, node: string, view: number) => {
    return { time, node, view, seq: 10 * view, rssBytes: 2e6 };
  };
  const lines = replicaLinesOf([sample(0, "r1", 0), sample(0, "r0", 1), sample(SECOND, "r0", 2)]);
  assert.equal(lines.names, ["r0", "r1"]);
  assert.equal(lines.x, [0, 1]);
  assert.equal(lines.view, [
    [1, 2],
    [0, null],
  ]);
  assert.equal(lines.seq, [
    [10, 20],
    [0, null],
  ]);
});

test.run();
