// The network of namespaces under faults: brings every node to the state that the composed links ask
// for, and keeps count of what the rules did, by fault. Idempotent; calls are served one at a time.

import type { Evidence, NodeName, ResolvedFault } from "../faults.js";
import type { LinkMatrix, LinkState } from "../links.js";
import { type DelayMechanism, type EgressPlan, planEgress } from "./delay-line.js";
import {
  chainsOf,
  hasOurChains,
  type IptablesBackend,
  installInput,
  LIST_INPUT,
  type NodeRules,
  parseCounters,
  poolChainsIn,
  restoreArgv,
  restoreInput,
  saveArgv,
} from "./iptables.js";
import { parseMessageCounters, remainingRules } from "./message-rules.js";
import { networkEvidence } from "./network-evidence.js";
import { NFT_ARGV, NFT_LIST_ARGV, needsNft, nftInput, parseNftCounters } from "./nft.js";
import { changeLines, NO_EGRESS, type NodeLines, noLines } from "./node-lines.js";
import { freshCounters, PacketTally, type SeenCounters } from "./packet-tally.js";
import { must, type Shell } from "./shell.js";
import { type Generation, leftoverLines, parseQdiscs, type QdiscStats } from "./tc.js";

/** How one node's network is reached. */
export type NodeAccess = {
  /** Runs commands with the rights for iptables and tc, where the node's network is. */
  shell: Shell;
  /** The device that leads to the other nodes. */
  device: string;
  /** Where plug copies of the HTB delay line die: an address of the device's network. */
  plugGateway: string;
  /** The network was made for the run and ends with it: nothing stands in it, and its queues are short. */
  isOurs: boolean;
  /** Has the device send something at once: it looks at an opened bucket when something else leaves.
   * Absent where no link is ever clogged. */
  wake?: () => Promise<unknown>;
};

export type NetworkOptions = {
  topology: { nodes: readonly NodeName[]; addresses: ReadonlyMap<NodeName, string> };
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
  lines: NodeLines;
  /** Rules lead datagrams into lines now. */
  waits: boolean;
  /** The table of nft as it was given last; "" where there is none. */
  table: string;
  seen: SeenCounters;
};

const PACKETS_PER_SECOND_DEFAULT = 2_000;

export class NetnsNetwork {
  readonly #options: NetworkOptions;
  readonly #nodes: Map<NodeName, NodeState>;
  readonly #tally = new PacketTally();
  #matrix: LinkMatrix = [];
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#nodes = new Map(
      options.topology.nodes.map((node) => {
        return [node, { ...options.accessOf(node), present: true, ...freshState() }];
      }),
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
      return networkEvidence(fault, this.#tally.takenBy(fault.id), this.#options);
    });
  }

  async #prepareNode(name: NodeName, node: NodeState): Promise<void> {
    const saved = node.isOurs ? "" : await this.#save(node);
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
    const incoming = matrix.filter((link) => link.to === name);
    await this.#bringLines(name, node, egress);
    await this.#bringTable(node, incoming);
    const rules = this.#rulesOf(name, node.chains, incoming, egress, node.lines.generation);
    const input = restoreInput(rules);
    // The same rules may have other causes from now on, so they are read even where nothing changes.
    if (input === node.restored) return this.#countRules(name, node);
    // Read and replaced by one process: what it restores counts from zero.
    const counted = this.#bites(name) ? LIST_INPUT : "";
    this.#creditRules(node, await this.#restore(node, `${counted}${input}`));
    node.seen.rules.clear();
    node.waits = egress.links.length > 0;
    node.chains = chainsOf(rules);
    // What the same wish would read like the next time, now that no chain is stale.
    node.restored = restoreInput({ ...rules, chainsBefore: node.chains });
  }

  /** Lines stand before a rule leads to them, and are counted while their causes are the old ones. */
  async #bringLines(name: NodeName, node: NodeState, egress: EgressPlan): Promise<void> {
    await this.#countLeaves(name, node);
    const { batch, after, renewed, opens } = changeLines(node.lines, egress, {
      device: node.device,
      nodes: [...this.#nodes.keys()],
      mechanism: this.#options.mechanism,
      hasShortQueues: node.isOurs,
    });
    if (batch.length === 0) return;
    await tcBatch(node, batch);
    node.lines = after;
    for (const id of renewed) node.seen.leaves.delete(id);
    if (opens) await node.wake?.();
  }

  async #bringTable(node: NodeState, incoming: readonly LinkState[]): Promise<void> {
    await this.#countTable(node);
    const links = incoming.filter(needsNft);
    const input = nftInput(links, node.device, this.#options.topology.addresses);
    const table = links.length === 0 ? "" : input;
    if (table === node.table) return;
    await must(node.shell, NFT_ARGV, { stdin: input });
    node.table = table;
    node.seen.table.clear();
  }

  /** A restore sets counts to zero: rules for the first so many are given what is left of them. */
  async #withRemaining(name: NodeName, node: NodeState, wanted: LinkMatrix): Promise<LinkMatrix> {
    const ends = ({ from, to }: LinkState) => from === name || to === name;
    if (!wanted.some((link) => link.messages !== undefined && ends(link))) return wanted;
    await this.#countRules(name, node);
    return wanted.map((link) => {
      if (link.messages === undefined) return link;
      const taken = (faultId: string) => this.#tally.messagesTaken(faultId, link);
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

  /** Adds what a node's counters show since they were read last to the faults that caused it. */
  async #count(name: NodeName, node: NodeState): Promise<void> {
    await this.#countRules(name, node);
    await this.#countTable(node);
    await this.#countLeaves(name, node);
  }

  async #countRules(name: NodeName, node: NodeState): Promise<void> {
    if (this.#bites(name)) this.#creditRules(node, await this.#restore(node, LIST_INPUT));
  }

  async #countTable(node: NodeState): Promise<void> {
    if (node.table === "") return;
    const { stdout } = await must(node.shell, NFT_LIST_ARGV);
    this.#tally.credit(this.#matrix, node.seen.table, parseNftCounters(stdout));
  }

  async #countLeaves(name: NodeName, node: NodeState): Promise<void> {
    if (!node.waits) return;
    const qdiscs = await qdiscsOf(node);
    const nodes = [...this.#nodes.keys()];
    this.#tally.creditLeaves(this.#matrix, node.seen.leaves, { name, nodes, qdiscs });
  }

  #creditRules({ seen }: NodeState, listed: string): void {
    this.#tally.credit(this.#matrix, seen.rules, parseCounters(listed));
    this.#tally.creditMessages(seen.rules, parseMessageCounters(listed));
  }

  /** Whether a link of the node is under a fault now. */
  #bites(name: NodeName): boolean {
    return this.#matrix.some((link) => link.to === name || link.from === name);
  }

  async #save(node: NodeState): Promise<string> {
    return (await must(node.shell, saveArgv(this.#options.backend))).stdout;
  }

  /** What the input had printed. */
  async #restore(node: NodeState, stdin: string): Promise<string> {
    return (await must(node.shell, restoreArgv(this.#options.backend), { stdin })).stdout;
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

/** Of a network that no rule has touched. */
function freshState() {
  return {
    restored: "",
    chains: [],
    lines: noLines(),
    waits: false,
    table: "",
    seen: freshCounters(),
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
