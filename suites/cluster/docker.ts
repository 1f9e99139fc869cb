// Environment `docker`: each node in a container of its own with a fixed address on a network of ours;
// faults by iptables and tc inside, where the container may administer its own network and no other.

import { randomBytes, randomInt } from "node:crypto";
import type { FaultKind, NodeName } from "../../nemesis/faults.js";
import { deviceOf, type HostFaults, probeHostFaults } from "../../nemesis/host/remote-host.js";
import { localShell, prefixedShell } from "../../nemesis/host/shell.js";
import { ARCHIVE_AGENT, archiveBuild } from "./build-archive.js";
import { ClusterEnvironment, type Ground } from "./cluster-environment.js";
import { docker, dockerLabel, dockerVersion } from "./docker-client.js";
import { baseImage, IMAGE_BUILD, type NodeImage, runImage } from "./docker-image.js";
import { DockerMachine } from "./docker-machine.js";
import type { Environment, EnvironmentOptions } from "./environment.js";
import { STOP_MS_MAX } from "./processes.js";
import { type Registration, register } from "./registry.js";
import {
  openRemoteGround,
  type RemoteNode,
  readyLinks,
  remoteCapabilities,
} from "./remote-ground.js";

/** The run's folder inside. */
const DIRECTORY = "/ordeal";
/** Networks that are tried until one is free. */
const SUBNET_TRIES = 20;
/** What a container needs: its own network to administer, and duplicates to come in through lo. */
const RIGHTS = [
  ...["--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW"],
  ...["--sysctl", "net.ipv4.conf.all.rp_filter=0", "--sysctl", "net.ipv4.conf.lo.rp_filter=0"],
];

export type DockerFound = {
  image: NodeImage;
  faults: HostFaults;
  capabilities: ReadonlySet<FaultKind>;
  /** One line. */
  line: string;
};

/** Throws UsageError where no daemon answers, or no image can be made. */
export async function probeDocker(): Promise<DockerFound> {
  const version = await dockerVersion();
  const registration = registerContainers();
  try {
    const image = await baseImage();
    const run = ["docker", "run", "--rm", "-i", "--label", dockerLabel(), ...RIGHTS, image.name];
    const faults = await probeHostFaults(prefixedShell(localShell(), run));
    const { backend, mechanism } = faults;
    const line = `containers (docker ${version}), iptables-${backend ?? "none"}, delay by ${mechanism ?? "nothing"}`;
    return { image, faults, capabilities: remoteCapabilities(faults), line };
  } finally {
    registration.release();
  }
}

export function createDocker(
  options: EnvironmentOptions,
  found: DockerFound,
  reason: string,
  stopMsMax = STOP_MS_MAX,
): Environment {
  const kind = {
    name: "docker",
    description: `docker: ${found.line}; ${reason}`,
    capabilities: found.capabilities,
    stopMsMax,
    hands: [],
    downHands: [],
    open: (nodes: readonly NodeName[]) => openGround(nodes, options, found),
  };
  return new ClusterEnvironment(kind, options);
}

async function openGround(
  nodes: readonly NodeName[],
  { build, directory }: EnvironmentOptions,
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
    const withBuild = await runImage(image, build);
    const subnet = await createNetwork(run);
    const agent = [image.execPath, `${IMAGE_BUILD}/${ARCHIVE_AGENT}`];
    const place = async (name: NodeName, index: number): Promise<[NodeName, DockerNode]> => {
      const address = `${subnet}.${index + 2}`;
      const container = `${run}-${name}`;
      const where = ["--name", container, "--hostname", name, "--network", run, "--ip", address];
      const label = ["--label", dockerLabel()];
      await docker(["create", "-i", ...label, ...where, ...RIGHTS, withBuild, ...agent]);
      const machine = await DockerMachine.boot(container);
      machines.push(machine);
      const device = await deviceOf(machine.shell, address);
      if (device === undefined) throw new Error(`docker: ${container} has no ${address}`);
      return [
        name,
        {
          machine,
          directory: DIRECTORY,
          get runtimeFolder() {
            return machine.runtimeFolder;
          },
          execPath: image.execPath,
          build: `${IMAGE_BUILD}/${archiveBuild(build)}`,
          address,
          device,
        },
      ];
    };
    const placing = await Promise.allSettled(nodes.map(place));
    for (const each of placing) if (each.status === "rejected") throw each.reason;
    const placed = new Map(placing.flatMap((each) => ("value" in each ? [each.value] : [])));
    return await groundOf(placed, directory, faults, close);
  } catch (error) {
    await close();
    throw error;
  }
}

type DockerNode = RemoteNode & { machine: DockerMachine };

async function groundOf(
  nodes: ReadonlyMap<NodeName, DockerNode>,
  directory: string,
  faults: HostFaults,
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
