import { test } from "uvu";
import * as assert from "uvu/assert";
import { drawScenario } from "./swarm.js";

const SEEDS = 400;

test("every seed stays within the fault budget: what it breaks, the protocol tolerates", () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const { replicas, faulty, core, faults, rest } = drawScenario(seed);
    const f = (replicas - 1) / 3;
    assert.ok(faulty.length <= f);
    assert.is(core.length, replicas - f);
    assert.ok(core.every((node) => !faulty.includes(node)));
    for (const { intent } of [...faults, ...rest]) {
      if (intent.kind !== "lie" && intent.kind !== "disk-damage") continue;
      assert.is(intent.target.kind, "nodes");
      if (intent.target.kind !== "nodes") continue;
      assert.ok(intent.target.nodes.every((node) => faulty.includes(node)));
    }
    for (const { intent } of rest) {
      assert.ok(
        intent.target.kind === "nodes" && intent.target.nodes.every((node) => !core.includes(node)),
      );
    }
  }
});

test("seeds differ in what they leave out: each kind of fault is in some and missing in others", () => {
  const seen = new Map<string, number>();
  for (let seed = 0; seed < SEEDS; seed++) {
    for (const kind of new Set(drawScenario(seed).faults.map(({ intent }) => intent.kind))) {
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    }
  }
  assert.is(seen.size, 19);
  for (const [kind, count] of seen)
    assert.ok(count > 10 && count < (SEEDS * 2) / 3, `${kind}: ${count}`);
});

test("losses come in every pattern and delays in every distribution, as the seed decides", () => {
  const seen = new Set<string | undefined>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const scenario = drawScenario(seed);
    assert.equal(scenario, drawScenario(seed));
    for (const { intent } of scenario.faults) {
      if (intent.kind === "loss") seen.add(intent.pattern?.kind ?? "each");
      if (intent.kind === "delay") seen.add(intent.distribution);
    }
  }
  const all = ["bursts", "each", "every", "exponential", "normal", "uniform"];
  assert.equal([...seen].sort(), all);
});

test.run();
