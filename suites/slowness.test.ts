import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FaultKind } from "../nemesis/faults.js";
import { suiteNamed } from "./catalogue.js";
import { type PlanBasis, suitePlan } from "./plan.js";
import { parseRunOptions } from "./run-options.js";
import { slowedProtocol } from "./slowness.js";

function planOn(environment: string, raw = {}) {
  const options = parseRunOptions(raw);
  const what = { commit: "c", build: "b", capabilities: new Set<FaultKind>() };
  const basis: PlanBasis = { options, seed: 1, environment, ...what };
  return suitePlan(suiteNamed("primary-partition"), basis);
}

test("on a slow environment time-outs, faults and load stretch alike; what was asked for stays", () => {
  const [usual, slow] = [planOn("netns"), planOn("uml")];
  assert.is(
    slow.protocol["viewTimeoutMsMax"],
    6 * (usual.protocol["viewTimeoutMsMax"] ?? Number.NaN),
  );
  assert.is(slow.loadLimitMs, 6 * usual.loadLimitMs);
  assert.is(Number(slow.options["rate"]), Number(usual.options["rate"]) / 6);
  assert.ok(slow.recoveryBoundNs(0) > 5 * usual.recoveryBoundNs(0));
  const asked = planOn("uml", { timeLimit: "7", rate: "150", nemesisInterval: "2" });
  assert.is(asked.loadLimitMs, 7_000);
  assert.equal([asked.options["rate"], asked.options["nemesisIntervalS"]], [150, 2]);
});

test("elsewhere nothing of the protocol is overridden that a suite does not ask for", () => {
  const protocol = { window: 64 };
  assert.is(slowedProtocol(protocol, 1), protocol);
  assert.equal(slowedProtocol(protocol, 2), {
    window: 64,
    viewTimeoutMs: 1_000,
    viewTimeoutMsMax: 16_000,
    statusIntervalMs: 300,
  });
});

test.run();
