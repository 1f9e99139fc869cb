// Test rig: runs inside `unshare -nm --pid`, builds a network of four nodes with a peer process each,
// applies faults, and prints what was measured as one JSON object. lab.test.ts judges the figures.
// Arguments: back end of iptables, delay mechanism.

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Evidence, FaultIntent, NodeName, ResolvedFault, Target } from "../faults.js";
import { composeLinks } from "../links.js";
import { createRandom } from "../random.js";
import { resolveFault } from "../resolve.js";
import type { DelayMechanism } from "./delay-line.js";
import { type IptablesBackend, type LinkCounter, parseCounters, saveArgv } from "./iptables.js";
import type { Arrival, PeerCommand } from "./lab-peer.js";
import {
  buildTopology,
  enterPrefix,
  mountRun,
  nodeShell,
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
  delayMsMax: number;
};

export type LabReport = {
  flows: Record<string, Flow>;
  evidence: Record<string, Evidence>;
  rulesLeft: string;
};

const NODES: NodeName[] = ["r0", "r1", "r2", "c0"];
const VIEW = { replicas: ["r0", "r1", "r2"], clients: ["c0"], f: 1, primary: "r1" };
const ARRIVAL_DEADLINE_MS = 10_000;

// A receiver that gets no CPU all the while must still have room for all of them in its socket.
const FEW: Pace = { count: 50, bytes: 200, intervalMs: 0.5 };
const MANY: Pace = { count: 400, bytes: 200, intervalMs: 0.5 };
const LARGE: Pace = { count: 150, bytes: 1_400, intervalMs: 2 };
const R1: Target = { kind: "primary" };

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

async function main(
  backend: IptablesBackend,
  mechanism: DelayMechanism | undefined,
): Promise<LabReport> {
  const shell = localShell();
  await mountRun(shell);
  const topology = buildTopology(NODES);
  await setUpTopology(shell, topology);
  const network = new NetnsNetwork({
    topology,
    shell,
    backend,
    mechanism,
    packetsPerSecond: 4_000,
  });
  await network.prepare();
  const peers = new Map(NODES.map((node) => [node, new Peer(node)]));
  await Promise.all([...peers.values()].map((peer) => peer.ready));
  const counters = async (node: NodeName): Promise<LinkCounter[]> => {
    const tables = [saveArgv(backend, "filter"), saveArgv(backend, "mangle")];
    const script = tables.map((argv) => argv.join(" ")).join(" && ");
    return parseCounters((await must(nodeShell(shell, node), ["sh", "-c", script])).stdout);
  };
  const lab = labOf(network, peers, topology.addresses, counters);
  await cuts(lab);
  await lossAndDuplicates(lab);
  if (mechanism !== undefined) await delays(lab);
  await lab.flow("clean", "r0", "r1", FEW);
  const { stdout } = await must(nodeShell(shell, "r1"), [`iptables-${backend}-save`]);
  for (const peer of peers.values()) peer.end();
  await tearDownTopology(shell, topology);
  return { flows: lab.flows, evidence: lab.evidence, rulesLeft: stdout };
}

type Pace = { count: number; bytes: number; intervalMs: number };

type Lab = {
  flows: Record<string, Flow>;
  evidence: Record<string, Evidence>;
  start(id: string, intent: FaultIntent): Promise<void>;
  stop(id: string): Promise<void>;
  /**
   * Sends, waits until every datagram is accounted for (arrived, or counted as dropped), and files the
   * flow under this name. `before`: datagrams that `flowing` sent and nobody has waited for.
   */
  flow(name: string, from: NodeName, to: NodeName, pace: Pace, before?: number): Promise<void>;
  flowing(from: NodeName, to: NodeName, pace: Pace): Promise<unknown>;
};

function labOf(
  network: NetnsNetwork,
  peers: ReadonlyMap<NodeName, Peer>,
  addresses: ReadonlyMap<NodeName, string>,
  counters: (node: NodeName) => Promise<LinkCounter[]>,
): Lab {
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
  return {
    flows,
    evidence,
    flowing,
    async start(id, intent) {
      active.set(id, resolveFault(id, intent, VIEW, createRandom(1)));
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
      const gained = async () => gainOn(await counters(to), from, to);
      const gainedBefore = await gained();
      await flowing(from, to, pace);
      const sent = before + pace.count;
      const expected = async () => sent + (await gained()) - gainedBefore;
      flows[name] = flowOf(sent, await arrivalsAt(peer(to), expected));
    },
  };
}

