// Bends the wall clocks of replicas, with libfaketime. What was asked is compared with what the replica
// itself tells of its clock; what it told before the fault is where its clock stood.

import type { Evidence, NodeName, ResolvedFault } from "../../nemesis/faults.js";
import { faketimeLeftovers, faketimeVariables } from "../../nemesis/host/faketime.js";
import {
  type BentClock,
  bendClock,
  type ClockTerm,
  type Rhythm,
  startRhythm,
  writeSettings,
} from "../../nemesis/host/rhythm.js";
import { must } from "../../nemesis/host/shell.js";
import { clockEvidence, type Reading, type Seen } from "./clock-evidence.js";
import { nowMs, sleep } from "./deadline.js";
import { numberField } from "./json-lines.js";
import type { Release } from "./machine.js";
import type { Launch, NodeHand, NodeHost } from "./node-hand.js";

const ANSWER_MS_MAX = 3_000;
/** Of so many readings the one with the shortest way counts. */
const READINGS = 4;
/** So many catch a clock that leaps to and fro on both sides, but for one in 2^15 runs. */
const STROBE_READINGS = 16;

/** What a replica told of its clocks at `atMs` of the runner's monotonic clock, give or take `errorMs`. */
type Sample = {
  atMs: number;
  errorMs: number;
  wallClockMs: number;
  /** Its own monotonic clock, read at most `readMs` from the wall clock; older builds tell nothing of it. */
  own: { monotonicMs: number; readMs: number } | undefined;
};
/** `sinceMs`: on the runner's clock. */
type Term = { term: ClockTerm; sinceMs: number };
type Node = {
  terms: Map<string, Term>;
  rhythm: Rhythm | undefined;
  /** When nothing was wrong with its clock. */
  base: Sample | undefined;
  shell: NodeHost["shell"];
  /** Of each life, what a kill would leave; of the last one still registered. */
  pid: number | undefined;
  left: Set<string>;
  registered: readonly Release[];
};
/** `askedMs`: when it was asked for; it began at some moment between that and the first reading. */
type Active = { askedMs: number; atStart: Map<NodeName, readonly Reading[]> };

/** `library`: libfaketime, on every machine on which a node runs. */
export class ClockHand implements NodeHand {
  readonly kinds = new Set(["clock", "strobe"] as const);
  readonly #library: string;
  readonly #nodes = new Map<NodeName, Node>();
  readonly #active = new Map<string, Active>();

  constructor(library: string) {
    this.#library = library;
  }

