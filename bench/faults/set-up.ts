// How long it takes to make a network of seven nodes in namespaces, and to apply and heal each fault of it
// on all of its links at once, until its rules are in or out of force and what they did is counted. The
// middle of several times, by the wall clock: a busy machine shows.

import type { FaultIntent } from "../../nemesis/faults.js";
import type { DelayMechanism } from "../../nemesis/host/delay-line.js";
import type { IptablesBackend } from "../../nemesis/host/iptables.js";
import {
  buildTopology,
  namespaceAccess,
  setUpTopology,
  tearDownTopology,
} from "../../nemesis/host/netns.js";
import { NetnsNetwork } from "../../nemesis/host/network.js";
import { localShell, must, type Shell } from "../../nemesis/host/shell.js";
import { composeLinks } from "../../nemesis/links.js";
import { createRandom } from "../../nemesis/random.js";
import { resolveFault } from "../../nemesis/resolve.js";
import { AT_MOST, type FaultRow, type FaultSection, type SkippedRow } from "./row.js";

const REPETITIONS = 5;
const NODES = ["r0", "r1", "r2", "r3", "r4", "r5", "r6"];
const VIEW = { replicas: NODES, clients: [], f: 2, primary: "r0" };
const SET_UP = `set up ${NODES.length} nodes`;
/** Done while the processes of nodes start, which takes longer. */
const PREPARE = "beside their start: tools and chains";
const MS_MAX = new Map([
  [SET_UP, 150],
  [PREPARE, 500],
]);
const APPLY_MS_MAX = 50;

const ALL = { kind: "all" } as const;
const BURSTS = { kind: "bursts", lengthMean: 5 } as const;
const INTENTS: readonly FaultIntent[] = [
  { kind: "partition", shape: "halves", target: { kind: "none" } },
  { kind: "loss", percent: 20, target: ALL },
  { kind: "loss", percent: 20, pattern: BURSTS, target: ALL },
  { kind: "duplicate", percent: 20, target: ALL },
  { kind: "corrupt", percent: 5, target: ALL },
  { kind: "bandwidth", bytesPerSecond: 50_000, target: ALL },
  { kind: "clog", target: ALL },
];
const SLOW_INTENTS: readonly FaultIntent[] = [
  { kind: "delay", delayMs: 20, jitterMs: 10, target: ALL },
  { kind: "delay", delayMs: 20, jitterMs: 20, distribution: "exponential", target: ALL },
  { kind: "reorder", percent: 20, gapMs: 10, target: ALL },
  { kind: "replay", percent: 5, target: ALL },
];

export function setUpTimes(
  backend: IptablesBackend,
  mechanism: DelayMechanism | undefined,
): FaultSection {
  return {
    name: "times",
    async *measure(): AsyncIterable<FaultRow | SkippedRow> {
      const times = new Map<string, number[]>();
      for (let repetition = 0; repetition < REPETITIONS; repetition++) {
        await oneNetwork(backend, mechanism, (what, ms) => {
          times.set(what, [...(times.get(what) ?? []), ms]);
        });
      }
      for (const [fault, each] of times) {
        const asked = MS_MAX.get(fault) ?? APPLY_MS_MAX;
        const how = MS_MAX.has(fault) ? "ip -batch, nsenter" : `iptables-${backend}, tc, nft`;
        yield {
          fault,
          asked,
          measured: middle(each),
          unit: "ms",
          tolerance: AT_MOST,
          mechanism: how,
        };
      }
    },
  };
}

async function oneNetwork(
  backend: IptablesBackend,
  mechanism: DelayMechanism | undefined,
  note: (what: string, ms: number) => void,
): Promise<void> {
  const shell = localShell();
  const topology = buildTopology(NODES);
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const done = await work();
    note(what, performance.now() - started);
    return done;
  };
  const shells = await timed(SET_UP, () => setUpTopology(topology, backend));
  const accessOf = namespaceAccess(topology, shells);
  const network = new NetnsNetwork({ topology, accessOf, backend, mechanism });
  await timed(PREPARE, async () => {
    await network.prepare();
    await Promise.all(NODES.map((node) => answersAll(shells.shellOf(node))));
  });
  for (const intent of [...INTENTS, ...(mechanism === undefined ? [] : SLOW_INTENTS)]) {
    const fault = resolveFault("f0", intent, VIEW, createRandom(1));
    const name = [intent.kind, shapeOf(intent)].filter((word) => word !== "").join(", ");
    await timed(`apply ${name}`, () => network.apply(composeLinks([fault])));
    await timed(`heal ${name}`, () => network.apply([]));
  }
  await shells.close();
  await tearDownTopology(shell, topology);
}

/** Resolves when the tools that stand in a namespace have come up. */
async function answersAll(shell: Shell): Promise<void> {
  await must(shell, ["tc", "-s", "-j", "qdisc", "show", "dev", "lo"]);
  await must(shell, ["nft", "list", "tables"]);
}

function shapeOf(intent: FaultIntent): string {
  if (intent.kind === "loss") return intent.pattern?.kind ?? "";
  return intent.kind === "delay" ? (intent.distribution ?? "") : "";
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
