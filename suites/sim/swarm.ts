// Swarm testing: each seed draws its own subset of features and its own intensities, because what a run
// leaves out decides what it can find as much as what it puts in.
// Source: Groce et al., Swarm Testing, ISSTA 2012.

import {
  type DiskDamage,
  type DiskFlaw,
  type FaultIntent,
  LIES,
  MESSAGE_KINDS,
  type MessageEffect,
  type NodeName,
  type PartitionShape,
  type Target,
} from "../../nemesis/faults.js";
import type { LossPattern } from "../../nemesis/link-loss.js";
import { createRandom, type Random } from "../../nemesis/random.js";
import type { ProtocolConfig } from "../../node/core/config.js";
import { type Cast as DrillCast, drawDrill } from "./drills.js";
import type { Weather } from "./network.js";
import type { Scenario, TimedFault } from "./scenario.js";

/** Load and faults last at most so long, ms. */
const LOAD_MS_MIN = 4_000;
const LOAD_MS_MAX = 30_000;
/** Operations of a seed with four replicas, at most. */
const OPERATIONS_MAX = 200;
/** Seeds with a faulty replica in which it lies, unless the seed is a calm one. */
const LIAR_SHARE = 0.8;
/** A liar tells at least so many kinds of lies, for each alone shows in few runs. */
const LIES_MIN = 5;
/** A session that thinks much longer keeps the end of the load waiting, ms. */
const THINK_MS_MAX = 1_000;
/** About when a client that hears nothing asks all replicas, ms. */
const CLIENT_RETRY_MS = 300;
/** Seeds with drills, and how many each has at most. */
const DRILLED_SHARE = 0.5;
const DRILLS_MAX = 4;
/** Messages in a row between a client's request and its reply, with some to spare. */
const OPERATION_DELAYS = 10;
/** One seed in so many signs with Ed25519. */
const REAL_SIGNATURES_EVERY = 64;

/** Whom faults may be meant for. */
type Cast = { faulty: readonly NodeName[]; clients: readonly NodeName[] };
type Draw = (random: Random, cast: Cast) => FaultIntent | undefined;
type Feature = { name: string; holdMsMax: number; draw: Draw };

export function drawScenario(seed: number): Scenario {
  const random = createRandom(seed).fork("scenario");
  const sizes = random.fork("sizes");
  const replicas = sizes.pick([4, 4, 4, 4, 7, 10]);
  const f = (replicas - 1) / 3;
  const names = Array.from({ length: replicas }, (_, id) => `r${id}`);
  const faultiness = random.fork("faulty");
  const shuffled = faultiness.shuffle(names);
  // A faulty replica can do most as the primary, which r0 is first, and r1 of the first new view.
  const foremost = faultiness.pick(["r0", "r0", "r1", "r1", ...shuffled.slice(0, 1)]);
  const order = [foremost, ...shuffled.filter((one) => one !== foremost)];
  const faultyCount = sizes.chance(0.7) ? 1 + sizes.int(f) : 0;
  const faulty = order.slice(0, faultyCount);
  const core = order.slice(f).sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
  const outside = order.slice(0, f);
  const sessions = sizes.pick([1, 2, 4, 8, 16]);
  const loadMs = LOAD_MS_MIN + sizes.int(LOAD_MS_MAX - LOAD_MS_MIN);
  const thinkMs = sizes.pick([20, 100, 300, 1_000]);
  // A seed is worth about as much work whatever its size: messages grow with n².
  const operations = Math.min(
    Math.ceil((OPERATIONS_MAX * 16) / replicas ** 2),
    Math.ceil((sessions * loadMs) / (thinkMs + 20)),
  );
  const weather = drawWeather(random.fork("weather"));
  const protocol = drawProtocol(random.fork("protocol"), weather);
  const clientProcesses = sizes.chance(0.5) ? 1 : 2;
  const clients = Array.from({ length: clientProcesses }, (_, index) => `c${index}`);
  const faults = [
    ...drawFaults(random.fork("faults"), loadMs, { faulty, clients }),
    ...drawDrills(random.fork("drills"), loadMs, {
      replicas: names,
      faulty,
      turnMs: protocol.viewTimeoutMs + CLIENT_RETRY_MS,
    }),
  ];
  return {
    seed,
    replicas,
    protocol,
    clientProcesses,
    sessions,
    accounts: Math.max(2, Math.ceil(sessions / 4), sizes.pick([2, 4, 8, 32])),
    operations,
    refusedShare: sizes.pick([0.05, 0.05, 0.3]),
    loadMs,
    // Slow enough to last as long as the faults: what meets an idle cluster shows little.
    thinkMs: Math.max(
      thinkMs,
      Math.min(THINK_MS_MAX, Math.floor((sessions * loadMs) / operations) - 20),
    ),
    timeoutMs: sizes.pick([1_000, 5_000]),
    datagramBytesMax: sizes.pick([512, 512, 1_400, 8_192, 65_507]),
    weather,
    signatures: seed % REAL_SIGNATURES_EVERY === 7 ? "ed25519" : "modelled",
    faults: numbered(faults),
    faulty,
    core,
    rest: drawRest(random.fork("rest"), outside, faulty),
    beyondF: false,
  };
}

