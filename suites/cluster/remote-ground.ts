// The ground of nodes on machines of their own, each behind an agent: one cluster, one network, whatever
// carries the agents. Used by `ssh` (and so `vagrant`) and by `docker`.

import { join } from "node:path";
import type { FaultKind, NodeName } from "../../nemesis/faults.js";
import { NetnsNetwork } from "../../nemesis/host/network.js";
import { cleanUpArgv, type HostFaults, makeSink, SINK } from "../../nemesis/host/remote-host.js";
import { composeLinks } from "../../nemesis/links.js";
import type { FaultyNetwork, Ground } from "./cluster-environment.js";
import { DATAGRAM_BYTES_MAX_ETHERNET } from "./cluster-files.js";
import { nodeFiles } from "./layout.js";
import type { Machine } from "./machine.js";
import type { NodeSite } from "./processes.js";

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
  faults: Omit<HostFaults, "findings">;
  /** Ends the agents and what carries them. */
  close: () => Promise<void>;
};

/** What can be done to nodes and links with these means. */
export function remoteCapabilities({
  backend,
  canDuplicate,
  canMatchMessages,
  mechanism,
}: Omit<HostFaults, "findings">): ReadonlySet<FaultKind> {
  const kinds: FaultKind[] = ["kill", "pause"];
  if (backend !== undefined) {
    kinds.push("partition", "loss");
    if (canDuplicate) kinds.push("duplicate");
    if (mechanism !== undefined) kinds.push("delay", "reorder");
    if (canMatchMessages && mechanism !== undefined) kinds.push("message");
  }
  return new Set(kinds);
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
    return { shell: node.machine.shell, device: node.device, plugGateway: SINK, isOurs: false };
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
  { backend, mechanism }: Omit<HostFaults, "findings">,
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
