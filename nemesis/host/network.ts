// The network of namespaces under faults: brings every node to the state that the composed links ask
// for, and keeps count of what the rules did, by fault. Idempotent; calls are served one at a time.

import type { Evidence, NodeName, ResolvedFault } from "../faults.js";
import type { LinkCauses, LinkMatrix, LinkState } from "../links.js";
import {
  type DelayMechanism,
  delayedMessages,
  type EgressPlan,
  planEgress,
  type Shaper,
} from "./delay-line.js";
import {
  chainsOf,
  hasOurChains,
  type IptablesBackend,
  installInput,
  type LinkCounter,
  type NodeRules,
  parseCounters,
  poolChainsIn,
  restoreArgv,
  restoreInput,
  saveArgv,
} from "./iptables.js";
import { type MessageCounter, parseMessageCounters, remainingRules } from "./message-rules.js";
import { GATEWAY, NOBODY, NODE_DEVICE, type Topology } from "./netns.js";
import { networkEvidence, type TakenPackets } from "./network-evidence.js";
import { NFT_ARGV, NFT_LIST_ARGV, needsNft, nftInput, parseNftCounters } from "./nft.js";
import { must, type Shell } from "./shell.js";
import {
  addLines,
  type ClassId,
  classesOf,
  deleteLines,
  type Generation,
  leftoverLines,
  parseQdiscs,
  type QdiscStats,
  queueArgv,
  rootLines,
  shaperIndexOf,
  shaperLines,
} from "./tc.js";

/** How one node's network is reached. */
export type NodeAccess = {
  /** Runs commands with the rights for iptables and tc, where the node's network is. */
  shell: Shell;
  /** The device that leads to the other nodes. */
  device: string;
  /** Where plug copies of the HTB delay line die: an address of the device's network. */
  plugGateway: string;
  /** An address that nobody has, to be asked for. */
  nobody: string;
  /** The device ends with the run, so it may be given short queues for good. */
  isOurs: boolean;
};

export type NetworkOptions = {
  topology: Pick<Topology, "nodes" | "addresses">;
  accessOf: (node: NodeName) => NodeAccess;
  backend: IptablesBackend;
  /** Undefined: delay, reorder and replay cannot be performed here. */
  mechanism: DelayMechanism | undefined;
  /** Datagrams a second that one node may send while it is delayed; sizes the HTB lines. */
  packetsPerSecond?: number;
};

type NodeState = NodeAccess & {
  /** A node that is not there is left alone; what is asked for is applied when it comes back. */
  present: boolean;
  /** What was restored last, as text; equal text needs no second restore. */
  restored: string;
  chains: readonly string[];
  /** The plan whose pools have lines now, and which generation of classes they are. */
  lines: EgressPlan;
  generation: Generation;
  /** Classes that stand, by generation. */
  classes: Record<Generation, readonly ClassId[]>;
  /** Shapers that stand, by the node that they lead to; undefined: open. */
  shapers: Map<NodeName, Shaper | undefined>;
  /** The table of nft as it was given last; "" where there is none. */
  table: string;
  /** Counters as read last, since the last restore: "drop:r0>r1" → packets. */
  seen: Map<string, number>;
  /** The same of the table. */
  tableSeen: Map<string, number>;
  /** The leaf qdiscs as read last, by class. */
  leavesSeen: Map<string, LeafCounts>;
};

/** Lines of tc, what stands once they were performed, and whether they let out what waited. */
type Shaped = { lines: string[]; shapers: NodeState["shapers"]; opens: boolean };

/** What a leaf of tc let through, dropped, and how often one had to wait for tokens. */
type LeafCounts = Pick<QdiscStats, "packets" | "drops" | "overlimits">;

const PACKETS_PER_SECOND_DEFAULT = 2_000;
const NO_EGRESS: EgressPlan = { links: [], pools: [] };

