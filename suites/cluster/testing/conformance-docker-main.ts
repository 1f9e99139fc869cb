// The conformance suite on containers: by the daemon that DOCKER_HOST names, else by one of our own.
// Longer than what `npm test` may take, so it is run by itself.

import { fileURLToPath } from "node:url";
import { UsageError } from "../../usage-error.js";
import { chooseEnvironment } from "../choose.js";
import { createDocker, probeDocker } from "../docker.js";
import { docker } from "../docker-client.js";
import { dockerLabel } from "../registry.js";
import { enterSandbox, insideSandbox } from "../sandbox.js";
import { runConformance } from "./conformance.js";
import { dockerLabFailure, openDockerLab } from "./docker-lab.js";

if (process.env["DOCKER_HOST"] !== undefined && insideSandbox() === undefined) {
  await conform(async () => undefined);
} else if (insideSandbox() !== undefined) {
  await conform(await openDockerLab());
} else {
  await outside();
}

async function conform(close: () => Promise<void>): Promise<void> {
  const found = await probeDocker();
  runConformance({
    name: "docker",
    create: (options) => createDocker(options, found, "a test"),
    leftovers: async () => {
      const left = [];
      for (const list of [
        ["ps", "-aq"],
        ["network", "ls", "-q"],
        ["volume", "ls", "-q"],
      ]) {
        left.push(await docker([...list, "--filter", `label=${dockerLabel()}`]));
      }
      await close();
      return left
        .join("\n")
        .split("\n")
        .filter((line) => line !== "");
    },
  });
}

/** Runs this file again where there can be a daemon. */
async function outside(): Promise<void> {
  const failure = dockerLabFailure();
  const choice = await chooseEnvironment({ requested: "netns" }).catch((error: unknown) => {
    if (error instanceof UsageError) return { name: "none", line: error.message } as const;
    throw error;
  });
  if (failure !== undefined || choice.name !== "netns") {
    console.log(`skipped: conformance of docker: ${failure ?? choice.line}`);
    return;
  }
  process.exitCode = await enterSandbox([fileURLToPath(import.meta.url)], choice.sandbox);
}
