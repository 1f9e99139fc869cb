// `ordeal vagrant up | status | destroy`.

import type { Command } from "commander";
import type { Output } from "../progress.js";
import { integer, parseReplicas } from "../run-options.js";
import { UsageError } from "../usage-error.js";

const PROVIDERS = ["docker", "libvirt", "virtualbox"];

export function registerVagrant(program: Command, output: Output): void {
  const command = program
    .command("vagrant")
    .description("hosts for --env vagrant, kept by Vagrant until they are destroyed");
  const line = (text: string) => output.line(text);

  command
    .command("up")
    .description("bring them up: containers with sshd, or virtual machines")
    .option("--provider <name>", PROVIDERS.join(", "), "docker")
    .option("--replicas <n>", "hosts for replicas, 3f+1", "4")
    .option("--clients <n>", "hosts for client processes", "2")
    .action(async (options: { provider: string; replicas: string; clients: string }) => {
      const { provider } = options;
      if (!PROVIDERS.includes(provider)) {
        const wanted = PROVIDERS.join(", ");
        throw new UsageError("bad-option", `--provider wants ${wanted}, found "${provider}"`);
      }
      const replicas = parseReplicas(options.replicas);
      const clients = integer("--clients", options.clients, 1, 100);
      const { vagrantUp } = await import("../vagrant/hosts.js");
      const hosts = await vagrantUp({ provider, replicas, clients }, line);
      line(`${hosts.length} hosts are up: ordeal run smoke --env vagrant`);
    });

  command
    .command("status")
    .description("what Vagrant says of each")
    .action(async () => {
      const { vagrantStatus } = await import("../vagrant/hosts.js");
      for (const text of await vagrantStatus()) line(text);
    });

  command
    .command("destroy")
    .description("remove them, and what was remembered of them")
    .action(async () => {
      const { vagrantDestroy } = await import("../vagrant/hosts.js");
      await vagrantDestroy(line);
      line("no hosts are left");
    });
}
