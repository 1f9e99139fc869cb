// Cases of the conformance suite: faults of links beyond cuts, losses and delays.

import assert from "node:assert/strict";
import type { Test } from "uvu";
import type { FaultIntent, LinkRule } from "../../../nemesis/faults.js";
import { isolate, linksOfGrudge } from "../../../nemesis/grudge.js";
import { type Context, cannot, TARGET } from "./conformance-bench.js";

type Harm = { intent: FaultIntent; rule: Omit<LinkRule, "from" | "to"> };

/** On every link at once. */
const HARMS: readonly Harm[] = [
  { intent: { kind: "corrupt", percent: 20, target: TARGET }, rule: { corruptPercent: 20 } },
  { intent: { kind: "replay", percent: 20, target: TARGET }, rule: { replayPercent: 20 } },
  {
    intent: { kind: "bandwidth", bytesPerSecond: 10_000, target: TARGET },
    rule: { bytesPerSecond: 10_000 },
  },
];

export function harmLinks(test: Test<Context>): void {
  for (const { intent, rule } of HARMS) {
    test(`${intent.kind} on every link is borne, and leaves its evidence`, async ({ bench }) => {
      if (cannot(intent.kind, bench.environment)) return;
      const fault = await bench.apply(intent, bench.everyLink(rule));
      for (let round = 0; round < 3; round++) await bench.deposit(12);
      await bench.heal(fault);
      await bench.settle();
      await bench.audit();
    });
  }

  test("a replica behind clogged links hears all of it late, when they are freed", async ({
    bench,
  }) => {
    if (cannot("clog", bench.environment)) return;
    await bench.settle();
    const clogged = linksOfGrudge(isolate(["r3"], bench.everybody))
      .filter(({ to }) => to === "r3")
      .map(({ from, to }) => ({ from, to, clogged: true }));
    const fault = await bench.apply({ kind: "clog", target: TARGET }, clogged);
    const before = await bench.seq("r3");
    await bench.deposit(3);
    assert.equal(await bench.seq("r3"), before);
    await bench.heal(fault);
    await bench.settle();
    await bench.audit();
  });
}
