// The conformance suite on hosts that Vagrant brings up with its Docker provider, by a daemon of our own and
// with a state of Vagrant's that is nobody else's.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "../../../nemesis/host/shell.js";
import { vagrantDestroy, vagrantInventory, vagrantUp } from "../../vagrant/hosts.js";
import { docker } from "../docker-client.js";
import { readInventory } from "../inventory.js";
import { createSsh, openHosts, type SshHosts } from "../ssh.js";
import { runConformance } from "./conformance.js";
import { inLab } from "./conformance-lab.js";
import { dockerLabFailure, openDockerLab } from "./docker-lab.js";
import { leftOn } from "./leftovers.js";

const name = "vagrant";
const PLAN = { provider: "docker", replicas: 4, clients: 2 };

const lab = { name, main: fileURLToPath(import.meta.url), failure: dockerLabFailure() };
await inLab(lab, async () => {
  const state = mkdtempSync(join(tmpdir(), "ordeal-vagrant-"));
  process.env["VAGRANT_DOTFILE_PATH"] = state;
  const close = await openDockerLab();
  await vagrantUp(PLAN, (line) => console.log(line));
  const hosts = await openHosts(readInventory(vagrantInventory()));
  runConformance({
    name,
    create: (options) => createSsh(options, hosts, { name, reason: "a test" }),
    leftovers: async () => {
      const left = await leftOnAll(hosts);
      await hosts.close();
      await vagrantDestroy((line) => console.log(line));
      const containers = (await docker(["ps", "-aq"])).split("\n").filter((line) => line !== "");
      await close();
      rmSync(state, { recursive: true });
      return [...left, ...containers];
    },
  });
});

async function leftOnAll({ hosts }: SshHosts): Promise<readonly string[]> {
  const left = hosts.map(({ host, connection, device }) =>
    leftOn(host.name, device, async (argv) => (await must(connection.shell("root"), argv)).stdout),
  );
  return (await Promise.all(left)).flat();
}
