// The ground of nodes on machines of their own, each behind an agent: one cluster, one network, whatever
// carries the agents. Used by `ssh` (and so `vagrant`) and by `docker`.

import { join } from "node:path";
import type { FaultKind, NodeName } from "../../nemesis/faults.js";
import { NetnsNetwork } from "../../nemesis/host/network.js";
import type { LinkMeans } from "../../nemesis/host/probe.js";
import { cleanUpArgv, makeSink, SINK, UNKNOWN } from "../../nemesis/host/remote-host.js";
import { must } from "../../nemesis/host/shell.js";
import { composeLinks } from "../../nemesis/links.js";
import { capabilitiesOf } from "./capabilities.js";
import {
  ClusterEnvironment,
  type EnvironmentKind,
  type FaultyNetwork,
  type Ground,
} from "./cluster-environment.js";
import { DATAGRAM_BYTES_MAX_ETHERNET } from "./cluster-files.js";
import type { Environment, EnvironmentOptions } from "./environment.js";
import { type HostFindings, hostHands } from "./host-hands.js";
import { nodeFiles } from "./layout.js";
import type { Machine } from "./machine.js";
import { type NodeSite, STOP_MS_MAX } from "./processes.js";

/** Every node has an address of its own, so they may all have the same port. */
const PORT = 7400;

export interface RemoteMachine extends Machine {
  collect(there: string, here: string): Promise<void>;
  finally(argv: readonly string[]): Promise<void>;
}

export type RemoteNode = NodeSite & {
  machine: RemoteMachine;
  /** By which the other nodes reach it. */
  address: string;
  /** Which has that address. */
  device: string;
};

export type RemotePlan = {
  nodes: ReadonlyMap<NodeName, RemoteNode>;
  /** The run's folder on this machine, where the nodes' files are brought at the end. */
  directory: string;
  faults: LinkMeans;
  /** Ends the agents and what carries them. */
  close: () => Promise<void>;
};

/** What was found of all machines together. */
export type RemoteFound = {
  faults: LinkMeans;
  hands: HostFindings;
  capabilities: ReadonlySet<FaultKind>;
  /** One line. */
  line: string;
};

/** `machines`: what they are, in a few words. */
export function remoteFound(machines: string, faults: LinkMeans, hands: HostFindings): RemoteFound {
  const { backend, mechanism } = faults;
  const means = `iptables-${backend ?? "none"}, delay by ${mechanism ?? "nothing"}`;
  const capabilities = capabilitiesOf(faults, hands);
  return { faults, hands, capabilities, line: `${machines}, ${means}` };
}

/** `reason` becomes part of the description. */
export function createRemote(
  { name, reason }: { name: string; reason: string },
  { found, options, stopMsMax = STOP_MS_MAX }: RemoteCluster,
  open: EnvironmentKind["open"],
): Environment {
  const kind = {
    name,
    description: `${name}: ${found.line}; ${reason}`,
    capabilities: found.capabilities,
    stopMsMax,
    ...hostHands(found.hands, options.seed),
    open,
  };
  return new ClusterEnvironment(kind, options);
}

export type RemoteCluster = { found: RemoteFound; options: EnvironmentOptions; stopMsMax?: number };

/** All at once. Where one fails all have been tried when it throws, so that none comes later. */
export async function openAll<T>(
  names: Iterable<NodeName>,
  open: (name: NodeName, index: number) => Promise<T>,
): Promise<ReadonlyMap<NodeName, T>> {
  const opening = [...names].map(async (name, index) => [name, await open(name, index)] as const);
  const settled = await Promise.allSettled(opening);
  for (const each of settled) if (each.status === "rejected") throw each.reason;
  return new Map(await Promise.all(opening));
}

/** The network's links, ready for faults, and the ground around it. Where it throws it has closed. */
export async function openRemoteGround(
  plan: RemotePlan,
): Promise<{ ground: Ground; links: NetnsNetwork | undefined }> {
  const { nodes, directory } = plan;
  const nodeOf = (name: NodeName): RemoteNode => {
    const node = nodes.get(name);
    if (node === undefined) throw new Error(`no machine for ${name}`);
    return node;
  };
  const addressOf = (name: NodeName) => ({ host: nodeOf(name).address, port: PORT });
  try {
    const links = await linksOf(plan);
    const ground: Ground = {
      network: links === undefined ? untouchable : composed(links),
      plan: {
        runtimeFolder: "",
        datagramBytesMax: DATAGRAM_BYTES_MAX_ETHERNET,
        siteOf: nodeOf,
        placeOf: (name) => ({ listen: addressOf(name), addressOf, argvPrefix: [] }),
        shellOf: (name) => nodeOf(name).machine.shell,
      },
      failures: () => [],
      collect: async () => {
        const collecting = [...nodes].map(async ([name, node]) => {
          const there = nodeFiles(node.directory, name).folder;
          await node.machine.collect(there, nodeFiles(directory, name).folder);
        });
        // What others left is brought, also where one cannot be asked any more.
        const failed = (await Promise.allSettled(collecting)).find(isRejected);
        if (failed !== undefined) throw failed.reason;
      },
      close: plan.close,
    };
    return { ground, links };
  } catch (error) {
    await plan.close();
    throw error;
  }
}

/** Undefined where the machines let nobody touch their packet filters. */
async function linksOf({ nodes, faults }: RemotePlan): Promise<NetnsNetwork | undefined> {
  const { backend, mechanism } = faults;
  const [first] = nodes.values();
  if (backend === undefined || first === undefined) return undefined;
  const access = (name: NodeName) => {
    const node = nodes.get(name);
    if (node === undefined) throw new Error(`no machine for ${name}`);
    const { machine, device } = node;
    const { shell } = machine;
    // A question that nobody answers leaves by the device.
    const ask = ["ip", "neigh", "replace", UNKNOWN, "dev", device, "use"];
    return { shell, device, plugGateway: SINK, isOurs: false, wake: () => must(shell, ask) };
  };
  await Promise.all([...nodes.values()].map((node) => readyLinks(node, faults)));
  const topology = {
    nodes: [...nodes.keys()],
    addresses: new Map([...nodes].map(([name, { address }]) => [name, address])),
  };
  const network = new NetnsNetwork({
    topology,
    backend,
    mechanism,
    accessOf: access,
  });
  await network.prepare();
  return network;
}

/** Before the first rule: how all of them go, and where plugs die. Again when a machine is as new. */
export async function readyLinks(
  { machine, device }: RemoteNode,
  { backend, mechanism }: LinkMeans,
): Promise<void> {
  if (backend === undefined) return;
  await machine.finally(cleanUpArgv(backend, device));
  if (mechanism === "htb") await makeSink(machine.shell, device);
}

function composed(network: NetnsNetwork): FaultyNetwork {
  return {
    apply: (active) => network.apply(composeLinks(active)),
    evidence: (fault) => network.evidence(fault),
  };
}

function isRejected(each: PromiseSettledResult<void>): each is PromiseRejectedResult {
  return each.status === "rejected";
}

const untouchable: FaultyNetwork = {
  apply: async () => {
    throw new Error("no links can be harmed here");
  },
  evidence: async () => {
    throw new Error("no links can be harmed here");
  },
};

/** A folder for the files of one run, below a folder that a user has on a host. */
export function runFolder(base: string, runId: string): string {
  return join(base, "runs", `ordeal-${runId}`);
}
