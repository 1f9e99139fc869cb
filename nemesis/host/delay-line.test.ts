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

/** A plan's only pool, as the waits of each group. */
function groupsOf(delay: LinkRule["delay"]): number[][] {
  const [pool] = planEgress(
    linksOf({ to: "r1", ...(delay === undefined ? {} : { delay }) }),
    HTB,
  ).pools;
  assert.ok(pool !== undefined);
  let first = 0;
  const groups = pool.groups.map((lines) => {
    first += lines;
    return pool.waitsMs.slice(first - lines, first);
  });
  assert.is(first, pool.waitsMs.length);
  return groups;
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

test("datagrams' waits are spread evenly over delay ± jitter, and no line is busy for longer than its turn", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 0, max: 100 }),
      (delayMs, j) => {
        const jitterMs = Math.min(j, delayMs);
        const groups = groupsOf({ delayMs, jitterMs });
        const waits = groups.flat();
        assert.ok(waits.length >= 16 && waits.length <= 512);
        assert.ok(Math.min(...waits) >= Math.min(0.1, delayMs - jitterMs));
        assert.ok(Math.max(...waits) <= delayMs + jitterMs);
        // Every group gets as many datagrams as any other.
        const found = mean(groups.map(mean));
        assert.ok(Math.abs(found - delayMs) < 0.1 + 0.01 * delayMs, `mean ${found} of ${delayMs}`);
        const lasting = waits.filter((wait) => wait > 0.1); // Shorter ones are all 0.1 ms.
        assert.is(new Set(lasting).size, jitterMs === 0 ? 1 : lasting.length);
        for (const group of groups) {
          const turnMs = (group.length * groups.length * 1_000) / HTB.packetsPerSecond;
          assert.ok(2 * Math.max(...group) <= turnMs, `${turnMs} ms for ${Math.max(...group)}`);
        }
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

test("a distribution is its shares, each with as many lines as its waits need", () => {
  const delay = { delayMs: 20, jitterMs: 20, distribution: "exponential" } as const;
  const groups = groupsOf(delay).sort((a, b) => mean(a) - mean(b));
  assert.is(groups.length, 16);
  // The middle, the share in which the 99th percentile lies, and the mean.
  assert.ok(Math.abs((groups[8]?.[0] ?? 0) - 20 * Math.LN2) < 2, `${groups[8]}`);
  const longest = groups[15] ?? [];
  assert.ok(Math.min(...longest) < 20 * Math.log(100) && Math.max(...longest) > 20 * Math.log(100));
  assert.ok(Math.abs(mean(groups.map(mean)) - 20) < 0.5, `${mean(groups.map(mean))}`);
  // Each serves its share of the load; the rare longest wait may find its line busy.
  for (const group of groups) assert.ok(group.length / (2e-3 * mean(group)) >= 1_000 / 16);
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
