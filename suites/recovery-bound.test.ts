import { test } from "uvu";
import * as assert from "uvu/assert";
import { recoveryBoundNs } from "./recovery-bound.js";

const PROTOCOL = { viewTimeoutMs: 500, viewTimeoutMsMax: 8_000, statusIntervalMs: 150 };
const seconds = (f: number, disturbedMs: number) => recoveryBoundNs(PROTOCOL, f, disturbedMs) / 1e9;

test("without faults the bound is the first time-outs and the allowances", () => {
  // 0.5 in force, then 1 and 2 (f + 1 = 2 primaries), and 0.6 + 1 + 5 of allowances.
  assert.is(seconds(1, 0), 10.1);
});

test("longer faults wind the view timer up, to its cap", () => {
  assert.is(seconds(1, 500), 1 + 2 + 4 + 6.6);
  assert.is(seconds(1, 1_499), 1 + 2 + 4 + 6.6);
  assert.is(seconds(1, 1_500), 2 + 4 + 8 + 6.6);
  assert.is(seconds(1, 1e9), 8 + 8 + 8 + 6.6);
});

test("messages that take long are waited for, in each view change and in the operation", () => {
  const slow = recoveryBoundNs(PROTOCOL, 1, 0, 40) / 1e9;
  assert.ok(Math.abs(slow - seconds(1, 0) - 0.04 * (3 * 4 + 7)) < 1e-9);
});

test("requests that do not fit into the batches under way are served one round after the other", () => {
  const rounds = recoveryBoundNs(PROTOCOL, 1, 0, 40, 16) - recoveryBoundNs(PROTOCOL, 1, 0, 40);
  assert.ok(Math.abs(rounds / 1e9 - 15 * (7 * 0.04 + 2 * 0.15)) < 1e-9);
});

test("each further faulty primary may cost one more time-out", () => {
  assert.is(seconds(2, 1e9) - seconds(1, 1e9), 8);
});

test.run();
