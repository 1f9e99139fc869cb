// Conformance mains that bring the machines themselves: run again inside a sandbox, where a lab can be.

import { UsageError } from "../../usage-error.js";
import { chooseEnvironment } from "../choose.js";
import { enterSandbox, insideSandbox } from "../sandbox.js";

/** As automake counts it: neither passed nor failed. */
const EXIT_SKIPPED = 77;

type Lab = {
  /** The environment under test. */
  name: string;
  /** The path of the main file. */
  main: string;
  /** Why there can be none here. */
  failure: string | undefined;
};

/** Runs the main file again in the sandbox, and `conform` there; skips where that cannot be. */
export async function inLab({ name, main, failure }: Lab, conform: () => Promise<void>) {
  await orSkip(name, async () => {
    if (insideSandbox() !== undefined) return conform();
    if (failure !== undefined) throw new UsageError("lab", failure);
    const choice = await chooseEnvironment({ requested: "netns" });
    if (choice.name !== "netns") throw new UsageError("lab", choice.line);
    process.exitCode = await enterSandbox([main], choice.sandbox);
  });
}

/** What cannot be done here is said in one line, and by the exit code. */
export async function orSkip(name: string, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.log(`skipped: conformance of ${name}: ${error.message}`);
    process.exitCode = EXIT_SKIPPED;
  }
}
