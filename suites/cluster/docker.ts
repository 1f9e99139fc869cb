// Environment `docker`: each node in a container of its own with a fixed address on a network of ours;
// faults by iptables and tc inside, where the container may administer its own network and no other.

import { randomBytes, randomInt } from "node:crypto";
import type { FaultKind, NodeName } from "../../nemesis/faults.js";
import type { LinkMeans } from "../../nemesis/host/probe.js";
import { deviceOf, probeHostFaults } from "../../nemesis/host/remote-host.js";
import { localShell, must, prefixedShell, type Shell } from "../../nemesis/host/shell.js";
import { ARCHIVE_AGENT, ARCHIVE_OWN, archiveBuild } from "./build-archive.js";
import type { Ground } from "./cluster-environment.js";
import { docker, dockerLabel, dockerVersion } from "./docker-client.js";
import { baseImage, IMAGE_BUILD, type NodeImage, runImage } from "./docker-image.js";
import { DockerMachine } from "./docker-machine.js";
import type { Environment, EnvironmentOptions } from "./environment.js";
import { probeHands } from "./host-hands.js";
import { type Registration, register } from "./registry.js";
import {
  createRemote,
  openAll,
  openRemoteGround,
  type RemoteFound,
  type RemoteNode,
  readyLinks,
  remoteFound,
} from "./remote-ground.js";

/** The run's folder inside. */
const DIRECTORY = "/ordeal";
/** Not the agent's own folder: its files are there after each boot, as on a host's disk. */
const RUNTIME_FOLDER = `${DIRECTORY}/run`;
/** Networks that are tried until one is free. */
const SUBNET_TRIES = 20;
/** What a container needs: its own network to administer, and duplicates to come in through lo. */
const RIGHTS = [
  ...["--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW"],
  ...["--sysctl", "net.ipv4.conf.all.rp_filter=0", "--sysctl", "net.ipv4.conf.lo.rp_filter=0"],
];

/** Starting a container takes its time. */
const PROBE_MS_MAX = 60_000;

export type DockerFound = RemoteFound & { image: NodeImage };

/**
 * `needed`: kinds of faults to come; none: what all kinds need is tried. Throws UsageError where no daemon
 * answers, or no image can be made.
 */
export async function probeDocker(needed: readonly FaultKind[] = []): Promise<DockerFound> {
  const version = await dockerVersion();
  const registration = registerContainers();
  try {
    const image = await baseImage();
    const run = ["docker", "run", "--rm", "-i", "--label", dockerLabel(), ...RIGHTS, image.name];
    const once = prefixedShell(localShell(), run);
    const shell: Shell = {
      run: (argv, rest) => once.run(argv, { ...rest, deadlineMs: PROBE_MS_MAX }),
    };
    const [faults, hands] = await Promise.all([probeHostFaults(shell), probeHands(shell, needed)]);
    return { image, ...remoteFound(`containers (docker ${version})`, faults, hands) };
  } finally {
    registration.release();
  }
}

export function createDocker(
  options: EnvironmentOptions,
  found: DockerFound,
  reason: string,
): Environment {
  const open = (nodes: readonly NodeName[]) => openGround(nodes, options, found);
  return createRemote({ name: "docker", reason }, { found, options }, open);
}

async function openGround(
  nodes: readonly NodeName[],
  options: EnvironmentOptions,
  { image, faults }: DockerFound,
): Promise<Ground> {
  const registration = registerContainers();
  const run = `ordeal-${randomBytes(4).toString("hex")}`;
  const machines: DockerMachine[] = [];
  const close = async () => {
    await Promise.all(machines.map((machine) => machine.close()));
    await removeRun(
      nodes.map((node) => `${run}-${node}`),
      run,
    );
    registration.release();
  };
  try {
    const withBuild = await runImage(image, options.build);
    const subnet = await createNetwork(run);
    const agent = [image.execPath, `${IMAGE_BUILD}/${ARCHIVE_AGENT}`];
    const place = async (name: NodeName, index: number): Promise<DockerNode> => {
      const address = `${subnet}.${index + 2}`;
      const container = `${run}-${name}`;
      const where = ["--name", container, "--hostname", name, "--network", run, "--ip", address];
      const label = ["--label", dockerLabel()];
      await docker(["create", "-i", ...label, ...where, ...RIGHTS, withBuild, ...agent]);
      const machine = await DockerMachine.boot(container);
      machines.push(machine);
      const device = await deviceOf(machine.shell, address);
      if (device === undefined) throw new Error(`docker: ${container} has no ${address}`);
      await must(machine.shell, ["mkdir", "-p", RUNTIME_FOLDER]);
      const there = { directory: DIRECTORY, runtimeFolder: RUNTIME_FOLDER, address, device };
      const build = `${IMAGE_BUILD}/${archiveBuild(options.build)}`;
      const ownBuild = `${IMAGE_BUILD}/${ARCHIVE_OWN}`;
      return { machine, ...there, execPath: image.execPath, build, ownBuild };
    };
    const placed = await openAll(nodes, place);
    return await groundOf(placed, options.directory, faults, close);
  } catch (error) {
    await close();
    throw error;
  }
}

type DockerNode = RemoteNode & { machine: DockerMachine };

async function groundOf(
  nodes: ReadonlyMap<NodeName, DockerNode>,
  directory: string,
  faults: LinkMeans,
  close: () => Promise<void>,
): Promise<Ground> {
  // Closed here once, whoever fails.
  const plan = { nodes, directory, faults, close: async () => undefined };
  const { ground, links } = await openRemoteGround(plan);
  for (const [name, node] of nodes) {
    node.machine.hooks = {
      beforeDown: async () => links?.leave(name),
      afterUp: async () => {
        await readyLinks(node, faults);
        await links?.rejoin(name);
      },
    };
  }
  return { ...ground, close };
}

/** With the daemon that is meant now: whoever cleans up may have another in mind. */
function registerContainers(): Registration {
  const host = process.env["DOCKER_HOST"];
  return register({ kind: "docker", label: dockerLabel(), ...(host !== undefined && { host }) });
}

/** Resolves to the first three numbers of its addresses. */
async function createNetwork(name: string): Promise<string> {
  let failure: unknown;
  for (let tries = 0; tries < SUBNET_TRIES; tries++) {
    const subnet = `10.217.${randomInt(256)}`;
    const argv = ["network", "create", "--label", dockerLabel(), "--subnet", `${subnet}.0/24`];
    try {
      await docker([...argv, name]);
      return subnet;
    } catch (error) {
      failure = error; // It overlaps with somebody's; another may not.
    }
  }
  throw failure;
}

async function removeRun(containers: readonly string[], network: string): Promise<void> {
  const known = (await docker(["ps", "-a", "--format", "{{.Names}}"])).split("\n");
  const left = containers.filter((container) => known.includes(container));
  if (left.length > 0) await docker(["rm", "-f", "-v", ...left]);
  const networks = (await docker(["network", "ls", "--format", "{{.Name}}"])).split("\n");
  if (networks.includes(network)) await docker(["network", "rm", network]);
}
