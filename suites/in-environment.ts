// Chooses the environment, says which and why before anything else, and does the work where it belongs:
// here, or by running this program again inside the sandbox of namespaces.

import { resolve } from "node:path";
import type { FaultKind } from "../nemesis/faults.js";
import { chooseEnvironment, createEnvironment } from "./cluster/choose.js";
import type { Environment } from "./cluster/environment.js";
import { enterSandbox, insideSandbox } from "./cluster/sandbox.js";
import { sweepDeadRuns } from "./cluster/sweep.js";
import { enterUml, insideUml } from "./cluster/uml.js";
import { EXIT_CRASH } from "./exit-code.js";
import type { Output } from "./progress.js";
import type { RunContext } from "./run.js";
import { openIndex } from "./run-index.js";
import { openStore } from "./store.js";

export type Chosen = {
  environment: Pick<Environment, "name" | "capabilities">;
  context: RunContext;
};

/**
 * Does the work, or has it done; resolves to the exit code. The first interrupt aborts the context's
 * signal, so that the run heals and judges what there is; the second ends the program at once.
 * Throws UsageError where the store cannot be written or the environment cannot be had.
 */
export async function inEnvironment(
  {
    env,
    inventory,
    needed,
    store,
    output,
  }: {
    env: string | undefined;
    inventory: string | undefined;
    needed: readonly FaultKind[];
    store: string;
    output: Output;
  },
  work: (chosen: Chosen) => Promise<number>,
): Promise<number> {
  const root = openStore(store);
  openIndex(root).close();
  const isInside = insideSandbox() !== undefined || insideUml();
  if (!isInside) await removeLeftovers(output);
  const choice = await chooseEnvironment({
    ...(env !== undefined && { requested: env }),
    ...(inventory !== undefined && { inventory: resolve(inventory) }),
    needed,
  });
  const argv = process.argv.slice(1);
  if (choice.name === "netns" && !isInside) return enterSandbox(argv, choice.sandbox);
  output.line(choice.line);
  if (choice.name === "uml" && "parts" in choice) return enterUml(argv, choice.parts);
  const interrupt = new AbortController();
  const onSignal = () => {
    if (interrupt.signal.aborted) process.exit(EXIT_CRASH);
    interrupt.abort();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    return await work({
      environment: choice,
      context: {
        store: root,
        output,
        interrupt: interrupt.signal,
        createEnvironment: (options) => createEnvironment(choice, options),
      },
    });
  } finally {
    await choice.close?.();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** A runner that was killed cannot clean up: the next one does. What it cannot remove does not stop it. */
async function removeLeftovers(output: Output): Promise<void> {
  const { found, failed } = await sweepDeadRuns();
  if (found.length > 0) output.line(`removed what a dead run had left: ${found.join(", ")}`);
  for (const what of failed) output.line(`a dead run has left ${what}; see ordeal clean`);
}
