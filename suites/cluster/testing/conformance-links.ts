// Conformance of what an environment does to links: each kind bites, leaves its evidence and is borne.

import assert from "node:assert/strict";
import type { Test } from "uvu";
import type { LinkRule } from "../../../nemesis/faults.js";
import type { Delay } from "../../../nemesis/link-delay.js";
import type { LossPattern } from "../../../nemesis/link-loss.js";
import { type Context, cannot, TARGET } from "./conformance-bench.js";

/** Request, pre-prepare, prepare, commit, reply: five links, one after the other. */
const LINKS_OF_AN_OPERATION = 5;

/** Adds the cases; each leaves the cluster healed and at rest. */
export function linkCases(test: Test<Context>): void {
  test("loss, duplication and reordering are borne, and leave their evidence", async ({
    bench,
  }) => {
    const lossy = await bench.apply(
      { kind: "loss", percent: 20, target: TARGET },
      bench.everyLink({ lossPercent: 20 }),
    );
    const doubled = await bench.apply(
      { kind: "duplicate", percent: 20, target: TARGET },
      bench.everyLink({ duplicatePercent: 20 }),
    );
    const shuffled = await bench.apply(
      { kind: "reorder", percent: 30, gapMs: 20, target: TARGET },
      bench.everyLink({ reorder: { percent: 30, gapMs: 20 } }),
    );
    for (let round = 0; round < 5; round++) await bench.deposit(4);
    for (const fault of [shuffled, lossy, doubled]) await bench.heal(fault);
    await bench.settle();
    await bench.audit();
  });

  test("slow links make operations slow, until they are healed", async ({ bench }) => {
    const fault = await bench.apply(
      { kind: "delay", delayMs: 40, jitterMs: 0, target: TARGET },
      bench.everyLink({ delay: { delayMs: 40, jitterMs: 0 } }),
    );
    const [answer] = await bench.deposit();
    assert.ok(answer);
    const tookMs = Number(BigInt(answer.endedNs) - BigInt(answer.startedNs)) / 1e6;
    assert.ok(tookMs >= 0.9 * LINKS_OF_AN_OPERATION * 40, `took ${tookMs} ms`);
    await bench.heal(fault);
  });

  test("losses in bursts and of every n-th are borne, and are counted as such", async ({
    bench,
  }) => {
    const lose = (percent: number, pattern: LossPattern, rule: Omit<LinkRule, "from" | "to">) =>
      bench.apply({ kind: "loss", percent, pattern, target: TARGET }, bench.everyLink(rule));
    const bursts = { kind: "bursts", lengthMean: 3 } as const;
    const bursty = await lose(20, bursts, { burstLoss: { percent: 20, lengthMean: 3 } });
    const every = await lose(10, { kind: "every" }, { lossEvery: 10 });
    for (let round = 0; round < 3; round++) await bench.deposit(4);
    const bitten = await bench.heal(bursty);
    assert.match(bitten.summary, /lost in bursts/);
    assert.match((await bench.heal(every)).summary, /one in so many/);
    await bench.settle();
    await bench.audit();
  });

  test("a flipped bit and what comes a second time change nothing, and are seen", async ({
    bench,
  }) => {
    const percent = 25;
    for (const { kind, rule, word } of [
      { kind: "corrupt", rule: { corruptPercent: percent }, word: /corrupted [1-9]/ },
      { kind: "replay", rule: { replayPercent: percent }, word: /(replayed|repeated) [1-9]/ },
    ] as const) {
      if (cannot(kind, bench.environment)) continue;
      const fault = await bench.apply({ kind, percent, target: TARGET }, bench.everyLink(rule));
      for (let round = 0; round < 2; round++) await bench.deposit(4);
      assert.match((await bench.heal(fault)).summary, word);
    }
    await bench.settle();
    await bench.audit();
  });

  test("a narrow link crowds datagrams out or holds them up, and the replica behind it catches up", async ({
    bench,
  }) => {
    if (cannot("bandwidth", bench.environment)) return;
    const rule = { bytesPerSecond: 2_000 };
    const links = bench.everyLink(rule).filter(({ to }) => to === "r3");
    const fault = await bench.apply({ kind: "bandwidth", ...rule, target: TARGET }, links);
    for (let round = 0; round < 3; round++) await bench.deposit(4);
    await bench.heal(fault);
    await bench.settle();
    await bench.audit();
  });

  test("a clogged replica hears nothing, and at its cure what waited", async ({ bench }) => {
    if (cannot("clog", bench.environment)) return;
    await bench.settle();
    const links = bench.everyLink({ clogged: true }).filter(({ to }) => to === "r3");
    const fault = await bench.apply({ kind: "clog", target: TARGET }, links);
    const before = await bench.seq("r3");
    await bench.deposit(3);
    assert.equal(await bench.seq("r3"), before);
    await bench.heal(fault);
    assert.ok(await bench.until(async () => (await bench.seq("r3")) > before));
    await bench.settle();
    await bench.audit();
  });

  test("delays of every distribution make operations as slow as their least", async ({ bench }) => {
    const delays: readonly { delay: Delay; leastMs: number }[] = [
      { delay: { delayMs: 30, jitterMs: 10, distribution: "uniform" }, leastMs: 20 },
      { delay: { delayMs: 30, jitterMs: 20, distribution: "exponential" }, leastMs: 10 },
      { delay: { delayMs: 40, jitterMs: 4, distribution: "normal" }, leastMs: 20 },
    ];
    for (const { delay, leastMs } of delays) {
      const intent = { kind: "delay", ...delay, target: TARGET } as const;
      const fault = await bench.apply(intent, bench.everyLink({ delay }));
      const [answer] = await bench.deposit();
      assert.ok(answer);
      const tookMs = Number(BigInt(answer.endedNs) - BigInt(answer.startedNs)) / 1e6;
      assert.ok(tookMs >= 0.9 * LINKS_OF_AN_OPERATION * leastMs, `took ${tookMs} ms`);
      await bench.heal(fault);
    }
    await bench.settle();
  });
}
