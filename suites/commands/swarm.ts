// `ordeal run swarm --env sim --seed S`: one seed of the swarm again, told and kept like any other run.

import { randomInt } from "node:crypto";
import type { Ending } from "../exit-code.js";
import { otherBuild } from "../other-build.js";
import type { Output } from "../progress.js";
import { indexRun } from "../run-index.js";
import { integer, type RawRunOptions } from "../run-options.js";
import { loadNodeBuild } from "../sim/load-build.js";
import { parseReduction, reduced, reductionText } from "../sim/reduction.js";
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
  { env = "sim", seed, only = "", replicaBuild, store = "store", beyondF }: RawRunOptions,
): SwarmRequest | undefined {
  if (!suites.includes("swarm")) {
    if (only === "") return undefined;
    throw new UsageError("bad-option", "--only is for seeds of the swarm: ordeal run swarm");
  }
  if (suites.length > 1) {
    throw new UsageError("bad-option", "swarm runs by itself: run the other suites apart");
  }
  if (env !== "sim") {
    throw new UsageError("environment", `swarm runs in the simulator only: pass --env sim`);
  }
  const number = seed === undefined ? randomInt(2 ** 32) : integer("--seed", seed, 0, 0xffff_ffff);
  const build = replicaBuild === undefined ? undefined : otherBuild(replicaBuild);
  return { seed: number, only, replicaBuild: build, store, beyondF: beyondF === true };
}

/** The verdict; of a run beyond f, whether it was caught. Throws UsageError on a bad reduction. */
export async function swarmCommand(
  { seed, only, replicaBuild, store, beyondF }: SwarmRequest,
  output: Output,
  { ownBuild, commit }: { ownBuild: string; commit: string },
): Promise<Ending> {
  const reduction = parseReduction(only);
  const build = await loadNodeBuild(replicaBuild ?? ownBuild);
  const drawn = reduced(drawScenario(seed), reduction);
  const scenario = beyondF ? withEquivocators(drawn, (drawn.replicas - 1) / 3 + 1) : drawn;
  const result = simulate(build, scenario);
  for (const line of describeScenario(result)) output.line(line);
  for (const line of verdictLines(result.verdict)) output.line(line);
  const valid = result.verdict["valid?"];
  const words = [replayLine(seed, { only: reductionText(reduction), replicaBuild })];
  const reproduce = [...words, ...(beyondF ? ["--beyond-f"] : [])].join(" ");
  const startedAt = new Date().toISOString();
  const outcome = saveSwarmRun(openStore(store), result, {
    commit,
    reproduce,
    startedAt,
    options: {
      only: reductionText(reduction),
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
