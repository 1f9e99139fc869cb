// Environment `ssh`: nodes on hosts of an inventory, each behind an agent that was started there over
// ssh; faults by iptables and tc on those hosts, as in `netns`. The runner may be any machine with ssh.

import { randomBytes } from "node:crypto";
import type { FaultKind, NodeName } from "../../nemesis/faults.js";
import { commonFaults } from "../../nemesis/host/remote-host.js";
import type { AgentMachine } from "./agent-machine.js";
import { ARCHIVE_OWN, archiveBuild } from "./build-archive.js";
import type { Ground } from "./cluster-environment.js";
import type { Environment, EnvironmentOptions } from "./environment.js";
import { commonFindings } from "./host-hands.js";
import { type Host, placeNodes } from "./inventory.js";
import { isReplicaName } from "./layout.js";
import {
  createRemote,
  openAll,
  openRemoteGround,
  type RemoteFound,
  type RemoteNode,
  remoteFound,
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
export type SshHosts = RemoteFound & {
  hosts: readonly ProbedHost[];
  /** Ends the connections. */
  close(): Promise<void>;
};

/**
 * `needed`: kinds of faults to come; none: what all kinds need is tried. Throws UsageError, naming the
 * host, where one cannot be reached or run nodes.
 */
export async function openHosts(
  inventory: readonly Host[],
  needed: readonly FaultKind[] = [],
): Promise<SshHosts> {
  // Sockets in it get a name while they are made that is 17 characters longer than theirs.
  const folder = makeRuntimeFolder(["/tmp"]);
  const probing = await Promise.allSettled(
    inventory.map((host) => probeHost(host, folder.path, needed)),
  );
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
  const hands = commonFindings(hosts.map((probed) => probed.hands));
  return { hosts, ...remoteFound(`${hosts.length} hosts by ssh`, faults, hands), close };
}

/** `name` is "ssh" or "vagrant"; `reason` becomes part of the description. */
export function createSsh(
  options: EnvironmentOptions,
  found: SshHosts,
  words: { name: string; reason: string },
  stopMsMax?: number,
): Environment {
  const cluster = { found, options, ...(stopMsMax !== undefined && { stopMsMax }) };
  return createRemote(words, cluster, (nodes) => openGround(nodes, options, found));
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
  const open = async (name: NodeName): Promise<RemoteNode> => {
    const probed = hosts.find((each) => each.host === placed.get(name));
    if (probed === undefined) throw new Error(`no host was probed for ${name}`);
    const node = await openNode(probed, archiveFor(probed.platform), build, run);
    agents.push(node.machine);
    return node;
  };
  const opened = await openAll(nodes, open).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return (await openRemoteGround({ nodes: opened, directory, faults, close })).ground;
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
    ownBuild: `${shipped}/${ARCHIVE_OWN}`,
    address: host.listen,
    device,
  };
}