function drawProtocol(
  random: Random,
  { latencyUsMin }: Weather,
): Partial<ProtocolConfig> & { viewTimeoutMs: number } {
  const checkpointInterval = random.pick([4, 8, 16, 64]);
  // No shorter than an operation's messages take: else every one of them costs a view change.
  const leastMs = (latencyUsMin * OPERATION_DELAYS) / 1_000;
  const viewTimeoutMs = random.pick([150, 500, 500, 1_000].filter((ms) => ms > leastMs));
  return {
    checkpointInterval,
    window: checkpointInterval * random.pick([2, 2, 4]),
    batchesOutstandingMax: random.pick([1, 1, 2, 4, 8]),
    batchRequestsMax: random.pick([1, 4, 256]),
    batchBytesMax: random.pick([512, 32_768]),
    viewTimeoutMs,
    viewTimeoutMsMax: viewTimeoutMs * random.pick([2, 4, 16]),
    statusIntervalMs: random.pick([50, 150, 150, 400]),
    fetchNodesMax: random.pick([1, 8, 32]),
    // One message a datagram: what is lost by its kind takes nothing else with it.
    datagramMessagesMax: random.pick([1, 65_535, 65_535, 65_535]),
  };
}

function drawWeather(random: Random): Weather {
  const some = (percents: readonly number[]) => (random.chance(0.3) ? random.pick(percents) : 0);
  return {
    latencyUsMin: random.pick([50, 200, 200, 1_000, 1_000, 5_000, 40_000]),
    latencyUsMean: random.pick([50, 200, 2_000]),
    lossPercent: some([0.5, 2, 10]),
    duplicatePercent: some([1, 10]),
    reorderPercent: some([1, 10, 30]),
    corruptPercent: some([0.5, 2]),
    replayPercent: some([1, 5]),
  };
}

/** Half of all losses have none: each datagram by itself. */
const LOSS_PATTERNS: readonly (LossPattern | undefined)[] = [
  undefined,
  undefined,
  undefined,
  { kind: "bursts", lengthMean: 4 },
  { kind: "bursts", lengthMean: 16 },
  { kind: "every" },
];

/** What a delay departs from its mean, as a share of it. */
const DELAY_SHAPES = [
  { distribution: "uniform", of: 0.5 },
  { distribution: "normal", of: 0.3 },
  { distribution: "exponential", of: 1 },
] as const;

