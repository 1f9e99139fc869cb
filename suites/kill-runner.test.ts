import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import { chooseEnvironment } from "./cluster/choose.js";
import { aloneAsRoot, killRunner } from "./testing/kill-runner.js";
import { UsageError } from "./usage-error.js";

/** Others at every call would make failures rare and hard to repeat; the bench draws many. */
const SEED = 20_261_128;

const code = await aloneAsRoot([fileURLToPath(import.meta.url)]);
if (code === undefined) await runCases();
else process.exitCode = code;

async function runCases(): Promise<void> {
  for (const environment of ["local", "netns"]) {
    const reason = await whyNot(environment);
    if (reason !== undefined) console.log(`skipped: kill the runner on ${environment}: ${reason}`);
    const each = reason === undefined ? test : test.skip;
    each(`a runner that is killed on ${environment} has left nothing after the next start`, () =>
      killOnce(environment),
    );
  }
  test.run();
}

async function killOnce(environment: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-kill-"));
  try {
    for (const outcome of await killRunner({ environment, kills: 1, seed: SEED, folder })) {
      assert.notDeepEqual(outcome.before, [], `${outcome.point}: something was there`);
      assert.deepEqual(outcome.left, [], outcome.point);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Undefined where the environment works here. */
async function whyNot(environment: string): Promise<string | undefined> {
  try {
    await chooseEnvironment({ requested: environment });
    return undefined;
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}
