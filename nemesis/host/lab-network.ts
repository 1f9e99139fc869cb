// Test rig: a network of four nodes in namespaces with a peer process on each, on which faults are applied
// and flows of datagrams are measured. Runs inside `unshare -nm --pid`; used by lab.ts, and by the bench
// that measures every fault of links.

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Evidence, FaultIntent, NodeName, ResolvedFault } from "../faults.js";
import { composeLinks } from "../links.js";
import { createRandom } from "../random.js";
import { resolveFault } from "../resolve.js";
import type { DelayMechanism } from "./delay-line.js";
import {
  type IptablesBackend,
  LIST_INPUT,
  type LinkCounter,
  parseCounters,
  restoreArgv,
} from "./iptables.js";
import type { Arrival, PeerCommand } from "./lab-peer.js";
import {
  buildTopology,
  enterPrefix,
  mountRun,
  namespaceAccess,
  setUpTopology,
  tearDownTopology,
} from "./netns.js";
import { NetnsNetwork } from "./network.js";
import { localShell, must } from "./shell.js";

/** What one flow of datagrams met. */
export type Flow = {
  sent: number;
  /** Datagrams with different numbers. */
  distinct: number;
  /** Arrivals, copies included. */
  arrived: number;
  /** Datagrams that arrived after one that was sent later. */
  overtaken: number;
  delayMsMin: number;
  delayMsP50: number;
  delayMsP99: number;
  delayMsMax: number;
  /** Arrivals whose bytes are not those that were sent; of the others alone is everything else. */
  changed: number;
  /** Datagrams that were sent and never came, by runs of numbers. */
  lossRuns: number;
  /** From the first arrival to the last. */
  arrivedMs: number;
};

const LAB_NODES: NodeName[] = ["r0", "r1", "r2", "c0"];
export const LAB_VIEW = { replicas: ["r0", "r1", "r2"], clients: ["c0"], f: 1, primary: "r1" };
const ARRIVAL_DEADLINE_MS = 10_000;
/** Nothing came for so long: nothing more will, unless the machine stands still. */
const QUIET_MS = 400;

class Peer {
  readonly #child: ChildProcess;
  readonly #waiting: ((line: string) => void)[] = [];
  readonly ready: Promise<unknown>;

