// `ordeal shrink SEED`: the smallest run that still fails as this seed of the swarm does, told from its
// beginning to its end.

import { resolve } from "node:path";
import type { Ending } from "../exit-code.js";
import type { Output } from "../progress.js";
import { integer } from "../run-options.js";
import { loadNodeBuild } from "../sim/load-build.js";
import { parseReduction, type Reduction, reductionText } from "../sim/reduction.js";
import { replayLine, simulateSeed } from "../sim/seed-run.js";
import { shrink } from "../sim/shrink.js";
import { Storyteller } from "../sim/storyteller.js";
import { drawScenario } from "../sim/swarm.js";

export type RawShrinkOptions = {
  readonly only?: string;
  readonly seconds?: string;
  readonly replicaBuild?: string;
};

/** Throws UsageError. */
export async function shrinkCommand(
  seedText: string,
  raw: RawShrinkOptions,
  output: Output,
  { ownBuild, commit }: { ownBuild: string; commit: string },
): Promise<Ending> {
  const seed = integer("the seed", seedText, 0, 0xffff_ffff);
  const seconds = integer("--seconds", raw.seconds ?? "60", 1, 86_400);
  const start = parseReduction(raw.only ?? "");
  const { replicaBuild } = raw;
  const build = await loadNodeBuild(resolve(replicaBuild ?? ownBuild));
  const [check] = simulateSeed(build, seed, start).failed;
  if (check === undefined) {
    output.line(`seed ${seed} does not fail: there is nothing to shrink`);
    return true;
  }
  output.line(`seed ${seed} fails ${check}; shrinking for at most ${seconds} s`);
  const started = performance.now();
  const { reduction, tried } = shrink(
    {
      scenario: drawScenario(seed),
      fails: (candidate: Reduction) => simulateSeed(build, seed, candidate).failed.includes(check),
      isOver: () => performance.now() - started > seconds * 1_000,
    },
    start,
  );
  const teller = new Storyteller();
  const result = simulateSeed(build, seed, reduction, (world) => teller.listen(world));
  for (const line of teller.tell(result)) output.line(line);
  const took = ((performance.now() - started) / 1_000).toFixed(1);
  output.line(`${tried} simulations in ${took} s`);
  const only = reductionText(reduction);
  output.line(`replay: ${replayLine(seed, { only, replicaBuild })}  (commit ${commit})`);
  return false;
}
