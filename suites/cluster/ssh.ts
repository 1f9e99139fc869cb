// Environment `ssh`: nodes on hosts of an inventory, each behind an agent that was started there over
// ssh; faults by iptables and tc on those hosts, as in `netns`. The runner may be any machine with ssh.

import { randomBytes } from "node:crypto";
import type { FaultKind, NodeName } from "../../nemesis/faults.js";
import { commonFaults, type HostFaults } from "../../nemesis/host/remote-host.js";
import type { AgentMachine } from "./agent-machine.js";
import { archiveBuild } from "./build-archive.js";
import { ClusterEnvironment, type Ground } from "./cluster-environment.js";
import type { Environment, EnvironmentOptions } from "./environment.js";
import { type Host, placeNodes } from "./inventory.js";
import { isReplicaName } from "./layout.js";
import { STOP_MS_MAX } from "./processes.js";
import {
  openRemoteGround,
  type RemoteNode,
  remoteCapabilities,
  runFolder,
} from "./remote-ground.js";
import { makeRuntimeFolder } from "./runtime-folder.js";
import {
  type Archive,
  archivesOf,
  type ProbedHost,
  probeHost,
  ship,
  startAgent,
} from "./ssh-hosts.js";

/** An agent that does not end by then is cut off; it ends by itself all the same. */
const AGENT_STOP_MS_MAX = 10_000;

/** All hosts of an inventory, connected and looked at. */
export type SshHosts = {
  hosts: readonly ProbedHost[];
  faults: Omit<HostFaults, "findings">;
  capabilities: ReadonlySet<FaultKind>;
  /** One line. */
  line: string;
  /** Ends the connections. */
  close(): Promise<void>;
};

/** Throws UsageError, naming the host, where one cannot be reached or run nodes. */
export async function openHosts(inventory: readonly Host[]): Promise<SshHosts> {
  // Sockets in it get a name while they are made that is 17 characters longer than theirs.
  const folder = makeRuntimeFolder(["/tmp"]);
  const probing = await Promise.allSettled(inventory.map((host) => probeHost(host, folder.path)));
  const hosts = probing.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const close = async () => {
    await Promise.all(hosts.map(({ connection }) => connection.close()));
    folder.remove();
  };
  const failed = probing.find((each) => each.status === "rejected");
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }
  const faults = commonFaults(hosts.map((probed) => probed.faults));
  const { backend, mechanism } = faults;
  const means = `iptables-${backend ?? "none"}, delay by ${mechanism ?? "nothing"}`;
  const line = `${hosts.length} hosts by ssh, ${means}`;
  return { hosts, faults, capabilities: remoteCapabilities(faults), line, close };
}

/** `name` is "ssh" or "vagrant"; `reason` becomes part of the description. */
export function createSsh(
  options: EnvironmentOptions,
  found: SshHosts,
  { name, reason }: { name: string; reason: string },
  stopMsMax = STOP_MS_MAX,
): Environment {
  const kind = {
    name,
    description: `${name}: ${found.line}; ${reason}`,
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
  { hosts, faults }: SshHosts,
): Promise<Ground> {
  const replicas = nodes.filter(isReplicaName);
  const clients = nodes.filter((node) => !isReplicaName(node));
  const placed = placeNodes(
    hosts.map(({ host }) => host),
    replicas,
    clients,
  );
  const archiveFor = archivesOf(build);
  const run = randomBytes(6).toString("hex");
  const agents: AgentMachine[] = [];
  const close = async () => {
    await Promise.all(agents.map((agent) => agent.close(AGENT_STOP_MS_MAX)));
  };
  const open = async ([name, host]: [NodeName, Host]): Promise<[NodeName, RemoteNode]> => {
    const probed = hosts.find((each) => each.host === host);
    if (probed === undefined) throw new Error(`host ${host.name} was not probed`);
    const node = await openNode(probed, archiveFor(probed.platform), build, run);
    agents.push(node.machine);
    return [name, node];
  };
  const opening = await Promise.allSettled([...placed].map(open));
  const failed = opening.find((each) => each.status === "rejected");
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }
  const opened = opening.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const plan = { nodes: new Map(opened), directory, faults, close };
  return (await openRemoteGround(plan)).ground;
}

async function openNode(
  probed: ProbedHost,
  archive: Archive,
  build: string,
  run: string,
): Promise<RemoteNode & { machine: AgentMachine }> {
  const { base, execPath, host, device } = probed;
  const shipped = await ship(probed, archive);
  const directory = runFolder(base, run);
  const machine = await startAgent(probed, shipped, directory);
  return {
    machine,
    directory,
    runtimeFolder: machine.hello.runtimeFolder,
    execPath,
    build: `${shipped}/${archiveBuild(build)}`,
    address: host.listen,
    device,
  };
}
