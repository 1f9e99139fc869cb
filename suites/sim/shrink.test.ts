import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseReduction, type Reduction, reduced, reductionText } from "./reduction.js";
import { shrink } from "./shrink.js";
import { drawScenario } from "./swarm.js";

/** A seed with faults enough. */
const scenario = Array.from({ length: 50 }, (_, seed) => drawScenario(seed)).find(
  ({ faults, replicas, sessions }) => faults.length > 6 && replicas === 7 && sessions > 1,
);

test("what does not matter goes, what matters stays", () => {
  assert.ok(scenario !== undefined);
  // Faults that name replicas go with the replicas.
  const unnamed = scenario.faults.filter(({ intent: { target } }) => target.kind !== "nodes");
  const [first = "", second = ""] = [unnamed[0]?.id, unnamed.at(-1)?.id];
  const { reduction } = shrink({
    scenario,
    fails: (candidate) => {
      const { faults, operations } = reduced(scenario, candidate);
      const ids = faults.map(({ id }) => id);
      return ids.includes(first) && ids.includes(second) && operations >= 9;
    },
    misfortunesOf: () => [],
    isOver: () => false,
  });
  const left = reduced(scenario, reduction);
  assert.equal(
    left.faults.map(({ id }) => id),
    [first, second],
  );
  assert.is(left.operations, 9);
  assert.is(left.replicas, 4);
  assert.is(left.sessions, 1);
  assert.equal(left.protocol, {});
  assert.is(left.weather.lossPercent, 0);
});

test("faults last no longer than it takes, and of all bad luck the messages that matter are left", () => {
  assert.ok(scenario !== undefined);
  const matters = scenario.faults[0];
  assert.ok(matters !== undefined && matters.stopMs - matters.startMs > 40);
  const middleMs = Math.floor((matters.startMs + matters.stopMs) / 2);
  const met = Array.from({ length: 300 }, (_, index) => `r0>r1#${index}`);
  const { reduction } = shrink({
    scenario,
    fails: (candidate) => {
      const { faults, misfortunes = met } = reduced(scenario, { ...candidate, earlierMs: 0 });
      const fault = faults.find(({ id }) => id === matters.id);
      const spans = fault !== undefined && fault.startMs <= middleMs && fault.stopMs > middleMs;
      return spans && misfortunes.includes("r0>r1#57") && misfortunes.includes("r0>r1#140");
    },
    misfortunesOf: () => met,
    isOver: () => false,
  });
  assert.equal(reduction.misfortunes, ["r0>r1#57", "r0>r1#140"]);
  const times = reduction.times?.[matters.id];
  assert.ok(times !== undefined && times.stopMs - times.startMs < 5, JSON.stringify(times));
});

test("without time nothing is tried", () => {
  assert.ok(scenario !== undefined);
  const { reduction, tried } = shrink({
    scenario,
    fails: () => true,
    misfortunesOf: () => [],
    isOver: () => true,
  });
  assert.equal(reduction, {});
  assert.is(tried, 0);
});

test("a reduction is one word, and means the same when it is read", () => {
  const reduction: Reduction = {
    replicas: 4,
    operations: 12,
    faults: ["f1", "f3"],
    rest: [],
    weather: ["loss"],
    protocol: "default",
    earlierMs: 40,
    times: { f1: { startMs: 50, stopMs: 70 } },
    misfortunes: ["r0>r1#57", "r2!14"],
  };
  assert.equal(parseReduction(reductionText(reduction)), reduction);
  assert.equal(parseReduction(""), {});
  assert.throws(() => parseReduction("luck=7"), /does not know "luck=7"/);
});

test("fewer replicas keep a quorum and a budget", () => {
  for (let seed = 0; seed < 200; seed++) {
    const { replicas, core, faulty, rest } = reduced(drawScenario(seed), { replicas: 4 });
    assert.is(replicas, 4);
    assert.is(core.length, 3);
    assert.ok(faulty.length <= 1 && faulty.every((node) => !core.includes(node)));
    for (const { intent } of rest) {
      assert.ok(
        intent.target.kind === "nodes" && intent.target.nodes.every((node) => !core.includes(node)),
      );
    }
  }
});

test.run();
