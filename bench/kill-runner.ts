// Kills the runner itself at random points of runs, and lists what is still there after the next start.
// As root it looks at network, mounts and control groups too; as anybody else netns runs are rootless.
//   node dist/bench/kill-runner.js [--kills 10] [--seed 1] [--env local,netns]

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { aloneAsRoot, killRunner } from "../suites/testing/kill-runner.js";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    env: { type: "string", default: "local,netns" },
  },
});

/** How many kills left something, or struck nothing. */
async function killOn(environment: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-kill-"));
  const [kills, seed] = [Number(values.kills), Number(values.seed)];
  const outcomes = await killRunner({ environment, kills, seed, folder });
  for (const { point, before, left } of outcomes) {
    console.log(
      `${left.length === 0 ? "clean" : "LEFT "}  ${point}: ${before.length} things were there`,
    );
    for (const what of left) console.log(`       ${what}`);
  }
  rmSync(folder, { recursive: true });
  // A kill in the first milliseconds strikes before anything was made; not all may.
  const struck = outcomes.filter(({ before }) => before.length > 1).length;
  if (struck === 0) console.log(`${environment}: no kill struck anything`);
  return outcomes.filter(({ left }) => left.length > 0).length + (struck === 0 ? 1 : 0);
}

const code = await aloneAsRoot(process.argv.slice(1));
if (code === undefined) {
  let badCount = 0;
  for (const environment of values.env.split(",")) badCount += await killOn(environment);
  console.log(badCount === 0 ? "nothing was left" : `${badCount} kills went wrong`);
  process.exitCode = badCount === 0 ? 0 : 1;
} else {
  process.exitCode = code;
}
