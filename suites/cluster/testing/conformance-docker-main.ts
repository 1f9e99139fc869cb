// The conformance suite on containers: by the daemon that DOCKER_HOST names, else by one of our own.
// Longer than what `npm test` may take, so it is run by itself.

import { fileURLToPath } from "node:url";
import { createDocker, probeDocker } from "../docker.js";
import { docker } from "../docker-client.js";
import { dockerLabel } from "../registry.js";
import { insideSandbox } from "../sandbox.js";
import { runConformance } from "./conformance.js";
import { inLab, orSkip } from "./conformance-lab.js";
import { dockerLabFailure, openDockerLab } from "./docker-lab.js";

const name = "docker";
if (process.env["DOCKER_HOST"] !== undefined && insideSandbox() === undefined) {
  await orSkip(name, () => conform(async () => undefined));
} else {
  const lab = { name, main: fileURLToPath(import.meta.url), failure: dockerLabFailure() };
  await inLab(lab, async () => conform(await openDockerLab()));
}

async function conform(close: () => Promise<void>): Promise<void> {
  const found = await probeDocker();
  runConformance({
    name,
    create: (options) => createDocker(options, found, "a test"),
    leftovers: async () => {
      const label = `label=${dockerLabel()}`;
      const lists = [
        ["ps", "-aq"],
        ["network", "ls", "-q"],
        ["volume", "ls", "-q"],
      ].map((list) => docker([...list, "--filter", label]));
      const left = (await Promise.all(lists)).join("\n");
      await close();
      return left.split("\n").filter((line) => line !== "");
    },
  });
}
