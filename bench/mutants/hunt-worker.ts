// The thread of a hunt: loads the build and runs its seeds.

import { parentPort, workerData } from "node:worker_threads";
import { loadNodeBuild } from "../../suites/sim/load-build.js";
import { simulate } from "../../suites/sim/simulate.js";
import { drawScenario } from "../../suites/sim/swarm.js";
import type { Hunt, SeedOutcome } from "./hunt.js";

const task: Hunt = workerData;
const build = await loadNodeBuild(task.build);
const started = performance.now();
for (let seed = task.seedFirst; seed < task.seedFirst + task.seedCount; seed++) {
  const seedStarted = performance.now();
  if (seedStarted - started > task.budgetS * 1_000) break;
  const { failed, verdict } = simulate(build, drawScenario(seed));
  const [first = ""] = failed;
  const outcome: SeedOutcome = {
    seed,
    failed,
    summary: verdict.checks[first]?.summary ?? "",
    seconds: (performance.now() - seedStarted) / 1_000,
  };
  parentPort?.postMessage(outcome);
  if (failed.length > 0 && !task.all) break;
}
