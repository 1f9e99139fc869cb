// `ordeal clean`: removes what dead runs left on this machine, and says what it leaves alone and why.

import { readRegistered } from "../cluster/registry.js";
import { findLeftovers, type RegisteredRun, registeredRuns, sweepRun } from "../cluster/sweep.js";
import type { Output } from "../progress.js";

/** 0: nothing of a dead run is left (or it was only listed); 1: something could not be removed. */
export async function cleanCommand(
  { dryRun }: { dryRun: boolean },
  output: Pick<Output, "line">,
): Promise<0 | 1> {
  let foundCount = 0;
  let failedCount = 0;
  for (const run of registeredRuns()) {
    if (run.state !== "dead") {
      output.line(`${nameOf(run)}: ${readRegistered(run.file).length} left alone`);
      continue;
    }
    const { found, failed } = await (dryRun ? findLeftovers(run) : sweepRun(run));
    for (const what of found)
      output.line(`${nameOf(run)}: ${dryRun ? "would remove" : "removed"} ${what}`);
    for (const what of failed) output.line(`${nameOf(run)}: cannot remove ${what}`);
    foundCount += found.length;
    failedCount += failed.length;
  }
  if (foundCount + failedCount === 0) output.line("nothing is left of runs that have ended");
  return failedCount > 0 && !dryRun ? 1 : 0;
}

function nameOf({ runner, state, sameBoot }: RegisteredRun): string {
  const states = {
    alive: "at work",
    dead: sameBoot ? "dead" : "dead since the last boot",
    elsewhere: "in another pid namespace, from where alone it can be judged",
  };
  return `run of pid ${runner.pid} (${states[state]})`;
}
