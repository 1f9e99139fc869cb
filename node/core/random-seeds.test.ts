import { test } from "uvu";
import * as assert from "uvu/assert";
import { runScenario } from "./testing/scenario.js";

// SEED=1234 SEEDS=1 repeats one run; SEEDS=5000 looks for a new failure.
const { SEED = "1", SEEDS = "120" } = process.env;

test("under random faults no seq executes twice, no vote is cast twice, and all comes to rest", () => {
  let viewChanges = 0;
  let transfers = 0;
  for (let seed = Number(SEED); seed < Number(SEED) + Number(SEEDS); seed++) {
    const cluster = runScenario(seed);
    viewChanges += cluster.countEvents("view-entered");
    transfers += cluster.countEvents("state-transfer-finished");
  }
  if (SEEDS !== "120") return;
  assert.ok(viewChanges > 100, `only ${viewChanges} view changes: the faults are too tame`);
  assert.ok(transfers > 100, `only ${transfers} state transfers: the faults are too tame`);
});

test.run();