const FEATURES: readonly Feature[] = [
  feature("partition", 6_000, (random) => partitionOf(random)),
  feature("loss", 5_000, (random) => {
    const percent = random.pick([5, 20, 40]);
    const loss = { kind: "loss", percent, target: targetOf(random) } as const;
    const pattern = random.pick(LOSS_PATTERNS);
    return pattern === undefined ? loss : { ...loss, pattern };
  }),
  feature("duplicate", 5_000, (random) => {
    return { kind: "duplicate", percent: random.pick([10, 50]), target: targetOf(random) };
  }),
  feature("reorder", 5_000, (random) => {
    const percent = random.pick([10, 40]);
    return { kind: "reorder", percent, gapMs: random.pick([5, 30, 200]), target: targetOf(random) };
  }),
  feature("delay", 5_000, (random) => {
    const delayMs = random.pick([10, 50, 300]);
    const { of, distribution } = random.pick(DELAY_SHAPES);
    return {
      kind: "delay",
      delayMs,
      jitterMs: delayMs * of,
      distribution,
      target: targetOf(random),
    };
  }),
  feature("corrupt", 5_000, (random) => {
    return { kind: "corrupt", percent: random.pick([2, 20]), target: targetOf(random) };
  }),
  feature("replay", 5_000, (random) => {
    return { kind: "replay", percent: random.pick([5, 50]), target: targetOf(random) };
  }),
  feature("bandwidth", 5_000, (random) => {
    const bytesPerSecond = random.pick([20_000, 200_000]);
    return { kind: "bandwidth", bytesPerSecond, target: targetOf(random) };
  }),
  feature("clog", 3_000, (random) => ({ kind: "clog", target: targetOf(random) })),
  feature("kill", 5_000, (random) => ({ kind: "kill", target: victimOf(random) })),
  feature("power-cut", 3_000, (random) => ({ kind: "power-cut", target: victimOf(random) })),
  feature("crash", 3_000, (random) => {
    const boundary = random.int(random.pick([6, 60]));
    const how = random.pick(["kill", "power-cut"] as const);
    return { kind: "crash", boundary, how, target: victimOf(random) };
  }),
  feature("pause", 5_000, (random) => ({ kind: "pause", target: victimOf(random) })),
  feature("slow-cpu", 5_000, (random) => {
    return { kind: "slow-cpu", factor: random.pick([5, 50]), target: victimOf(random) };
  }),
  feature("clock", 6_000, (random) => {
    const rate = random.pick([0, 0.5, 0.9, 1.1, 3]);
    return {
      kind: "clock",
      rate,
      jumpMs: random.pick([0, 0, 500, 60_000]),
      target: victimOf(random),
    };
  }),
  feature("disk", 4_000, (random) => {
    const flaw = random.pick<DiskFlaw>(["slow", "full", "write-error", "read-error", "sync-error"]);
    return { kind: "disk", flaw, target: victimOf(random) };
  }),
  feature("client-kill", 4_000, (random, { clients }) => {
    return { kind: "kill", target: { kind: "nodes", nodes: [random.pick(clients)] } };
  }),
  feature("message", 2_000, (random) => {
    const kinds = random.shuffle(MESSAGE_KINDS).slice(0, 1 + random.int(2));
    return {
      kind: "message",
      effect: random.pick<MessageEffect>(["drop", "drop", "duplicate", { delayMs: 300 }]),
      match: random.chance(0.3) ? { kinds, first: 1 + random.int(4) } : { kinds },
      direction: random.pick(["in", "out"]),
      target: targetOf(random),
    };
  }),
  feature("disk-damage", 4_000, (random, { faulty }) => {
    if (faulty.length === 0) return undefined;
    const damage = random.pick<DiskDamage>([
      "wiped",
      "wiped",
      "rolled-back",
      "bit-flip",
      "truncated",
      "torn",
      "misdirected",
    ]);
    return { kind: "disk-damage", damage, target: { kind: "nodes", nodes: [random.pick(faulty)] } };
  }),
  feature("lie", 10_000, (random, { faulty }) => {
    if (faulty.length === 0) return undefined;
    const percent = random.pick([10, 50, 100]);
    const target: Target = { kind: "nodes", nodes: faulty };
    return { kind: "lie", lie: random.pick(LIES), percent, target };
  }),
];

