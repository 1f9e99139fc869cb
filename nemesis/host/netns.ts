// The network of a run: one namespace a node, joined by a bridge in the runner's own namespace. The
// runner is itself inside `unshare -nm --pid` (see probe.ts), so everything here dies with it.
// The command lines are built purely; performing them takes one `ip -batch` for all and one a node.

import { createSocket } from "node:dgram";
import type { NodeName } from "../faults.js";
import type { IptablesBackend } from "./iptables.js";
import type { NodeAccess } from "./network.js";
import { commandLine, must, prefixedShell, type Shell } from "./shell.js";
import { openShells, type StandingShells } from "./standing-shells.js";
import { LINE_PACKETS_MAX } from "./tc.js";

/** The device of every node, inside its namespace. */
export const NODE_DEVICE = "eth0";

/** Where the runner, and with it the bridge, answers. */
export const GATEWAY = "10.77.0.254";

const BRIDGE = "ordeal0";
const RUN = "/run";
const NETNS_FOLDER = `${RUN}/netns`;
const NODES_MAX = 250;

export type Command = { argv: readonly string[]; stdin?: string };

export type Topology = {
  nodes: readonly NodeName[];
  addresses: ReadonlyMap<NodeName, string>;
  /** A script of sh that makes the namespaces, their links with addresses, and the bridge. */
  create: string;
  /** Removes devices, namespaces and the bridge. */
  teardown: readonly Command[];
};

/** Addresses are 10.77.0.1, 10.77.0.2, … in the order of the nodes; at most 250 of them. */
export function buildTopology(nodes: readonly NodeName[]): Topology {
  if (nodes.length > NODES_MAX) {
    throw new RangeError(`${nodes.length} nodes do not fit in 10.77.0.0/24 (at most ${NODES_MAX})`);
  }
  const addresses = new Map(nodes.map((node, index) => [node, `10.77.0.${index + 1}`]));
  return {
    nodes,
    addresses,
    create: createScript(addresses),
    // Devices by name first: the kernel takes its time to clear a namespace that has lost its name.
    teardown: [
      batch([
        ...nodes.map((_, index) => `link del v${index}`),
        ...nodes.map((node) => `netns del ${node}`),
        `link del ${BRIDGE}`,
      ]),
    ],
  };
}

/** One process for all links, and then one a node, side by side. */
function createScript(addresses: ReadonlyMap<NodeName, string>): string {
  const nodes = [...addresses.keys()];
  return [
    BRIDGE_SYSCTLS,
    "ip -batch - <<'END' || exit",
    ...nodes.map((node) => `netns add ${node}`),
    "link set lo up",
    `link add ${BRIDGE} type bridge`,
    `addr add ${GATEWAY}/24 dev ${BRIDGE}`,
    `link set ${BRIDGE} up`,
    ...nodes.flatMap((node, index) => [
      `link add v${index} type veth peer name ${NODE_DEVICE} netns ${node}`,
      `link set v${index} master ${BRIDGE} up`,
    ]),
    "END",
    "started=",
    ...[...addresses].flatMap(([node, address]) => [
      `${commandLine(enterPrefix(node))} ip -batch - <<'END' &`,
      "link set lo up",
      `addr add ${address}/24 dev ${NODE_DEVICE}`,
      `link set ${NODE_DEVICE} txqueuelen ${LINE_PACKETS_MAX} up`,
      "END",
      'started="$started $!"',
    ]),
    "for each in $started; do wait $each || exit; done",
  ].join("\n");
}

/** What to put before a command, or a node's process, to run it inside the node's namespace. */
export function enterPrefix(node: NodeName): readonly string[] {
  return ["nsenter", `--net=${NETNS_FOLDER}/${node}`];
}

export function nodeShell(shell: Shell, node: NodeName): Shell {
  return prefixedShell(shell, enterPrefix(node));
}

/**
 * Makes the namespaces and the bridge; then shells come up that stay in each namespace, with the tools for
 * faults. Call inside the runner's own network and mount namespaces only; `mountRun` first where /run is
 * shared with the machine.
 */
export function setUpTopology(
  { nodes, create }: Topology,
  backend: IptablesBackend = "legacy",
): Promise<StandingShells> {
  const tools = [`iptables-${backend}-restore`, "tc", "nft"];
  const place = (node: NodeName) => ({ prefix: enterPrefix(node), first: NODE_SYSCTLS, tools });
  const shells = new Map(nodes.map((node) => [node, place(node)]));
  return openShells({ shells, under: RUN, before: create });
}

/** How a node's namespace is reached, once the topology stands. */
export function namespaceAccess(
  { addresses }: Pick<Topology, "addresses">,
  { shellOf }: Pick<StandingShells, "shellOf">,
): (node: NodeName) => NodeAccess {
  return (node) => ({
    shell: shellOf(node),
    device: NODE_DEVICE,
    plugGateway: GATEWAY,
    isOurs: true,
    wake: () => knockAt(addresses.get(node) ?? ""),
  });
}

/** Nobody listens there, so the kernel answers. */
const DISCARD_PORT = 9;

function knockAt(address: string): Promise<void> {
  const socket = createSocket("udp4");
  return new Promise((resolve, reject) => {
    socket.send("", DISCARD_PORT, address, (error) => {
      socket.close();
      if (error === null) resolve();
      else reject(error);
    });
  });
}

export async function tearDownTopology(shell: Shell, topology: Topology): Promise<void> {
  for (const command of topology.teardown) await perform(shell, command);
}

/** A /run of our own, so that namespaces get names without touching the machine's. */
export async function mountRun(shell: Shell): Promise<void> {
  await must(shell, ["mount", "-t", "tmpfs", "tmpfs", "/run"]);
}

function batch(lines: readonly string[]): Command {
  return { argv: ["ip", "-batch", "-"], stdin: lines.join("\n") };
}

async function perform(shell: Shell, { argv, stdin }: Command): Promise<void> {
  await must(shell, argv, stdin === undefined ? {} : { stdin });
}

/**
 * A new namespace inherits the machine's settings. Duplicates re-enter through lo with a peer's source
 * address, which a strict reverse path filter would refuse; IPv6 would only chatter.
 */
const NODE_SYSCTLS = [
  "cd /proc/sys/net",
  "for file in all/rp_filter lo/rp_filter eth0/rp_filter all/forwarding",
  "do echo 0 > ipv4/conf/$file || exit 1",
  "done",
  // Whoever knocks is answered.
  "echo 0 > ipv4/icmp_ratelimit || exit 1",
  "if [ -w ipv6/conf/all/disable_ipv6 ]; then echo 1 > ipv6/conf/all/disable_ipv6; fi",
].join("\n");

/** Plug copies of the delay line end at the bridge because it forwards nothing (see tc.ts). */
const BRIDGE_SYSCTLS = [
  "cd /proc/sys/net",
  "echo 0 > ipv4/ip_forward",
  "if [ -w bridge/bridge-nf-call-iptables ]; then echo 0 > bridge/bridge-nf-call-iptables; fi",
  "if [ -w ipv6/conf/all/disable_ipv6 ]; then echo 1 > ipv6/conf/all/disable_ipv6; fi",
].join("\n");
