import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FaultKind } from "../nemesis/faults.js";
import { kindsOf } from "../nemesis/schedule.js";
import { suiteNamed } from "./catalogue.js";
import { drawnNemesis, faultyBeyondF, neededKinds } from "./nemesis-choice.js";
import { suitePlan } from "./plan.js";
import { parseRunOptions } from "./run-options.js";
import { UsageError } from "./usage-error.js";

const CAN = new Set<FaultKind>(["partition", "loss", "kill", "pause", "message", "clock"]);

function planOf(suite: string, raw: Parameters<typeof parseRunOptions>[0], seed = 7) {
  const basis = { environment: "sim", commit: "none", build: "none", capabilities: CAN };
  return suitePlan(suiteNamed(suite), { ...basis, options: parseRunOptions(raw), seed });
}

test("everything demands evidence of all that was drawn, and is repeated by its names", () => {
  for (let seed = 0; seed < 20; seed++) {
    const plan = planOf("everything", {}, seed);
    const nemesis = drawnNemesis(["all"], CAN, seed);
    assert.equal(plan.options["nemesis"], nemesis);
    assert.equal(plan.requiredFaults, kindsOf(nemesis));
    assert.ok(plan.requiredFaults.length >= 3);
    assert.ok(plan.reproduce.includes(`--nemesis ${nemesis.join(",")}`), plan.reproduce);
    const again = planOf("everything", { nemesis: nemesis.join(",") }, seed);
    assert.equal(again.options["nemesis"], nemesis);
    assert.equal(again.requiredFaults, plan.requiredFaults);
  }
});

test("a suite without a swarm keeps its packages and what it requires", () => {
  const plan = planOf("lost-commits", {});
  assert.equal(plan.requiredFaults, ["message"]);
  assert.not(plan.reproduce.includes("--nemesis"));
  assert.is(plan.protocol["datagramMessagesMax"], 1);
  assert.is(planOf("smoke", {}).protocol["datagramMessagesMax"], undefined);
});

test("kinds compose by name, and all needs nothing that is not there", () => {
  const plan = planOf("smoke", { nemesis: "partition,kill,clock" });
  assert.equal(plan.requiredFaults, ["partition", "kill", "clock"]);
  assert.equal(neededKinds(["all", "kill"]), ["kill"]);
});

test("what goes beyond f is refused in one line, unless it is asked for", () => {
  assert.throws(
    () => planOf("smoke", { nemesis: "kill,wipe-beyond-f" }),
    (error: Error) =>
      error instanceof UsageError &&
      /^kill,wipe-beyond-f may leave \d of 4 replicas faulty, and 1 are tolerated: [^\n]+$/.test(
        error.message,
      ),
  );
  const plan = planOf("smoke", { nemesis: "wipe-beyond-f", beyondF: true });
  assert.ok((plan.expectedUnsafe?.faultyMax ?? 0) >= 2);
  assert.match(plan.reproduce, "--beyond-f");
  assert.is(planOf("smoke", { nemesis: "kill", beyondF: true }).expectedUnsafe, undefined);
});

test("crashes and partitions of everybody spend nothing of f", () => {
  const nemesis = ["power-failure", "halves", "pause"];
  const options = { nemesis, nemesisIntervalS: 1, timeLimitS: 10 };
  assert.is(faultyBeyondF(options, { seed: 1, replicas: 4, allowed: false }), undefined);
});

test.run();
