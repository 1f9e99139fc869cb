import { test } from "uvu";
import * as assert from "uvu/assert";
import { runScenario } from "./model/scenario.js";

test("random faults within the budget", () => {
  const first = Number(process.env["SEED"] ?? 1);
  const count = Number(process.env["SEEDS"] ?? 100);
  for (let seed = first; seed < first + count; seed++) {
    try { runScenario(seed); } catch (e) { console.log("SEED", seed); throw e; }
  }
  assert.ok(true);
});

test.run();
