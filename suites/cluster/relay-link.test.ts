import assert from "node:assert/strict";
import { test } from "uvu";
import type { LinkRule } from "../../nemesis/faults.js";
import { createRandom } from "../../nemesis/random.js";
import { fateOf, noTraffic } from "./relay-link.js";

const DATAGRAMS = 20_000;
const NOTHING = new Uint8Array(0);

function shower(rule: Omit<LinkRule, "from" | "to">) {
  const counters = noTraffic();
  const draw = createRandom(7).float;
  const link = { from: "r0", to: "r1", ...rule };
  const fates = Array.from({ length: DATAGRAMS }, () =>
    fateOf(link, draw, counters, NOTHING, new Map()),
  );
  return { fates, counters };
}

function near(count: number, percent: number): void {
  const found = (100 * count) / DATAGRAMS;
  assert.ok(Math.abs(found - percent) < 1.5, `want about ${percent} %, found ${found} %`);
}

test("a cut link delivers nothing and counts every datagram", () => {
  const { fates, counters } = shower({ drop: true, duplicatePercent: 50 });
  assert.ok(fates.every((copies) => copies.length === 0));
  assert.deepEqual(counters, { ...noTraffic(), dropped: DATAGRAMS });
});

test("loss and duplication hit the asked percentages, and only their own counters", () => {
  const { fates, counters } = shower({ lossPercent: 20, duplicatePercent: 10 });
  near(counters.lost, 20);
  near(counters.duplicated, 0.8 * 10);
  assert.equal(fates.filter((copies) => copies.length === 0).length, counters.lost);
  assert.equal(fates.filter((copies) => copies.length === 2).length, counters.duplicated);
  assert.ok(fates.flat().every((waitMs) => waitMs === 0));
});

test("a delay stays within its jitter and never below zero", () => {
  const { fates, counters } = shower({ delay: { delayMs: 10, jitterMs: 30 } });
  const waits = fates.flat();
  assert.equal(counters.delayed, DATAGRAMS);
  assert.ok(waits.every((waitMs) => waitMs >= 0 && waitMs <= 40));
  assert.ok(waits.some((waitMs) => waitMs === 0) && waits.some((waitMs) => waitMs > 38));
});

test("reordering holds its share of datagrams for the gap, on top of the delay", () => {
  const { fates, counters } = shower({
    reorder: { percent: 25, gapMs: 30 },
    delay: { delayMs: 5, jitterMs: 0 },
  });
  near(counters.held, 25);
  assert.equal(fates.flat().filter((waitMs) => waitMs === 35).length, counters.held);
  assert.equal(fates.flat().filter((waitMs) => waitMs === 5).length, DATAGRAMS - counters.held);
});

test("the same seed gives the same fates", () => {
  const rule = { lossPercent: 30, duplicatePercent: 30, reorder: { percent: 30, gapMs: 3 } };
  assert.deepEqual(shower(rule).fates, shower(rule).fates);
});

test.run();
