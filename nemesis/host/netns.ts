// The network of a run: one namespace a node, joined by a bridge in the runner's own namespace. The
// runner is itself inside `unshare -nm --pid` (see probe.ts), so everything here dies with it.
// The command lines are built purely; performing them takes one `ip -batch` and one process a node.

import type { NodeName } from "../faults.js";
import { must, prefixedShell, type Shell } from "./shell.js";
import { StandingShell } from "./standing-shell.js";

/** The device of every node, inside its namespace. */
export const NODE_DEVICE = "eth0";

/** Where the runner, and with it the bridge, answers. */
export const GATEWAY = "10.77.0.254";

/** An address of the network that no node and no bridge has. */
export const NOBODY = "10.77.0.253";

const BRIDGE = "ordeal0";
const NETNS_FOLDER = "/run/netns";
const NODES_MAX = 250;

export type Command = { argv: readonly string[]; stdin?: string };

export type Topology = {
  nodes: readonly NodeName[];
  addresses: ReadonlyMap<NodeName, string>;
  /** Makes the namespaces, their links and the bridge. */
  create: Command;
  /** What to run in each namespace then; they may run side by side. */
  configure: ReadonlyMap<NodeName, Command>;
  /** Removes devices, namespaces and the bridge. */
  teardown: readonly Command[];
};

/** Addresses are 10.77.0.1, 10.77.0.2, … in the order of the nodes; at most 250 of them. */
export function buildTopology(nodes: readonly NodeName[]): Topology {
  if (nodes.length > NODES_MAX) {
    throw new RangeError(`${nodes.length} nodes do not fit in 10.77.0.0/24 (at most ${NODES_MAX})`);
  }
  const addresses = new Map(nodes.map((node, index) => [node, `10.77.0.${index + 1}`]));
  const links = nodes.flatMap((node, index) => [
    `link add v${index} type veth peer name ${NODE_DEVICE} netns ${node}`,
    `link set v${index} master ${BRIDGE} up`,
  ]);
  const create: Command = {
    argv: ["sh", "-c", `${BRIDGE_SYSCTLS}\nexec ip -batch -`],
    stdin: [
      ...nodes.map((node) => `netns add ${node}`),
      "link set lo up",
      `link add ${BRIDGE} type bridge`,
      `addr add ${GATEWAY}/24 dev ${BRIDGE}`,
      `link set ${BRIDGE} up`,
      ...links,
    ].join("\n"),
  };
  const configure = new Map(
    [...addresses].map(([node, address]): [NodeName, Command] => {
      const lines = [
        "link set lo up",
        `addr add ${address}/24 dev ${NODE_DEVICE}`,
        `link set ${NODE_DEVICE} up`,
      ];
      const script = `${NODE_SYSCTLS}\nexec ip -batch -`;
      return [node, { argv: ["sh", "-c", script], stdin: lines.join("\n") }];
    }),
  );
  return {
    nodes,
    addresses,
    create,
    configure,
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

/** What to put before a command, or a node's process, to run it inside the node's namespace. */
export function enterPrefix(node: NodeName): readonly string[] {
  return ["nsenter", `--net=${NETNS_FOLDER}/${node}`];
}

export function nodeShell(shell: Shell, node: NodeName): Shell {
  return prefixedShell(shell, enterPrefix(node));
}

/** A shell that stays in each namespace; it enters with its first command. */
export function standingShells(nodes: readonly NodeName[]): {
  shellOf: (node: NodeName) => Shell;
  close: () => Promise<void>;
} {
  const shells = new Map(nodes.map((node) => [node, new StandingShell(enterPrefix(node))]));
  return {
    shellOf(node) {
      const shell = shells.get(node);
      if (shell === undefined) throw new RangeError(`no namespace is called ${node}`);
      return shell;
    },
    close: async () => {
      await Promise.all([...shells.values()].map((shell) => shell.close()));
    },
  };
}

/**
 * Makes the namespaces and the bridge. Call inside the runner's own network and mount namespaces only;
 * `mountRun` first where /run is shared with the machine.
 */
export async function setUpTopology(
  shell: Shell,
  { create, configure }: Topology,
  shellOf: (node: NodeName) => Shell = (node) => nodeShell(shell, node),
): Promise<void> {
  await perform(shell, create);
  await Promise.all([...configure].map(([node, command]) => perform(shellOf(node), command)));
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
  "if [ -w ipv6/conf/all/disable_ipv6 ]; then echo 1 > ipv6/conf/all/disable_ipv6; fi",
].join("\n");

/** Plug copies of the delay line end at the bridge because it forwards nothing (see tc.ts). */
const BRIDGE_SYSCTLS = [
  "cd /proc/sys/net",
  "echo 0 > ipv4/ip_forward",
  "if [ -w bridge/bridge-nf-call-iptables ]; then echo 0 > bridge/bridge-nf-call-iptables; fi",
  "if [ -w ipv6/conf/all/disable_ipv6 ]; then echo 1 > ipv6/conf/all/disable_ipv6; fi",
].join("\n");
