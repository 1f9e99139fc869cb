import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { FaultIntent, LinkRule, ResolvedFault } from "./faults.js";
import { composeLinks, eitherPercent, linkBetween } from "./links.js";

const test = suite("links");
const intent: FaultIntent = { kind: "loss", percent: 1, target: { kind: "none" } };
const fault = (id: string, ...links: LinkRule[]): ResolvedFault => ({
  id,
  intent,
  nodes: [],
  links,
});
const on = (from: string, to: string, rule: Omit<LinkRule, "from" | "to">): LinkRule => ({
  from,
  to,
  ...rule,
});

test("no faults, no links", () => {
  assert.equal(composeLinks([]), []);
});

test("a link keeps every part that some fault asks for, with its causes", () => {
  const matrix = composeLinks([
    fault("f0", on("r0", "r1", { lossPercent: 20 })),
    fault("f1", on("r0", "r1", { drop: true }), on("r1", "r0", { drop: true })),
    fault("f2", on("r0", "r1", { delay: { delayMs: 10, jitterMs: 2 } })),
  ]);
  assert.equal(linkBetween(matrix, "r0", "r1"), {
    from: "r0",
    to: "r1",
    lossPercent: 20,
    drop: true,
    delay: { delayMs: 10, jitterMs: 2 },
    causes: {
      drop: ["f1"],
      loss: ["f0"],
      burst: [],
      every: [],
      duplicate: [],
      reorder: [],
      delay: ["f2"],
      corrupt: [],
      replay: [],
      bandwidth: [],
      clog: [],
    },
  });
  assert.ok(linkBetween(matrix, "r1", "r0")?.drop);
  assert.is(linkBetween(matrix, "r2", "r0"), undefined);
});

test("losses and duplicates combine as independent chances, delays add, gaps take the longest", () => {
  const [link] = composeLinks([
    fault(
      "f0",
      on("r0", "r1", {
        lossPercent: 50,
        duplicatePercent: 10,
        reorder: { percent: 20, gapMs: 5 },
        delay: { delayMs: 10, jitterMs: 1 },
      }),
    ),
    fault(
      "f1",
      on("r0", "r1", {
        lossPercent: 20,
        duplicatePercent: 10,
        reorder: { percent: 50, gapMs: 3 },
        delay: { delayMs: 5, jitterMs: 2 },
      }),
    ),
  ]);
  assert.is(link?.lossPercent, 60);
  assert.is(link?.duplicatePercent, 19);
  assert.equal(link?.reorder, { percent: 60, gapMs: 5 });
  assert.equal(link?.delay, { delayMs: 15, jitterMs: 3 });
  assert.equal(link?.causes.reorder, ["f0", "f1"]);
});

test("the order of the faults does not change what is wrong with a link", () => {
  const percent = fc.integer({ min: 0, max: 100 });
  const rules = fc.array(
    fc.record({
      drop: fc.boolean(),
      lossPercent: percent,
      duplicatePercent: percent,
      reorder: fc.record({ percent, gapMs: percent }),
      delay: fc.record({ delayMs: percent, jitterMs: percent }),
    }),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(rules, (list) => {
      const faults = list.map((rule, index) => fault(`f${index}`, on("r0", "r1", rule)));
      const [forward] = composeLinks(faults);
      const [backward] = composeLinks([...faults].reverse());
      assert.is(forward?.drop, backward?.drop);
      assert.equal(forward?.delay, backward?.delay);
      assert.is(forward?.reorder?.gapMs, backward?.reorder?.gapMs);
      const loss = [forward?.lossPercent ?? -1, backward?.lossPercent ?? -2];
      assert.ok(Math.abs((loss[0] ?? 0) - (loss[1] ?? 0)) < 1e-9);
      assert.ok((loss[0] ?? -1) >= 0 && (loss[0] ?? 101) <= 100);
    }),
  );
});

test("either of two chances: none, one and certain", () => {
  assert.is(eitherPercent(0, 30), 30);
  assert.is(eitherPercent(100, 30), 100);
  assert.is(eitherPercent(0, 0), 0);
});

test("patterns of loss: longer bursts and the more frequent n-th win; each has its own causes", () => {
  const [link] = composeLinks([
    fault("f0", on("r0", "r1", { burstLoss: { percent: 10, lengthMean: 3 } })),
    fault("f1", on("r0", "r1", { burstLoss: { percent: 20, lengthMean: 2 }, lossEvery: 9 })),
    fault("f2", on("r0", "r1", { lossEvery: 5, lossPercent: 1 })),
  ]);
  assert.equal(link?.burstLoss, { percent: 28, lengthMean: 3 });
  assert.is(link?.lossEvery, 5);
  const { burst, every, loss } = link?.causes ?? {};
  assert.equal([burst, every, loss], [["f0", "f1"], ["f1", "f2"], ["f2"]]);
});

test.run();
