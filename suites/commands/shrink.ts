// `ordeal shrink SEED`: the smallest run that still fails as this seed of the swarm does, told from its
// beginning to its end.

import type { Ending } from "../exit-code.js";
import { otherBuild } from "../other-build.js";
import type { Output } from "../progress.js";
import { integer } from "../run-options.js";
import { writeCase } from "../sim/case-file.js";
import { loadNodeBuild } from "../sim/load-build.js";
import { parseReduction, reductionText } from "../sim/reduction.js";
import { replayLine, simulateSeed } from "../sim/seed-run.js";
import { shrinkSeed } from "../sim/shrink-seed.js";
import { Storyteller } from "../sim/storyteller.js";
import { findRun, readMeta } from "../store.js";
import { UsageError } from "../usage-error.js";

export type RawShrinkOptions = {
  readonly only?: string;
  readonly seconds?: string;
  readonly save?: string;
  readonly replicaBuild?: string;
};

/** Throws UsageError. */
export async function shrinkCommand(
  asked: string,
  raw: RawShrinkOptions,
  output: Output,
  { ownBuild, commit }: { ownBuild: string; commit: string },
): Promise<Ending> {
  const { seed, only, replicaBuild } = failingRun(asked, raw);
  const seconds = integer("--seconds", raw.seconds ?? "60", 1, 86_400);
  const start = parseReduction(only);
  const build = await loadNodeBuild(
    replicaBuild === undefined ? ownBuild : otherBuild(replicaBuild),
  );
  const whole = simulateSeed(build, seed, start);
  const [check] = whole.failed;
  if (check === undefined) {
    output.line(`seed ${seed} does not fail: there is nothing to shrink`);
    return true;
  }
  output.line(`seed ${seed} fails ${check}; shrinking for at most ${seconds} s`);
  const started = performance.now();
  const isOver = () => performance.now() - started > seconds * 1_000;
  const { reduction, tried } = shrinkSeed({ build, seed, check, whole, start, isOver });
  const teller = new Storyteller();
  const result = simulateSeed(build, seed, reduction, (world) => teller.listen(world));
  for (const line of teller.tell(result)) output.line(line);
  const took = ((performance.now() - started) / 1_000).toFixed(1);
  output.line(`${tried} simulations in ${took} s`);
  const left = reductionText(reduction);
  if (raw.save !== undefined) writeCase(raw.save, { fails: check, scenario: result.scenario });
  output.line(`replay: ${replayLine(seed, { only: left, replicaBuild })}  (commit ${commit})`);
  return false;
}

type FailingRun = { seed: number; only: string; replicaBuild: string | undefined };

/** A seed, or the folder of a run of the swarm; options that are given win over the run's own. */
function failingRun(asked: string, raw: RawShrinkOptions): FailingRun {
  const { only = "", replicaBuild } = raw;
  if (/^\d+$/.test(asked)) {
    return { seed: integer("the seed", asked, 0, 0xffff_ffff), only, replicaBuild };
  }
  const { suite, seed, options } = readMeta(findRun(asked));
  if (suite !== "swarm") {
    const line = `${asked} is a run of ${suite}: only seeds of the swarm can be shrunk`;
    throw new UsageError("bad-option", line);
  }
  const own = options["replicaBuild"] === undefined ? undefined : String(options["replicaBuild"]);
  return { seed, only: only || String(options["only"] ?? ""), replicaBuild: replicaBuild ?? own };
}
