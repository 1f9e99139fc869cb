import assert from "node:assert/strict";
import { test } from "uvu";
import type { LinkRule } from "../../nemesis/faults.js";
import { createRandom } from "../../nemesis/random.js";
import { copiesOf, freshLink, type LinkCounters, noTraffic, waitMs } from "./relay-link.js";

const DATAGRAMS = 20_000;
const BYTES = 100;

/** Datagram `index` has its index as its first bytes; `apartMs` lie between two. */
function shower(rule: Omit<LinkRule, "from" | "to">, apartMs = 1) {
  const link = freshLink(createRandom(7).float);
  const whole = { from: "r0", to: "r1", ...rule };
  const copies: Uint8Array[][] = [];
  const waits: (number | undefined)[] = [];
  for (let index = 0; index < DATAGRAMS; index++) {
    const bytes = new Uint8Array(BYTES);
    new DataView(bytes.buffer).setUint32(0, index);
    const made = copiesOf(whole, link, bytes).map((copy) => copy.bytes);
    copies.push(made);
    waits.push(...made.map((copy) => waitMs(whole, link, copy.length, index * apartMs)));
  }
  const { counters } = link;
  return { copies, waits, counters };
}

function near(count: number, percent: number): void {
  const found = (100 * count) / DATAGRAMS;
  assert.ok(Math.abs(found - percent) < 1.5, `want about ${percent} %, found ${found} %`);
}

function only(counters: LinkCounters, ...names: (keyof LinkCounters)[]): void {
  const grown = Object.entries(counters).filter(([, count]) => count > 0);
  assert.deepEqual(grown.map(([name]) => name).sort(), [...names].sort());
}

test("a cut link delivers nothing and counts every datagram", () => {
  const { copies, counters } = shower({ drop: true, duplicatePercent: 50 });
  assert.ok(copies.every((each) => each.length === 0));
  assert.deepEqual(counters, { ...noTraffic(), dropped: DATAGRAMS });
});

test("loss and duplication hit the asked percentages, and only their own counters", () => {
  const { copies, waits, counters } = shower({ lossPercent: 20, duplicatePercent: 10 });
  near(counters.lost, 20);
  near(counters.duplicated, 0.8 * 10);
  only(counters, "lost", "duplicated");
  assert.equal(copies.filter((each) => each.length === 0).length, counters.lost);
  assert.equal(copies.filter((each) => each.length === 2).length, counters.duplicated);
  assert.ok(waits.every((wait) => wait === 0));
});

test("bursts lose what was asked, in runs as long as asked", () => {
  const { copies, counters } = shower({ burstLoss: { percent: 20, lengthMean: 8 } });
  only(counters, "burstLost", "bursts");
  const found = (100 * counters.burstLost) / DATAGRAMS;
  assert.ok(Math.abs(found - 20) < 4, `${found} %`); // Bursts are few: more spread than single losses.
  const length = counters.burstLost / counters.bursts;
  assert.ok(Math.abs(length - 8) < 1.2, `${length}`);
  // The runs, counted by whoever looks at what is missing.
  const lost = copies.map((each) => each.length === 0);
  assert.equal(lost.filter((each, index) => each && !lost[index - 1]).length, counters.bursts);
});

test("one in so many is lost, exactly", () => {
  const { copies, counters } = shower({ lossEvery: 7 });
  only(counters, "nthLost");
  copies.forEach((each, index) => {
    assert.equal(each.length, index % 7 === 6 ? 0 : 1);
  });
});

test("a corrupted datagram differs from what was sent in one bit, the others in none", () => {
  const { copies, counters } = shower({ corruptPercent: 10 });
  near(counters.corrupted, 10);
  let changed = 0;
  copies.forEach(([copy], index) => {
    const sent = new Uint8Array(BYTES);
    new DataView(sent.buffer).setUint32(0, index);
    const bits = sent.reduce((sum, byte, at) => sum + ones(byte ^ (copy?.[at] ?? 0)), 0);
    assert.ok(bits <= 1);
    changed += bits;
  });
  assert.equal(changed, counters.corrupted);
});

test("a replay is an older datagram of the same link, behind a newer one", () => {
  const { copies, counters } = shower({ replayPercent: 30 });
  near(counters.replayed, 30);
  let older = 0;
  copies.forEach((each, index) => {
    for (const copy of each.slice(1)) {
      const number = new DataView(copy.buffer).getUint32(0);
      assert.ok(number < index && index - number <= 64);
      older++;
    }
  });
  assert.equal(older, counters.replayed);
});

test("a narrow link carries its rate, and crowds out what would wait longer than its queue", () => {
  // 100,000 bytes/s are sent where 50,000 fit.
  const { waits, counters } = shower({ bytesPerSecond: 50_000 });
  const carried = waits.filter((wait) => wait !== undefined);
  near(carried.length, 50);
  assert.equal(counters.crowdedOut, DATAGRAMS - carried.length);
  assert.ok(counters.narrowed >= counters.crowdedOut);
  assert.ok(
    carried.every((wait) => wait <= 103),
    "a queue of 100 ms and the datagram itself",
  );
  const wide = shower({ bytesPerSecond: 200_000 });
  assert.equal(wide.counters.narrowed, 0);
});

test("a delay stays within its jitter and never below zero", () => {
  const { waits, counters } = shower({ delay: { delayMs: 10, jitterMs: 30 } });
  assert.equal(counters.delayed, DATAGRAMS);
  assert.ok(waits.every((wait) => wait !== undefined && wait >= 0 && wait <= 40));
  assert.ok(waits.some((wait) => wait === 0) && waits.some((wait) => (wait ?? 0) > 38));
});

test("delays have the distribution that was asked", () => {
  const at = (distribution: "normal" | "exponential", jitterMs: number, share: number) => {
    const { waits } = shower({ delay: { delayMs: 50, jitterMs, distribution } });
    const sorted = waits.map((wait) => wait ?? 0).sort((a, b) => a - b);
    return sorted[Math.floor(share * DATAGRAMS)] ?? 0;
  };
  const close = (found: number, want: number) =>
    assert.ok(Math.abs(found - want) < 0.05 * want, `found ${found}, want about ${want}`);
  close(at("normal", 10, 0.5), 50);
  close(at("normal", 10, 0.99), 73.26);
  close(at("exponential", 50, 0.5), 34.66);
  close(at("exponential", 50, 0.99), 230.3);
});

test("reordering holds its share of datagrams for the gap, on top of the delay", () => {
  const { waits, counters } = shower({
    reorder: { percent: 25, gapMs: 30 },
    delay: { delayMs: 5, jitterMs: 0 },
  });
  near(counters.held, 25);
  assert.equal(waits.filter((wait) => wait === 35).length, counters.held);
  assert.equal(waits.filter((wait) => wait === 5).length, DATAGRAMS - counters.held);
});

test("the same seed gives the same fates", () => {
  const rule = { lossPercent: 30, corruptPercent: 5, reorder: { percent: 30, gapMs: 3 } };
  assert.deepEqual(shower(rule), shower(rule));
});

function ones(byte: number): number {
  return byte.toString(2).replaceAll("0", "").length;
}

test.run();
