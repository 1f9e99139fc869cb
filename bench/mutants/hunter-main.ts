// The process of a hunt: loads the build, runs its seeds, and tells its parent of each.

import { loadNodeBuild } from "../../suites/sim/load-build.js";
import { simulate } from "../../suites/sim/simulate.js";
import { drawScenario } from "../../suites/sim/swarm.js";
import type { Hunt, SeedOutcome } from "./hunt.js";

/** Larger clusters take long, and show no mistake that four replicas hide. */
const REPLICAS_MAX = 4;

const task: Hunt = JSON.parse(process.argv[2] ?? "");
const build = await loadNodeBuild(task.build);
const started = cpuSeconds();
for (let seed = task.seedFirst; seed < task.seedFirst + task.seedCount; seed++) {
  const seedStarted = cpuSeconds();
  if (task.budgetS !== undefined && seedStarted - started > task.budgetS) break;
  const scenario = drawScenario(seed);
  if (scenario.replicas > REPLICAS_MAX) continue;
  const { failed, verdict } = simulate(build, scenario);
  const [first = ""] = failed;
  const summary = verdict.checks[first]?.summary ?? "";
  const outcome: SeedOutcome = { seed, failed, summary, seconds: cpuSeconds() - seedStarted };
  process.send?.(outcome);
  if (failed.length > 0 && !task.all) break;
}
process.disconnect();

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