  async prepare({ node, shell, runtimeFolder }: NodeHost): Promise<void> {
    this.#nodes.set(node, {
      terms: new Map(),
      rhythm: undefined,
      base: undefined,
      shell,
      pid: undefined,
      left: new Set(),
      registered: [],
    });
    await straighten(shell, fileOf(runtimeFolder, node));
  }

  launch({ node, runtimeFolder }: NodeHost): Launch {
    const variables = faketimeVariables(this.#library, fileOf(runtimeFolder, node));
    return { argvPrefix: [], variables };
  }

  async apply(fault: ResolvedFault, hosts: readonly NodeHost[]): Promise<void> {
    const atStart = new Map<NodeName, readonly Reading[]>();
    for (const host of hosts) {
      const node = this.#of(host);
      if (node.terms.size === 0) node.base = best(await samples(host, READINGS));
      node.terms.set(fault.id, { term: termOf(fault), sinceMs: nowMs() });
    }
    const askedMs = nowMs();
    try {
      await Promise.all(hosts.map((host) => this.#bend(host)));
    } catch (error) {
      for (const host of hosts) this.#of(host).terms.delete(fault.id);
      await Promise.all(hosts.map((host) => this.#bend(host)));
      throw error;
    }
    for (const host of hosts) atStart.set(host.node, await this.#readings(fault, host));
    this.#active.set(fault.id, { askedMs, atStart });
  }

  async heal(fault: ResolvedFault, hosts: readonly NodeHost[]): Promise<Evidence> {
    const active = this.#active.get(fault.id);
    this.#active.delete(fault.id);
    const seen: Seen[] = [];
    for (const host of hosts) {
      const atEnd = await this.#readings(fault, host);
      seen.push({ node: host.node, atStart: active?.atStart.get(host.node) ?? [], atEnd });
    }
    for (const host of hosts) this.#of(host).terms.delete(fault.id);
    await Promise.all(hosts.map((host) => this.#bend(host)));
    return clockEvidence(fault, seen, active?.askedMs ?? nowMs());
  }

  /** A process that is killed leaves its shared memory, which has its pid for a name. */
  async takeHold(host: NodeHost): Promise<void> {
    const { node: name, pid, register } = host;
    const node = this.#nodes.get(name);
    // Its machine may have been as new before this life.
    if (node?.rhythm?.isLost() === true) await this.#bend(host);
    if (node === undefined || pid === undefined || node.pid === pid) return;
    await clear(node);
    node.pid = pid;
    node.left = new Set(faketimeLeftovers(pid));
    const files = [...node.left].map((path) => register({ kind: "file", path }));
    node.registered = await Promise.all(files);
  }

  async close(): Promise<void> {
    for (const node of this.#nodes.values()) {
      if (node.rhythm?.isLost() === false) await node.rhythm.end();
      await clear(node);
    }
  }

  /** Brings the node's clock to what its faults together ask for; resolves when it is there. */
  async #bend({ node: name, shell, runtimeFolder, execPath }: NodeHost): Promise<void> {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`${name} was not prepared for clocks`);
    const target = fileOf(runtimeFolder, name);
    const terms = [...node.terms.values()].map(({ term, sinceMs }) => ({
      ...term,
      forMs: nowMs() - sinceMs,
    }));
    const settings: BentClock = { target, terms };
    const file = `${runtimeFolder}/${name}.bent`;
    if (node.terms.size === 0) {
      const { rhythm } = node;
      node.rhythm = undefined;
      if (rhythm?.isLost() === true) await straighten(shell, target);
      else await rhythm?.end();
      return;
    }
    if (node.rhythm?.isLost() === false) {
      await writeSettings(shell, file, settings);
      return;
    }
    node.rhythm = await startRhythm(shell, { execPath, file, settings }, bendClock);
  }

  /** What the node's clock is off now. */
  async #readings({ intent }: ResolvedFault, host: NodeHost): Promise<Reading[]> {
    const base = this.#of(host).base ?? ours();
    if (intent.kind === "strobe") {
      const found = await samples(host, STROBE_READINGS, intent.periodMs);
      return found.map((sample) => readingOf(sample, base));
    }
    const found = best((await samples(host, READINGS)).map((sample) => readingOf(sample, base)));
    return found === undefined ? [] : [found];
  }

  #of({ node }: NodeHost): Node {
    const found = this.#nodes.get(node);
    if (found === undefined) throw new Error(`${node} was not prepared for clocks`);
    return found;
  }
}

/** Of a process that is gone. */
async function clear({ shell, left, registered }: Node): Promise<void> {
  if (left.size > 0) await shell.run(["rm", "-f", ...left]);
  for (const gone of registered) await gone();
}

function fileOf(runtimeFolder: string, node: NodeName): string {
  return `${runtimeFolder}/${node}.faketime`;
}

/** What libfaketime reads: no offset. */
async function straighten(shell: NodeHost["shell"], file: string): Promise<void> {
  await must(shell, ["sh", "-c", 'echo +0 > "$1"', "sh", file]);
}

function termOf({ id, intent }: ResolvedFault): ClockTerm {
  const begins = { id, forMs: 0 };
  if (intent.kind === "clock") return { ...begins, rate: intent.rate, jumpMs: intent.jumpMs };
  if (intent.kind === "strobe") {
    return { ...begins, strobeMs: intent.jumpMs, periodMs: intent.periodMs };
  }
  throw new Error(`${intent.kind} bends no clock`);
}

function best<T extends { errorMs: number }>(found: readonly T[]): T | undefined {
  return found.toSorted((a, b) => a.errorMs - b.errorMs)[0];
}

/** Not in step with `periodMs`. Fewer where it stands still, or is gone. */
async function samples(host: NodeHost, count: number, periodMs = 0): Promise<Sample[]> {
  const found: Sample[] = [];
  while (found.length < count) {
    const sample = await sampleOf(host);
    if (sample === undefined) break;
    found.push(sample);
    await sleep((periodMs * (found.length % 7)) / 13);
  }
  return found;
}

/** The replica's clocks were read at some moment between the question and the answer. */
async function sampleOf(host: NodeHost): Promise<Sample | undefined> {
  if (host.pid === undefined) return undefined;
  const askedMs = nowMs();
  const answer = await host.ask({ op: "status" }, ANSWER_MS_MAX);
  const answeredMs = nowMs();
  if (answer === undefined) return undefined;
  const wallClockMs = numberField(answer, "wallClockMs");
  if (wallClockMs === undefined) return undefined;
  const monotonicMs = numberField(answer, "monotonicMs");
  const readMs = numberField(answer, "readMs");
  return {
    atMs: (askedMs + answeredMs) / 2,
    // A wall clock shows whole milliseconds.
    errorMs: (answeredMs - askedMs) / 2 + 1,
    wallClockMs,
    own: monotonicMs === undefined || readMs === undefined ? undefined : { monotonicMs, readMs },
  };
}

/** Where a node was never seen right: the machines' clocks agree, as far as anyone knows. */
function ours(): Sample {
  return { atMs: nowMs(), errorMs: 0, wallClockMs: Date.now(), own: undefined };
}

/**
 * By its own monotonic clock, where that has run on since `base` and not begun again with its machine; a
 * replica that answers late then tells as much as another.
 */
function readingOf(sample: Sample, base: Sample): Reading {
  const { atMs, errorMs, wallClockMs, own } = sample;
  const shownMs = wallClockMs - base.wallClockMs;
  if (own !== undefined && base.own !== undefined) {
    const passedMs = own.monotonicMs - base.own.monotonicMs;
    if (Math.abs(passedMs - (atMs - base.atMs)) <= errorMs + base.errorMs) {
      const readMs = own.readMs + base.own.readMs;
      return { atMs: base.atMs + passedMs, skewMs: shownMs - passedMs, errorMs: readMs + 2 };
    }
  }
  return { atMs, skewMs: shownMs - (atMs - base.atMs), errorMs: errorMs + base.errorMs };
}