/** Datagrams that the rules of a link added (copies) less those that they took away. */
function gainOn(counters: readonly LinkCounter[], from: NodeName, to: NodeName): number {
  return counters
    .filter((counter) => counter.from === from && counter.to === to)
    .reduce((sum, { part, packets }) => {
      if (part === "duplicate") return sum + packets;
      return part === "drop" || part === "loss" ? sum - packets : sum;
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

function flowOf(sent: number, arrivals: readonly Arrival[]): Flow {
  const delays = arrivals.map((each) => each.arrivedMs - each.sentMs).sort((a, b) => a - b);
  let newest = -1;
  let overtaken = 0;
  for (const { seq } of arrivals) {
    if (seq < newest) overtaken++;
    newest = Math.max(newest, seq);
  }
  return {
    sent,
    distinct: new Set(arrivals.map((each) => each.seq)).size,
    arrived: arrivals.length,
    overtaken,
    delayMsMin: delays.at(0) ?? Number.NaN,
    delayMsP50: delays.at(Math.floor(delays.length / 2)) ?? Number.NaN,
    delayMsMax: delays.at(-1) ?? Number.NaN,
  };
}

async function cuts(lab: Lab): Promise<void> {
  await lab.flow("baseline", "r0", "r1", FEW);

  await lab.start("isolate", { kind: "partition", shape: "isolate", target: R1 });
  await lab.flow("isolate r0>r1", "r0", "r1", FEW);
  await lab.flow("isolate r1>c0", "r1", "c0", FEW);
  await lab.flow("isolate r0>r2", "r0", "r2", FEW);
  await lab.stop("isolate");
  await lab.flow("healed r0>r1", "r0", "r1", FEW);

  await lab.start("deaf", { kind: "partition", shape: "one-way-in", target: R1 });
  await lab.flow("deaf r0>r1", "r0", "r1", FEW);
  await lab.flow("deaf r1>r0", "r1", "r0", FEW);
  // A second cut of the same link: one counter proves both, and the cure of one leaves the other.
  await lab.start("deaf too", { kind: "partition", shape: "one-way-in", target: R1 });
  await lab.flow("deaf twice r0>r1", "r0", "r1", FEW);
  await lab.stop("deaf");
  await lab.flow("deaf still r0>r1", "r0", "r1", FEW);
  await lab.stop("deaf too");

  // Nothing is sent, so nothing can be dropped: this one must not count as landed.
  await lab.start("idle", { kind: "partition", shape: "isolate", target: R1 });
  await lab.stop("idle");
}

async function lossAndDuplicates(lab: Lab): Promise<void> {
  await lab.start("loss", { kind: "loss", percent: 20, target: R1 });
  await lab.flow("loss", "r0", "r1", MANY);
  await lab.stop("loss");

  await lab.start("duplicate", { kind: "duplicate", percent: 30, target: R1 });
  await lab.flow("duplicate", "c0", "r1", MANY);
  await lab.stop("duplicate");
}

async function delays(lab: Lab): Promise<void> {
  await lab.start("delay", { kind: "delay", delayMs: 20, jitterMs: 0, target: R1 });
  await lab.flow("delay", "r0", "r1", LARGE);
  await lab.flow("delay elsewhere", "r0", "r2", FEW);
  await lab.stop("delay");

  await lab.start("jitter", { kind: "delay", delayMs: 20, jitterMs: 10, target: R1 });
  await lab.flow("jitter", "r0", "r1", LARGE);
  // The delay grows while datagrams wait: those on their way are not lost.
  const flowing = lab.flowing("r2", "r1", LARGE);
  await sleep(150);
  await lab.start("more", { kind: "delay", delayMs: 10, jitterMs: 0, target: { kind: "all" } });
  await flowing;
  await lab.flow("delay changed", "r2", "r1", { ...LARGE, count: 1 }, LARGE.count);
  await lab.stop("more");
  await lab.stop("jitter");

  await lab.start("reorder", { kind: "reorder", percent: 25, gapMs: 20, target: R1 });
  await lab.flow("reorder", "r0", "r1", LARGE);
  await lab.stop("reorder");

  await lab.start("loss 10", { kind: "loss", percent: 10, target: R1 });
  await lab.start("duplicate 10", { kind: "duplicate", percent: 10, target: R1 });
  await lab.start("reorder 20", { kind: "reorder", percent: 20, gapMs: 10, target: R1 });
  await lab.flow("all three", "r0", "r1", { count: 500, bytes: 300, intervalMs: 1 });
  for (const id of ["loss 10", "duplicate 10", "reorder 20"]) await lab.stop(id);
}

const [, , backendGiven, mechanismGiven] = process.argv;
const mechanisms: Record<string, DelayMechanism> = { netem: "netem", htb: "htb" };
const report = await main(
  backendGiven === "nft" ? "nft" : "legacy",
  mechanisms[mechanismGiven ?? ""],
);
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(0);
