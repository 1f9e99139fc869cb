import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { LinkRule } from "../faults.js";
import { composeLinks } from "../links.js";
import { planEgress, policedBytesPerSecond } from "./delay-line.js";

const test = suite("delay-line");
const HTB = { mechanism: "htb", packetsPerSecond: 1_000 } as const;

function linksOf(...rules: Omit<LinkRule, "from">[]) {
  const intent = { kind: "delay", delayMs: 0, jitterMs: 0, target: { kind: "none" } } as const;
  const links = rules.map((rule) => ({ from: "r0", ...rule }));
  return composeLinks([{ id: "f0", intent, nodes: [], links }]);
}

test("links with the same delay share a pool; dropped and whole links have none", () => {
  const delay = { delayMs: 20, jitterMs: 0 };
  const plan = planEgress(
    linksOf(
      { to: "r1", delay },
      { to: "r2", delay },
      { to: "r3", lossPercent: 5 },
      {
        to: "c0",
        delay,
        drop: true,
      },
    ),
    HTB,
  );
  assert.equal(plan.links, [
    { from: "r0", to: "r1", pool: 0 },
    { from: "r0", to: "r2", pool: 0 },
  ]);
  assert.is(plan.pools.length, 1);
});

test("the lines serve the load: each is busy for twice its delay", () => {
  const plan = planEgress(linksOf({ to: "r1", delay: { delayMs: 20, jitterMs: 0 } }), HTB);
  const lines = plan.pools[0]?.waitsMs.length ?? 0;
  assert.ok(lines / (2 * 0.02) >= 1_000, `${lines} lines`);
  assert.ok(lines / (2 * 0.02) <= 1_500, `${lines} lines`);
});

test("waits are spread evenly over delay ± jitter, neighbours far apart", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 0, max: 100 }),
      (delayMs, j) => {
        const jitterMs = Math.min(j, delayMs);
        const delay = { delayMs, jitterMs };
        const waits = planEgress(linksOf({ to: "r1", delay }), HTB).pools[0]?.waitsMs ?? [];
        const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
        assert.ok(waits.length >= 16 && waits.length <= 512);
        assert.ok(Math.min(...waits) >= Math.min(0.1, delayMs - jitterMs));
        assert.ok(Math.max(...waits) <= delayMs + jitterMs);
        assert.ok(Math.abs(mean - delayMs) < 0.1 + 0.01 * delayMs, `mean ${mean} of ${delayMs}`);
        assert.is(new Set(waits).size, jitterMs === 0 ? 1 : waits.length);
      },
    ),
  );
});

test("a reordered share waits for the gap on top of the link's own delay", () => {
  const plan = planEgress(
    linksOf(
      { to: "r1", reorder: { percent: 25, gapMs: 30 } },
      { to: "r2", delay: { delayMs: 10, jitterMs: 2 }, reorder: { percent: 50, gapMs: 5 } },
    ),
    HTB,
  );
  assert.equal(
    plan.pools.map((pool) => pool.label),
    ["30±0 ms", "10±2 ms", "15±2 ms"],
  );
  assert.equal(plan.links, [
    { from: "r0", to: "r1", late: { percent: 25, pool: 0 } },
    { from: "r0", to: "r2", pool: 1, late: { percent: 50, pool: 2 } },
  ]);
});

test("with netem one line holds any number", () => {
  const options = { mechanism: "netem", packetsPerSecond: 1e6 } as const;
  const plan = planEgress(linksOf({ to: "r1", delay: { delayMs: 20, jitterMs: 5 } }), options);
  assert.equal(plan.pools, [{ label: "20±5 ms", jitterMs: 5, waitsMs: [20], groups: [1] }]);
});

test("a distribution is a wait for each of its quantiles, with as many lines as each needs", () => {
  const delay = { delayMs: 20, jitterMs: 20, distribution: "exponential" } as const;
  const [pool] = planEgress(linksOf({ to: "r1", delay }), HTB).pools;
  assert.ok(pool !== undefined);
  let first = 0;
  const groups = pool.groups.map((lines) => {
    const waits = pool.waitsMs.slice(first, first + lines);
    first += lines;
    assert.is(new Set(waits).size, 1, "the lines of a group wait alike");
    return { waitMs: waits[0] ?? 0, lines };
  });
  assert.is(first, pool.waitsMs.length);
  const waits = groups.map(({ waitMs }) => waitMs).sort((a, b) => a - b);
  assert.is(waits.length, 64);
  // The middle quantile, the one in which the 99th percentile lies, and the mean.
  assert.ok(Math.abs((waits[32] ?? 0) - 20 * Math.LN2) < 0.5, `${waits[32]}`);
  assert.ok(Math.abs((waits[63] ?? 0) - 20 * Math.log(100)) < 8, `${waits[63]}`);
  assert.ok(Math.abs(waits.reduce((sum, wait) => sum + wait, 0) / 64 - 20) < 0.5);
  // Each group serves its 64th of the load.
  for (const { waitMs, lines } of groups) assert.ok(lines / (2e-3 * waitMs) >= 1_000 / 64);
  const options = { mechanism: "netem", packetsPerSecond: 1e6 } as const;
  const [netem] = planEgress(linksOf({ to: "r1", delay }), options).pools;
  assert.equal(netem?.groups, new Array(64).fill(1));
});

test("a clog has no other way out; a narrow link has one unless it is slow, and then is policed", () => {
  const delay = { delayMs: 10, jitterMs: 0 };
  const links = linksOf(
    { to: "r1", clogged: true, delay, replayPercent: 5, bytesPerSecond: 9 },
    { to: "r2", bytesPerSecond: 1_000 },
    { to: "r3", bytesPerSecond: 1_000, delay },
    { to: "c0", replayPercent: 5 },
  );
  const plan = planEgress(links, HTB);
  assert.equal(plan.links, [
    { from: "r0", to: "r1", shaper: { kind: "clog" } },
    { from: "r0", to: "r2", shaper: { kind: "narrow", bytesPerSecond: 1_000 } },
    { from: "r0", to: "r3", pool: 0 },
    { from: "r0", to: "c0", replay: { percent: 5, pool: 1 } },
  ]);
  assert.equal(
    plan.pools.map(({ label, copies }) => [label, copies]),
    [
      ["10±0 ms", undefined],
      ["copies 60±40 ms", true],
    ],
  );
  assert.equal(links.map(policedBytesPerSecond), [undefined, undefined, 1_000, undefined]);
});

test("what must wait where nothing can is refused, what need not is planned", () => {
  const nothing = { mechanism: undefined, packetsPerSecond: 1 };
  assert.is(planEgress(linksOf({ to: "r1", clogged: true }), nothing).links.length, 1);
  for (const rule of [{ replayPercent: 1 }, { delay: { delayMs: 1, jitterMs: 0 } }]) {
    assert.throws(
      () => planEgress(linksOf({ to: "r1", ...rule }), nothing),
      /sch_netem or sch_htb/,
    );
  }
});

test.run();