function feature(name: string, holdMsMax: number, draw: Draw): Feature {
  return { name, holdMsMax, draw };
}

/** Each feature is in with an even chance, unless the seed is one of the calm ones. */
function drawFaults(random: Random, loadMs: number, cast: Cast): Omit<TimedFault, "id">[] {
  const share = random.pick([0, 0.1, 0.25, 0.5]);
  const drawn = FEATURES.flatMap(({ name, holdMsMax, draw }) => {
    const own = random.fork(name);
    const lies = name === "lie" && share > 0;
    if (!own.chance(lies ? LIAR_SHARE : name === "disk-damage" ? 2 * share : share)) return [];
    return Array.from({ length: lies ? LIES_MIN + own.int(LIES_MIN) : 1 + own.int(4) }, () => {
      const startMs = own.int(Math.floor(loadMs * 0.9));
      const stopMs = startMs + 20 + own.int(holdMsMax);
      return { intent: draw(own, cast), startMs, stopMs };
    });
  });
  return drawn.flatMap(({ intent, ...times }) =>
    intent === undefined ? [] : [{ intent, ...times }],
  );
}

/** Some seeds have a few drills, beside what else they have or alone. */
function drawDrills(random: Random, loadMs: number, cast: DrillCast): Omit<TimedFault, "id">[] {
  if (!random.chance(DRILLED_SHARE)) return [];
  return Array.from({ length: 1 + random.int(DRILLS_MAX) }, (_, index) => {
    const own = random.fork(String(index));
    const startMs = own.int(Math.floor(loadMs * 0.8));
    return drawDrill(own, cast).map(({ intent, fromMs, toMs }) => {
      return { intent, startMs: startMs + fromMs, stopMs: startMs + toMs };
    });
  }).flat();
}

function numbered(faults: readonly Omit<TimedFault, "id">[]): TimedFault[] {
  return [...faults]
    .sort((a, b) => a.startMs - b.startMs)
    .map((fault, index) => ({ id: `f${index}`, ...fault }));
}

/** At the end those outside the core may stay away, cut off, lying, or be well. */
function drawRest(
  random: Random,
  outside: readonly NodeName[],
  faulty: readonly NodeName[],
): Scenario["rest"] {
  return outside.flatMap((node, index) => {
    const target: Target = { kind: "nodes", nodes: [node] };
    const fates: FaultIntent[][] = [
      [],
      [{ kind: "kill", target }],
      [{ kind: "partition", shape: "isolate", target }],
      [{ kind: "pause", target }],
    ];
    if (faulty.includes(node)) {
      const lies = random.shuffle(LIES).slice(0, LIES_MIN);
      const lying = lies.map((lie) => ({ kind: "lie" as const, lie, percent: 50, target }));
      fates.push(lying, lying, lying);
    }
    const intents = random.pick(fates);
    return intents.map((intent, which) => ({ id: `rest${index}.${which}`, intent }));
  });
}

function partitionOf(random: Random): FaultIntent {
  const shape = random.pick<PartitionShape>([
    "isolate",
    "isolate",
    "halves",
    "bridge",
    "majorities-ring",
    "one-way-in",
    "one-way-out",
    "clients",
  ]);
  const whole = ["halves", "bridge", "majorities-ring", "clients"].includes(shape);
  return { kind: "partition", shape, target: whole ? { kind: "none" } : victimOf(random) };
}

function targetOf(random: Random): Target {
  return random.pick<Target>([
    { kind: "all" },
    { kind: "all" },
    { kind: "one" },
    { kind: "primary" },
    { kind: "minority" },
  ]);
}

function victimOf(random: Random): Target {
  return random.pick<Target>([
    { kind: "one" },
    { kind: "primary" },
    { kind: "primary" },
    { kind: "backup" },
    { kind: "f" },
    { kind: "majority" },
    { kind: "all" },
  ]);
}
