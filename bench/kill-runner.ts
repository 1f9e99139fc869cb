// Kills the runner itself at random points of runs, and lists what is still there after the next start.
// As root it looks at network, mounts and control groups too; as anybody else netns runs are rootless.
//   node dist/bench/kill-runner.js [--kills 10] [--seed 1] [--env local,netns]

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aloneAsRoot, killRunner } from "../suites/testing/kill-runner.js";
import { benchOptions } from "./options.js";

const options = benchOptions("kill-runner [--kills 10] [--seed 1] [--env local,netns]", {
  values: ["kills", "seed", "env"],
});
const plan = { kills: options.positive("kills", 10), seed: options.positive("seed", 1) };
const environments = options.text("env", "local,netns").split(",");

/** How many kills left something, or struck nothing. */
async function killOn(environment: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-kill-"));
  const outcomes = await killRunner({ environment, ...plan, folder });
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
  for (const environment of environments) badCount += await killOn(environment);
  console.log(badCount === 0 ? "nothing was left" : `${badCount} kills went wrong`);
  process.exitCode = badCount === 0 ? 0 : 1;
} else {
  process.exitCode = code;
}
