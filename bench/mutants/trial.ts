// One run of `ordeal run` as a process of its own, and what its verdict says.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import type { Valid, Verdict } from "../../checker/verdict.js";
import { PROJECT } from "./build.js";

/** More than any suite that catches a mutant takes, with a cluster that no longer makes progress. */
const RUN_MS_MAX = 180_000;

export type Trial = {
  suite: string;
  options: readonly string[];
  seed: number;
  env: string | undefined;
  /** Absent: the clean build. */
  build?: string;
  /** A store of its own, so that its latest run is this one. */
  store: string;
};

/** `failed`: the checks that said invalid, in their order; `summary`: what the first of them said. */
export type Outcome = { valid: Valid; failed: readonly string[]; summary: string };

/** Throws where the run crashed or was refused: then there is no verdict. */
export async function runSuite(trial: Trial): Promise<Outcome> {
  const { suite, options, seed, env, build, store } = trial;
  const cli = join(PROJECT, "dist", "suites", "cli.js");
  const environment = env === undefined ? [] : ["--env", env];
  const replicaBuild = build === undefined ? [] : ["--replica-build", build];
  const { exitCode, stdout, stderr } = await execa(
    process.execPath,
    [
      ...[cli, "run", suite, "--seed", String(seed), "--store", store],
      ...environment,
      ...replicaBuild,
      ...options,
    ],
    { reject: false, timeout: RUN_MS_MAX },
  );
  if (exitCode !== 0 && exitCode !== 1 && exitCode !== 2) {
    throw new Error(`ordeal run ${suite} ended with ${exitCode}:\n${stdout}\n${stderr}`);
  }
  const path = join(store, "latest", "verdict.json");
  const verdict: Verdict = JSON.parse(readFileSync(path, "utf8"));
  const failed = Object.entries(verdict.checks)
    .filter(([, { valid }]) => valid === false)
    .map(([name]) => name);
  const [first = ""] = failed;
  return { valid: verdict["valid?"], failed, summary: verdict.checks[first]?.summary ?? "" };
}
