// `ordeal run swarm --env sim --seed S`: one seed of the swarm again, told and kept like any other run.

import { randomInt } from "node:crypto";
import type { Ending } from "../exit-code.js";
import { otherBuild } from "../other-build.js";
import type { Output } from "../progress.js";
import { indexRun } from "../run-index.js";
import { integer, type RawRunOptions } from "../run-options.js";
import { readCase } from "../sim/case-file.js";
import { loadNodeBuild } from "../sim/load-build.js";
import { parseReduction, type Reduction, reduced, reductionText } from "../sim/reduction.js";
import type { Scenario } from "../sim/scenario.js";
import { replayLine } from "../sim/seed-run.js";
import { simulate } from "../sim/simulate.js";
import { describeScenario } from "../sim/story.js";
import { drawScenario } from "../sim/swarm.js";
import { withEquivocators } from "../sim/unsafe.js";
import { openStore } from "../store.js";
import { saveSwarmRun } from "../swarm-run.js";
import { UsageError } from "../usage-error.js";
import { verdictLines, wordOf } from "../verdict-lines.js";

export type SwarmRequest = {
  seed: number;
  /** What shrinking left of it, as on the command line. */
  only: string;
  /** A file with a scenario, in place of the seed's. */
  scenario: string | undefined;
  replicaBuild: string | undefined;
  store: string;
  /** f+1 replicas lie: the run must be caught. */
  beyondF: boolean;
};

/**
 * Undefined where no swarm is asked for. Throws UsageError where it stands beside other suites, or is
 * to run in an environment that cannot hold it.
 */
export function parseSwarmRequest(
  suites: readonly string[],
  raw: RawRunOptions,
): SwarmRequest | undefined {
  const { env = "sim", seed, only = "", scenario, replicaBuild, store = "store", beyondF } = raw;
  if (!suites.includes("swarm")) {
    if (scenario !== undefined) {
      throw new UsageError("bad-option", "--scenario is for the swarm: ordeal run swarm");
    }
    if (only === "") return undefined;
    throw new UsageError("bad-option", "--only is for seeds of the swarm: ordeal run swarm");
  }
  if (suites.length > 1) {
    throw new UsageError("bad-option", "swarm runs by itself: run the other suites apart");
  }
  if (env !== "sim") {
    throw new UsageError("environment", `swarm runs in the simulator only: pass --env sim`);
  }
  if (scenario !== undefined && (seed !== undefined || only !== "" || beyondF)) {
    throw new UsageError("bad-option", "--scenario says it all: no --seed, --only or --beyond-f");
  }
  const number = seed === undefined ? randomInt(2 ** 32) : integer("--seed", seed, 0, 0xffff_ffff);
  const build = replicaBuild === undefined ? undefined : otherBuild(replicaBuild);
  return { seed: number, only, scenario, replicaBuild: build, store, beyondF: beyondF === true };
}

function scenarioOf({ seed, scenario, beyondF }: SwarmRequest, reduction: Reduction): Scenario {
  if (scenario !== undefined) return readCase(scenario).scenario;
  const drawn = reduced(drawScenario(seed), reduction);
  return beyondF ? withEquivocators(drawn, (drawn.replicas - 1) / 3 + 1) : drawn;
}

/** The verdict; of a run beyond f, whether it was caught. Throws UsageError on a bad reduction. */
export async function swarmCommand(
  request: SwarmRequest,
  output: Output,
  { ownBuild, commit }: { ownBuild: string; commit: string },
): Promise<Ending> {
  const { replicaBuild, store, beyondF } = request;
  const reduction = parseReduction(request.only);
  const scenario = scenarioOf(request, reduction);
  const build = await loadNodeBuild(replicaBuild ?? ownBuild);
  const result = simulate(build, scenario);
  for (const line of describeScenario(result)) output.line(line);
  for (const line of verdictLines(result.verdict)) output.line(line);
  const valid = result.verdict["valid?"];
  const only = reductionText(reduction);
  const words = [
    request.scenario === undefined
      ? replayLine(request.seed, { only, replicaBuild })
      : replayLine(scenario.seed, { scenario: request.scenario, replicaBuild }),
  ];
  const reproduce = [...words, ...(beyondF ? ["--beyond-f"] : [])].join(" ");
  const startedAt = new Date().toISOString();
  const outcome = saveSwarmRun(openStore(store), result, {
    commit,
    reproduce,
    startedAt,
    options: {
      only,
      ...(replicaBuild === undefined ? {} : { replicaBuild }),
    },
  });
  indexRun(openStore(store), outcome);
  output.line(`swarm: ${wordOf(valid)}  ${outcome.directory}`);
  output.line(`trace ${result.trace}`);
  output.line(`replay: ${reproduce}  (commit ${commit})`);
  if (!beyondF) return valid;
  const caught = valid === false;
  output.line(caught ? "expected-unsafe: caught" : "expected-unsafe: NOT caught");
  return caught;
}
