// The network of namespaces under faults: brings every node to the state that the composed links ask
// for, and keeps count of what the rules did, by fault. Idempotent; calls are served one at a time.

import type { Evidence, NodeName, ResolvedFault } from "../faults.js";
import type { LinkMatrix, LinkState } from "../links.js";
import { type DelayMechanism, delayedMessages, type EgressPlan, planEgress } from "./delay-line.js";
import {
  chainsOf,
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
import { GATEWAY, NODE_DEVICE, nodeShell, type Topology } from "./netns.js";
import { networkEvidence, type TakenPackets } from "./network-evidence.js";
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
  rootLines,
} from "./tc.js";

/** How one node's network is reached. */
export type NodeAccess = {
  /** Runs commands with the rights for iptables and tc, where the node's network is. */
  shell: Shell;
  /** The device that leads to the other nodes. */
  device: string;
  /** Where plug copies of the HTB delay line die: an address of the device's network. */
  plugGateway: string;
};

export type NetworkOptions = {
  topology: Pick<Topology, "nodes" | "addresses">;
  /** The runner's own shell; nodes are entered from it. */
  shell: Shell;
  /** Absent: nodes are network namespaces of this machine, on our bridge. */
  accessOf?: (node: NodeName) => NodeAccess;
  backend: IptablesBackend;
  /** Undefined: delay and reorder cannot be performed here. */
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
  /** Counters as read last, since the last restore: "drop:r0>r1" → packets. */
  seen: Map<string, number>;
  /** Drops of the leaf qdiscs as read last, by class. */
  dropsSeen: Map<string, number>;
};

const PACKETS_PER_SECOND_DEFAULT = 3_000;
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
          ...(options.accessOf?.(node) ?? namespaceAccess(options.shell, node)),
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
    await this.#restore(node, installInput(saved));
    const rules = this.#rulesOf(name, poolChainsIn(saved), [], NO_EGRESS, 0);
    await this.#restore(node, restoreInput(rules));
    node.restored = restoreInput({ ...rules, chainsBefore: [] });
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

    // The same rules may have other causes from now on, so they are read even where nothing changes;
    // and read last, because a restore sets them to zero.
    if (needsLines) await this.#makeLines(node, egress, generation);
    await this.#count(name, node);
    if (input === node.restored) return;
    await this.#restore(node, input);
    node.seen.clear();
    node.chains = chainsOf(rules);
    // What the same wish would read like the next time, now that no chain is stale.
    node.restored = restoreInput({ ...rules, chainsBefore: node.chains });
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
      plugGateway: mechanism === "htb" ? plugGateway : undefined,
      chainsBefore,
    };
  }

  #egressOf(outgoing: readonly LinkState[]): EgressPlan {
    const { mechanism } = this.#options;
    const wanted = outgoing.some(
      (link) =>
        link.delay !== undefined || link.reorder !== undefined || delayedMessages(link).length > 0,
    );
    if (!wanted) return NO_EGRESS;
    if (mechanism === undefined) {
      throw new Error("delay and reorder need sch_netem or sch_htb, and this kernel has neither");
    }
    const packetsPerSecond = this.#options.packetsPerSecond ?? PACKETS_PER_SECOND_DEFAULT;
    return planEgress(outgoing, { mechanism, packetsPerSecond });
  }

  /** New lines stand before the first rule leads to them; those of two plans ago are drained by now. */
  async #makeLines(node: NodeState, egress: EgressPlan, generation: Generation): Promise<void> {
    const first = node.classes[0].length === 0 && node.classes[1].length === 0;
    const lines = [
      ...(first ? rootLines(node.device) : []),
      ...deleteLines(node.device, node.classes[generation]),
      ...addLines(node.device, egress, generation, this.#options.mechanism ?? "htb"),
    ];
    for (const id of node.classes[generation]) node.dropsSeen.delete(id);
    await tcBatch(node, lines);
    node.classes[generation] = classesOf(egress, generation);
    node.lines = egress;
    node.generation = generation;
  }

  /** Adds what a node's counters show since they were read last to the faults that caused it. */
  async #count(name: NodeName, node: NodeState): Promise<void> {
    if (!this.#matrix.some((link) => link.to === name || link.from === name)) return;
    const saved = await this.#save(node);
    for (const counter of parseCounters(saved)) this.#credit(node, counter);
    for (const counter of parseMessageCounters(saved)) this.#creditMessages(node, counter);
    if (node.lines.pools.length > 0) await this.#countDrops(name, node);
  }

  #credit(node: NodeState, { part, from, to, packets }: LinkCounter): void {
    const key = `${part}:${from}>${to}`;
    const fresh = packets - (node.seen.get(key) ?? 0);
    node.seen.set(key, packets);
    const link = this.#matrix.find((each) => each.from === from && each.to === to);
    for (const faultId of link?.causes[part] ?? []) this.#add(faultId, key, fresh);
  }

  #creditMessages(node: NodeState, counter: MessageCounter): void {
    const key = messageKey(counter);
    const seenKey = `${counter.faultId} ${key}`;
    const fresh = counter.packets - (node.seen.get(seenKey) ?? 0);
    node.seen.set(seenKey, counter.packets);
    this.#add(counter.faultId, key, fresh);
  }

  async #countDrops(name: NodeName, node: NodeState): Promise<void> {
    let fresh = 0;
    for (const { parent, drops } of await qdiscsOf(node)) {
      if (parent === undefined) continue;
      fresh += drops - (node.dropsSeen.get(parent) ?? 0);
      node.dropsSeen.set(parent, drops);
    }
    const late = this.#matrix.filter((link) => link.from === name);
    const causes = new Set(
      late.flatMap((link) => [
        ...link.causes.delay,
        ...link.causes.reorder,
        ...delayedMessages(link).map(({ rule }) => rule.faultId),
      ]),
    );
    for (const faultId of causes) this.#add(faultId, `overflow:${name}`, fresh);
  }

  /** Both tables in one go: entering a namespace costs more than reading a table. */
  async #save(node: NodeState): Promise<string> {
    const { backend } = this.#options;
    const tables = [saveArgv(backend, "filter"), saveArgv(backend, "mangle")];
    const script = tables.map((argv) => argv.join(" ")).join(" && ");
    const { stdout } = await must(node.shell, ["sh", "-c", script]);
    return stdout;
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

function messageKey({ from, to }: Pick<MessageCounter, "from" | "to">): string {
  return `message:${from}>${to}`;
}

function namespaceAccess(shell: Shell, node: NodeName): NodeAccess {
  return { shell: nodeShell(shell, node), device: NODE_DEVICE, plugGateway: GATEWAY };
}

/** Of a network that no rule has touched. */
function freshState() {
  return {
    restored: "",
    chains: [],
    lines: NO_EGRESS,
    generation: 0 as const,
    classes: { 0: [], 1: [] },
    seen: new Map<string, number>(),
    dropsSeen: new Map<string, number>(),
  };
}

async function qdiscsOf(node: NodeState): Promise<QdiscStats[]> {
  const argv = ["tc", "-s", "-j", "qdisc", "show", "dev", node.device];
  const { stdout } = await must(node.shell, argv);
  return parseQdiscs(stdout);
}

async function tcBatch(node: NodeState, lines: readonly string[]): Promise<void> {
  await must(node.shell, ["tc", "-batch", "-"], { stdin: `${lines.join("\n")}\n` });
}

function samePools(first: EgressPlan, second: EgressPlan): boolean {
  return JSON.stringify(first.pools) === JSON.stringify(second.pools);
}