export class NetnsNetwork {
  readonly #options: NetworkOptions;
  readonly #nodes: Map<NodeName, NodeState>;
  #matrix: LinkMatrix = [];
  /** By fault id; kept for the whole run, as evidence may be asked for late. */
  readonly #taken = new Map<string, TakenPackets>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#nodes = new Map(
      options.topology.nodes.map((node) => [
        node,
        {
          ...options.accessOf(node),
          present: true,
          ...freshState(),
        },
      ]),
    );
  }

  /** Makes our chains on every node, and removes what an earlier run left; before the first apply. */
  prepare(): Promise<void> {
    return this.#inTurn(() => this.#everyNode((name, node) => this.#prepareNode(name, node)));
  }

  /** Brings every node to this state; nodes that are there already are left alone. */
  apply(matrix: LinkMatrix): Promise<void> {
    return this.#inTurn(async () => {
      await this.#everyNode((name, node) => this.#applyTo(name, node, matrix));
      this.#matrix = matrix;
    });
  }

  /** The node's network is about to go, and all rules with it: what they did is counted now. */
  leave(name: NodeName): Promise<void> {
    return this.#inTurn(async () => {
      const node = this.#node(name);
      await this.#count(name, node);
      node.present = false;
    });
  }

  /** The node's network is there again, as new: it gets the state that stands. */
  rejoin(name: NodeName): Promise<void> {
    return this.#inTurn(async () => {
      const node = Object.assign(this.#node(name), freshState(), { present: true });
      await this.#prepareNode(name, node);
      await this.#applyTo(name, node, this.#matrix);
    });
  }

  /** What the fault did until now. Complete once the fault has left the applied matrix. */
  evidence(fault: ResolvedFault): Promise<Evidence> {
    return this.#inTurn(async () => {
      await this.#everyNode((name, node) => this.#count(name, node));
      const taken = this.#taken.get(fault.id) ?? new Map<string, number>();
      return networkEvidence(fault, taken, this.#options);
    });
  }

  async #prepareNode(name: NodeName, node: NodeState): Promise<void> {
    const saved = await this.#save(node);
    const rules = this.#rulesOf(name, poolChainsIn(saved), [], NO_EGRESS, 0);
    await this.#restore(node, `${installInput(saved)}${restoreInput(rules)}`);
    node.restored = restoreInput({ ...rules, chainsBefore: [] });
    // Chains come before everything else that is ours, so where they are not there is nothing.
    if (!hasOurChains(saved)) return;
    await node.shell.run(NFT_ARGV, { stdin: nftInput([], node.device, new Map()) });
    await this.#removeLines(node);
  }

  async #removeLines(node: NodeState): Promise<void> {
    if (this.#options.mechanism === undefined) return;
    const leftovers = leftoverLines(node.device, await qdiscsOf(node));
    if (leftovers.length > 0) await tcBatch(node, leftovers);
  }

  #node(name: NodeName): NodeState {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new RangeError(`no node ${name} in this network`);
    return node;
  }

  async #applyTo(name: NodeName, node: NodeState, wanted: LinkMatrix): Promise<void> {
    const matrix = await this.#withRemaining(name, node, wanted);
    const egress = this.#egressOf(matrix.filter((link) => link.from === name));
    const needsLines = egress.pools.length > 0 && !samePools(egress, node.lines);
    const next: Generation = node.generation === 0 ? 1 : 0;
    const generation = needsLines ? next : node.generation;
    const incoming = matrix.filter((link) => link.to === name);
    const rules = this.#rulesOf(name, node.chains, incoming, egress, generation);
    const input = restoreInput(rules);
    const table = incoming.some(needsNft)
      ? nftInput(incoming, node.device, this.#options.topology.addresses)
      : "";

    await this.#bringLines(node, egress, needsLines ? generation : undefined);
    // The same rules may have other causes from now on, so they are read even where nothing changes;
    // and read last, because a restore sets them to zero.
    await this.#count(name, node);
    await this.#bringTable(node, table);
    if (input === node.restored) return;
    await this.#restore(node, input);
    node.seen.clear();
    node.chains = chainsOf(rules);
    // What the same wish would read like the next time, now that no chain is stale.
    node.restored = restoreInput({ ...rules, chainsBefore: node.chains });
  }

  async #bringTable(node: NodeState, table: string): Promise<void> {
    if (table === node.table) return;
    const stdin = table === "" ? nftInput([], node.device, new Map()) : table;
    await must(node.shell, NFT_ARGV, { stdin });
    node.table = table;
    node.tableSeen.clear();
  }

  /** A restore sets counts to zero: rules for the first so many are given what is left of them. */
  async #withRemaining(name: NodeName, node: NodeState, wanted: LinkMatrix): Promise<LinkMatrix> {
    const ends = ({ from, to }: LinkState) => from === name || to === name;
    if (!wanted.some((link) => link.messages !== undefined && ends(link))) return wanted;
    await this.#count(name, node);
    return wanted.map((link) => {
      if (link.messages === undefined) return link;
      const taken = (faultId: string) => this.#taken.get(faultId)?.get(messageKey(link)) ?? 0;
      return { ...link, messages: remainingRules(link.messages, taken) };
    });
  }

  #rulesOf(
    name: NodeName,
    chainsBefore: readonly string[],
    incoming: readonly LinkState[],
    egress: EgressPlan,
    generation: Generation,
  ): NodeRules {
    const { mechanism, topology } = this.#options;
    const address = topology.addresses.get(name);
    if (address === undefined) throw new RangeError(`no address is known for node ${name}`);
    const { device, plugGateway } = this.#node(name);
    return {
      address,
      device,
      addresses: topology.addresses,
      incoming,
      egress,
      generation,
      gateway: plugGateway,
      needsPlugs: mechanism === "htb",
      chainsBefore,
    };
  }

  #egressOf(outgoing: readonly LinkState[]): EgressPlan {
    const { mechanism, packetsPerSecond = PACKETS_PER_SECOND_DEFAULT } = this.#options;
    const egress = planEgress(outgoing, { mechanism, packetsPerSecond });
    return egress.links.length === 0 ? NO_EGRESS : egress;
  }

  /** `generation`: of the lines that the plan needs anew; undefined where it needs none. */
  async #bringLines(
    node: NodeState,
    egress: EgressPlan,
    generation: Generation | undefined,
  ): Promise<void> {
    const shaped = this.#shape(node, egress);
    const lines = [
      ...shaped.lines,
      ...(generation === undefined ? [] : this.#newLines(node, egress, generation)),
    ];
    if (lines.length === 0) return;
    const stands = node.shapers.size + node.classes[0].length + node.classes[1].length > 0;
    if (!stands && node.isOurs) await must(node.shell, queueArgv(node.device));
    await tcBatch(node, stands ? lines : [...rootLines(node.device), ...lines]);
    node.shapers = shaped.shapers;
    // Its device looks at a bucket again when something else leaves: here, a question of ARP.
    if (shaped.opens) await must(node.shell, askArgv(node));
    if (generation === undefined) return;
    for (const id of node.classes[generation]) node.leavesSeen.delete(id);
    node.classes[generation] = classesOf(egress, generation);
    node.lines = egress;
    node.generation = generation;
  }

  /** Brings every shaper to what the plan says; those that it does not name are opened. */
  #shape(node: NodeState, egress: EgressPlan): Shaped {
    const wanted = new Map<NodeName, Shaper>();
    for (const { to, shaper } of egress.links) if (shaper !== undefined) wanted.set(to, shaper);
    const nodes = [...this.#nodes.keys()];
    const shapers = new Map(node.shapers);
    const lines: string[] = [];
    let opens = false;
    for (const to of new Set([...node.shapers.keys(), ...wanted.keys()])) {
      const shaper = wanted.get(to);
      const isNew = !node.shapers.has(to);
      if (!isNew && JSON.stringify(node.shapers.get(to)) === JSON.stringify(shaper)) continue;
      lines.push(...shaperLines(node.device, nodes.indexOf(to), shaper, isNew));
      shapers.set(to, shaper);
      opens ||= node.shapers.get(to)?.kind === "clog";
    }
    return { lines, shapers, opens };
  }

  /** They stand before the first rule leads to them; those of two plans ago are drained by now. */
  #newLines(node: NodeState, egress: EgressPlan, generation: Generation): string[] {
    return [
      ...deleteLines(node.device, node.classes[generation]),
      ...addLines(node.device, egress, generation, {
        mechanism: this.#options.mechanism ?? "htb",
        hasShortQueues: node.isOurs,
      }),
    ];
  }

  /** Adds what a node's counters show since they were read last to the faults that caused it. */
  async #count(name: NodeName, node: NodeState): Promise<void> {
    if (!this.#matrix.some((link) => link.to === name || link.from === name)) return;
    const saved = await this.#save(node);
    for (const counter of parseCounters(saved)) this.#credit(node.seen, counter);
    for (const counter of parseMessageCounters(saved)) this.#creditMessages(node, counter);
    if (node.table !== "") {
      const { stdout } = await must(node.shell, NFT_LIST_ARGV);
      for (const counter of parseNftCounters(stdout)) this.#credit(node.tableSeen, counter);
    }
    if (node.lines.pools.length + node.shapers.size > 0) await this.#countLeaves(name, node);
  }

  #credit(seen: Map<string, number>, { part, from, to, packets }: LinkCounter): void {
    const key = `${part}:${from}>${to}`;
    const fresh = packets - (seen.get(key) ?? 0);
    seen.set(key, packets);
    const link = this.#matrix.find((each) => each.from === from && each.to === to);
    for (const faultId of link?.causes[causeOf(part)] ?? []) this.#add(faultId, key, fresh);
  }

  #creditMessages(node: NodeState, counter: MessageCounter): void {
    const key = messageKey(counter);
    const seenKey = `${counter.faultId} ${key}`;
    const fresh = counter.packets - (node.seen.get(seenKey) ?? 0);
    node.seen.set(seenKey, counter.packets);
    this.#add(counter.faultId, key, fresh);
  }

  /** What the leaves of tc dropped, and how often shapers let one wait. */
  async #countLeaves(name: NodeName, node: NodeState): Promise<void> {
    let overflow = 0;
    const nodes = [...this.#nodes.keys()];
    for (const { parent, packets, drops, overlimits } of await qdiscsOf(node)) {
      if (parent === undefined) continue;
      const seen = node.leavesSeen.get(parent) ?? { packets: 0, drops: 0, overlimits: 0 };
      node.leavesSeen.set(parent, { packets, drops, overlimits });
      const fresh = {
        packets: packets - seen.packets,
        drops: drops - seen.drops,
        overlimits: overlimits - seen.overlimits,
      };
      const shaped = shaperIndexOf(parent);
      const to = shaped === undefined ? undefined : nodes[shaped];
      if (to === undefined) overflow += fresh.drops;
      else this.#creditShaper(`${name}>${to}`, fresh);
    }
    const late = this.#matrix.filter((link) => link.from === name);
    const causes = new Set(
      late.flatMap((link) => [
        ...link.causes.delay,
        ...link.causes.reorder,
        ...link.causes.replay,
        ...delayedMessages(link).map(({ rule }) => rule.faultId),
      ]),
    );
    for (const faultId of causes) this.#add(faultId, `overflow:${name}`, overflow);
  }

  /** A datagram may wait for tokens more than once; no more were held up than went through. */
  #creditShaper(linkName: string, { packets, drops, overlimits }: LeafCounts): void {
    const link = this.#matrix.find(({ from, to }) => `${from}>${to}` === linkName);
    if (link === undefined) return;
    const { bandwidth, clog } = link.causes;
    for (const faultId of link.clogged ? clog : bandwidth) {
      this.#add(faultId, `crowded:${linkName}`, drops);
      this.#add(faultId, `held:${linkName}`, Math.min(packets, overlimits));
    }
  }

  async #save(node: NodeState): Promise<string> {
    return (await must(node.shell, saveArgv(this.#options.backend))).stdout;
  }

  async #restore(node: NodeState, stdin: string): Promise<void> {
    await must(node.shell, restoreArgv(this.#options.backend), { stdin });
  }

  #add(faultId: string, key: string, packets: number): void {
    const taken = this.#taken.get(faultId) ?? new Map<string, number>();
    this.#taken.set(faultId, taken);
    taken.set(key, (taken.get(key) ?? 0) + packets);
  }

  async #everyNode(act: (name: NodeName, node: NodeState) => Promise<void>): Promise<void> {
    const present = [...this.#nodes].filter(([, node]) => node.present);
    await Promise.all(present.map(([name, node]) => act(name, node)));
  }

  /** Faults start and stop from several places; two restores of one node must not cross. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => undefined); // The caller of this turn sees the error.
    return result;
  }
}

function causeOf(part: LinkCounter["part"]): keyof LinkCauses {
  if (part === "bursts") return "burst";
  return part === "narrow" ? "bandwidth" : part;
}

function messageKey({ from, to }: Pick<MessageCounter, "from" | "to">): string {
  return `message:${from}>${to}`;
}

function askArgv({ nobody, device }: NodeAccess): readonly string[] {
  return ["ip", "neigh", "replace", nobody, "dev", device, "use"];
}

/** Nodes are network namespaces of this machine, on our bridge. */
export function namespaceAccess(shell: Shell): NodeAccess {
  return { shell, device: NODE_DEVICE, plugGateway: GATEWAY, nobody: NOBODY, isOurs: true };
}

/** Of a network that no rule has touched. */
function freshState() {
  return {
    restored: "",
    chains: [],
    lines: NO_EGRESS,
    generation: 0 as const,
    classes: { 0: [], 1: [] },
    shapers: new Map<NodeName, Shaper | undefined>(),
    table: "",
    seen: new Map<string, number>(),
    tableSeen: new Map<string, number>(),
    leavesSeen: new Map<string, LeafCounts>(),
  };
}

async function qdiscsOf(node: NodeState): Promise<QdiscStats[]> {
  const argv = ["tc", "-s", "-j", "qdisc", "show", "dev", node.device, "invisible"];
  const { stdout } = await must(node.shell, argv);
  return parseQdiscs(stdout);
}

async function tcBatch(node: NodeState, lines: readonly string[]): Promise<void> {
  await must(node.shell, ["tc", "-batch", "-"], { stdin: `${lines.join("\n")}\n` });
}

function samePools(first: EgressPlan, second: EgressPlan): boolean {
  return JSON.stringify(first.pools) === JSON.stringify(second.pools);
}