  constructor(node: NodeName) {
    const main = fileURLToPath(new URL("./lab-peer.js", import.meta.url));
    const [program, ...prefix] = [...enterPrefix(node), process.execPath, main];
    this.#child = spawn(program ?? "nsenter", prefix, { stdio: ["pipe", "pipe", "inherit"] });
    this.ready = this.#line();
    if (this.#child.stdout === null) throw new Error("a peer has no stdout");
    createInterface({ input: this.#child.stdout }).on("line", (line) =>
      this.#waiting.shift()?.(line),
    );
  }

  async ask<T>(command: PeerCommand): Promise<T> {
    const line = this.#line();
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
    return JSON.parse(await line);
  }

  end(): void {
    this.#child.stdin?.end();
  }

  #line(): Promise<string> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

export type Pace = { count: number; bytes: number; intervalMs: number };

export type Lab = {
  flows: Record<string, Flow>;
  evidence: Record<string, Evidence>;
  network: NetnsNetwork;
  /** Every rule of a node that stands now, as iptables prints it. */
  rulesAt(node: NodeName): Promise<string>;
  close(): Promise<void>;
  start(id: string, intent: FaultIntent): Promise<void>;
  stop(id: string): Promise<void>;
  /**
   * Sends, waits until every datagram is accounted for (arrived, or counted as dropped), and files the
   * flow under this name. `before`: datagrams that `flowing` sent and nobody has waited for.
   */
  flow(name: string, from: NodeName, to: NodeName, pace: Pace, before?: number): Promise<Flow>;
  /** The same for faults that are not accounted for datagram by datagram: waits until nothing more comes. */
  flowUntilQuiet(name: string, from: NodeName, to: NodeName, pace: Pace): Promise<Flow>;
  flowing(from: NodeName, to: NodeName, pace: Pace): Promise<unknown>;
};

/** Builds the network and starts the peers. */
export async function openLab(
  backend: IptablesBackend,
  mechanism: DelayMechanism | undefined,
): Promise<Lab> {
  const shell = localShell();
  await mountRun(shell);
  const topology = buildTopology(LAB_NODES);
  const { shellOf, close: closeShells } = await setUpTopology(topology, backend);
  const network = new NetnsNetwork({
    topology,
    accessOf: namespaceAccess(topology, { shellOf }),
    backend,
    mechanism,
    packetsPerSecond: 4_000,
  });
  await network.prepare();
  const peers = new Map(LAB_NODES.map((node) => [node, new Peer(node)]));
  await Promise.all([...peers.values()].map((peer) => peer.ready));
  const rulesAt = async (node: NodeName) =>
    (await must(shellOf(node), restoreArgv(backend), { stdin: LIST_INPUT })).stdout;
  const close = async () => {
    for (const peer of peers.values()) peer.end();
    await closeShells();
    await tearDownTopology(shell, topology);
  };
  return labOf({ network, peers, addresses: topology.addresses, rulesAt, close });
}

type Parts = Pick<Lab, "network" | "rulesAt" | "close"> & {
  peers: ReadonlyMap<NodeName, Peer>;
  addresses: ReadonlyMap<NodeName, string>;
};

function labOf({ network, peers, addresses, rulesAt, close }: Parts): Lab {
  const active = new Map<string, ResolvedFault>();
  const flows: Record<string, Flow> = {};
  const evidence: Record<string, Evidence> = {};
  const peer = (node: NodeName): Peer => {
    const found = peers.get(node);
    if (found === undefined) throw new RangeError(`no peer runs on ${node}`);
    return found;
  };
  const flowing = (from: NodeName, to: NodeName, pace: Pace) =>
    peer(from).ask({ op: "send", to: addresses.get(to) ?? "", ...pace });
  const file = (name: string, sent: number, arrivals: readonly Arrival[]): Flow => {
    const flow = flowOf(sent, arrivals);
    flows[name] = flow;
    return flow;
  };
  return {
    flows,
    evidence,
    network,
    rulesAt,
    close,
    flowing,
    async start(id, intent) {
      active.set(id, resolveFault(id, intent, LAB_VIEW, createRandom(1)));
      await network.apply(composeLinks([...active.values()]));
    },
    async stop(id) {
      const fault = active.get(id);
      if (fault === undefined) throw new RangeError(`${id} is not active`);
      active.delete(id);
      await network.apply(composeLinks([...active.values()]));
      evidence[id] = await network.evidence(fault);
    },
    async flow(name, from, to, pace, before = 0) {
      const gained = async () => gainOn(parseCounters(await rulesAt(to)), from, to);
      const gainedBefore = await gained();
      await flowing(from, to, pace);
      const sent = before + pace.count;
      const expected = async () => sent + (await gained()) - gainedBefore;
      return file(name, sent, await arrivalsAt(peer(to), expected));
    },
    async flowUntilQuiet(name, from, to, pace) {
      await flowing(from, to, pace);
      return file(name, pace.count, await arrivalsUntilQuiet(peer(to)));
    },
  };
}

/** Datagrams that the receiver's rules for a link added (copies) less those that they took away. */
function gainOn(counters: readonly LinkCounter[], from: NodeName, to: NodeName): number {
  const taken: readonly LinkCounter["part"][] = ["drop", "loss", "burst", "every"];
  return counters
    .filter((counter) => counter.from === from && counter.to === to)
    .reduce((sum, { part, packets }) => {
      if (part === "duplicate") return sum + packets;
      return taken.includes(part) ? sum - packets : sum;
    }, 0);
}

/** Takes what arrived until it is as many as expected; what is still on its way is in no counter. */
async function arrivalsAt(peer: Peer, expected: () => Promise<number>): Promise<Arrival[]> {
  const arrivals: Arrival[] = [];
  const deadline = performance.now() + ARRIVAL_DEADLINE_MS;
  while (performance.now() < deadline) {
    arrivals.push(...(await peer.ask<Arrival[]>({ op: "take" })));
    if (arrivals.length === (await expected())) break;
    await sleep(20);
  }
  return arrivals;
}

async function arrivalsUntilQuiet(peer: Peer): Promise<Arrival[]> {
  const arrivals: Arrival[] = [];
  for (let quietSince = performance.now(); performance.now() - quietSince < QUIET_MS; ) {
    const taken = await peer.ask<Arrival[]>({ op: "take" });
    if (taken.length > 0) quietSince = performance.now();
    arrivals.push(...taken);
    await sleep(20);
  }
  return arrivals;
}

function flowOf(sent: number, arrivals: readonly Arrival[]): Flow {
  const intact = arrivals.filter(({ changed }) => !changed);
  const delays = intact.map((each) => each.arrivedMs - each.sentMs).sort((a, b) => a - b);
  const at = (share: number) => delays.at(Math.floor(share * (delays.length - 1))) ?? Number.NaN;
  let newest = -1;
  let overtaken = 0;
  for (const { seq } of intact) {
    if (seq < newest) overtaken++;
    newest = Math.max(newest, seq);
  }
  const seqs = new Set(intact.map((each) => each.seq));
  let lossRuns = 0;
  for (let seq = 0; seq < sent; seq++)
    if (!seqs.has(seq) && (seq === 0 || seqs.has(seq - 1))) lossRuns++;
  return {
    sent,
    distinct: seqs.size,
    arrived: arrivals.length,
    overtaken,
    delayMsMin: at(0),
    delayMsP50: at(0.5),
    delayMsP99: at(0.99),
    delayMsMax: at(1),
    changed: arrivals.length - intact.length,
    lossRuns,
    arrivedMs: (arrivals.at(-1)?.arrivedMs ?? 0) - (arrivals[0]?.arrivedMs ?? 0),
  };
}
