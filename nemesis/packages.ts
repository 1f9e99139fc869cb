// The nemesis by name: each package knows what to ask for and how long to hold it. A package never asks
// without a cure: the schedule pairs every start with its stop. Source: jepsen.nemesis.combined.

import {
  CRASH_POINTS,
  type CrashPoint,
  type FaultIntent,
  type FaultKind,
  LIES,
  type PartitionShape,
  type Target,
} from "./faults.js";
import { FLAPPING, flappingNamed } from "./flapping.js";
import type { Hold } from "./hold.js";
import { MESSAGE_PACKAGES } from "./message-packages.js";
import type { NemesisPackage } from "./nemesis-package.js";
import type { Random } from "./random.js";

const HOLD: Hold = { share: 0.6, msMin: 500, msMax: 20_000 };
const HOLD_SHORT: Hold = { share: 0.3, msMin: 200, msMax: 2_000 };
/** One after another, whatever the interval. */
const HOLD_IN_A_ROW: Hold = { share: 0.1, msMin: 100, msMax: 400, restMsMax: 600 };
/** So often a crash loop ends one replica before it turns to the next. */
const CRASH_LOOP_LENGTH = 4;

const ALL: Target = { kind: "all" };
const VICTIMS: readonly Target[] = [{ kind: "one" }, { kind: "primary" }, { kind: "all" }];

const ONE_OR_PRIMARY: readonly Target[] = [{ kind: "one" }, { kind: "primary" }];
const CLOCK_VICTIMS: readonly Target[] = [
  { kind: "one" },
  { kind: "primary" },
  { kind: "majority" },
  { kind: "all" },
];
/** What Jepsen's nemesis does to clocks is drawn from such a range, by its logarithm. */
const JUMP_MS_MIN = 11;
const JUMP_MS_MAX = 288_000;

const RANDOM_SHAPES: readonly PartitionShape[] = [
  "isolate",
  "halves",
  "bridge",
  "majorities-ring",
  "stochastic-ring",
  "majority",
  "one-way-in",
  "one-way-out",
  "primary-partial",
  "client-primary",
];

/** Shapes that concern the whole cluster. */
const DIVIDING: readonly PartitionShape[] = [
  "halves",
  "majority",
  "bridge",
  "majorities-ring",
  "stochastic-ring",
];

/** In the order in which `ordeal list` shows them. */
export const NEMESIS_PACKAGES: readonly NemesisPackage[] = [
  partition("partition", "Cuts links in a different shape each time.", (random) => {
    const shape = random.pick(RANDOM_SHAPES);
    return { kind: "partition", shape, target: targetOf(shape, random) };
  }),
  partition("partition-primary", "Cuts the primary off from everybody.", () => ({
    kind: "partition",
    shape: "isolate",
    target: { kind: "primary" },
  })),
  partition("halves", "Splits the replicas into two halves, neither of them a quorum.", () =>
    wholeCluster("halves"),
  ),
  partition("ring", "Lets every replica hear a majority, no two of them the same.", () =>
    wholeCluster("majorities-ring"),
  ),
  partition(
    "stochastic-ring",
    "Lets every replica hear some majority, links drawn one by one.",
    () => wholeCluster("stochastic-ring"),
  ),
  partition(
    "majority",
    "Cuts f replicas off from a quorum, others each time.",
    (_random, turn) => ({
      kind: "partition",
      shape: "majority",
      target: { kind: "none" },
      turn,
    }),
  ),
  partition(
    "primary-partial",
    "Cuts the primary off from f+1 replicas, but not from the others.",
    () => ({ kind: "partition", shape: "primary-partial", target: { kind: "primary" } }),
  ),
  partition("client-primary", "Cuts every client off from the primary only.", () => ({
    kind: "partition",
    shape: "client-primary",
    target: { kind: "primary" },
  })),
  partition("bridge", "Splits the replicas in two, but for one that hears both sides.", () =>
    wholeCluster("bridge"),
  ),
  partition(
    "one-way",
    "Makes one replica deaf or mute: links fail in one direction.",
    (random) => ({
      kind: "partition",
      shape: random.pick<PartitionShape>(["one-way-in", "one-way-out"]),
      target: random.pick<Target>([{ kind: "primary" }, { kind: "backup" }]),
    }),
  ),
  partition("clients", "Cuts every client off from every replica.", () => wholeCluster("clients")),
  FLAPPING,
  {
    name: "loss",
    description: "Loses 10 to 30 % of the datagrams on every link.",
    kinds: ["loss"],
    intent: (random) => ({ kind: "loss", percent: random.pick([10, 20, 30]), target: ALL }),
    hold: HOLD,
  },
  {
    name: "burst-loss",
    description: "Loses 10 to 30 % of the datagrams on every link, in bursts of 4 to 16.",
    kinds: ["loss"],
    intent: (random) => {
      const pattern = { kind: "bursts" as const, lengthMean: random.pick([4, 8, 16]) };
      return { kind: "loss", percent: random.pick([10, 20, 30]), pattern, target: ALL };
    },
    hold: HOLD,
  },
  {
    name: "nth-loss",
    description: "Loses one datagram in 3 to 10 on every link, as regular as a clock.",
    kinds: ["loss"],
    intent: (random) => {
      const percent = 100 / random.pick([3, 5, 10]);
      return { kind: "loss", percent, pattern: { kind: "every" }, target: ALL };
    },
    hold: HOLD,
  },
  {
    name: "duplicate",
    description: "Delivers 10 to 50 % of the datagrams on every link twice.",
    kinds: ["duplicate"],
    intent: (random) => ({ kind: "duplicate", percent: random.pick([10, 30, 50]), target: ALL }),
    hold: HOLD,
  },
  {
    name: "reorder",
    description: "Holds 10 to 30 % of the datagrams on every link back, so that others overtake.",
    kinds: ["reorder"],
    intent: (random) => {
      const percent = random.pick([10, 20, 30]);
      return { kind: "reorder", percent, gapMs: random.pick([5, 10, 20]), target: ALL };
    },
    hold: HOLD,
  },
  {
    name: "delay",
    description: "Delays every datagram on every link by 10 to 40 ms, give or take a half.",
    kinds: ["delay"],
    intent: (random) => {
      const delayMs = random.pick([10, 20, 40]);
      return { kind: "delay", delayMs, jitterMs: delayMs / 2, target: ALL };
    },
    hold: HOLD,
  },
  {
    name: "long-tail",
    description: "Delays datagrams on every link by 5 to 20 ms on average, some much longer.",
    kinds: ["delay"],
    intent: (random) => {
      const delayMs = random.pick([5, 10, 20]);
      const distribution = random.pick(["normal", "exponential"] as const);
      const jitterMs = distribution === "normal" ? delayMs / 3 : delayMs;
      return { kind: "delay", delayMs, jitterMs, distribution, target: ALL };
    },
    hold: HOLD,
  },
  {
    name: "slow-primary",
    description:
      "Delays every datagram to the primary by 20 to 40 ms: it learns last what it began.",
    kinds: ["delay"],
    intent: (random) => {
      const target: Target = { kind: "primary" };
      return { kind: "delay", delayMs: random.pick([20, 40]), jitterMs: 0, target };
    },
    hold: HOLD,
  },
  {
    name: "corrupt",
    description: "Flips a bit in 2 to 20 % of the datagrams on every link.",
    kinds: ["corrupt"],
    intent: (random) => ({ kind: "corrupt", percent: random.pick([2, 20]), target: ALL }),
    hold: HOLD,
  },
  {
    name: "replay",
    description: "Repeats old datagrams on every link.",
    kinds: ["replay"],
    intent: (random) => ({ kind: "replay", percent: random.pick([5, 50]), target: ALL }),
    hold: HOLD,
  },
  {
    name: "bandwidth",
    description: "Narrows every link, so that datagrams crowd one another out.",
    kinds: ["bandwidth"],
    intent: (random) => {
      return { kind: "bandwidth", bytesPerSecond: random.pick([20_000, 50_000]), target: ALL };
    },
    hold: HOLD,
  },
  {
    name: "clog",
    description: "Holds everything on the way to one replica, then lets it all through.",
    kinds: ["clog"],
    intent: () => ({ kind: "clog", target: { kind: "one" } }),
    hold: HOLD,
  },
  ...MESSAGE_PACKAGES,
  kill("kill", "Kills one replica (SIGKILL) and restarts it from its disk.", "one", HOLD),
  kill("kill-primary", "Kills the primary (SIGKILL) and restarts it.", "primary", HOLD),
  kill("kill-f", "Kills f replicas at once (SIGKILL) and restarts them.", "f", HOLD),
  kill(
    "power-failure",
    "Kills all replicas at once (SIGKILL) and restarts them.",
    "all",
    HOLD_SHORT,
  ),
  kill(
    "crash-recover",
    "Kills one replica after another, each for a short time.",
    "one",
    HOLD_SHORT,
  ),
  {
    name: "crash-loop",
    description: `Kills one replica (SIGKILL) as soon as it is back, ${CRASH_LOOP_LENGTH} times in a row.`,
    kinds: ["kill"],
    intent: (_random, index) => {
      const target: Target = { kind: "replica", index: Math.floor(index / CRASH_LOOP_LENGTH) };
      return { kind: "kill", target };
    },
    hold: HOLD_IN_A_ROW,
  },
  {
    name: "terminate",
    description: "Ends one replica (SIGTERM) and restarts it.",
    kinds: ["terminate"],
    intent: (random) => ({ kind: "terminate", target: random.pick(VICTIMS) }),
    hold: HOLD_SHORT,
  },
  {
    name: "rolling-restart",
    description: "Ends one replica after another (SIGTERM), each when the one before is back.",
    kinds: ["terminate"],
    intent: (_random, index) => ({ kind: "terminate", target: { kind: "replica", index } }),
    hold: HOLD_IN_A_ROW,
  },
  {
    name: "crash-points",
    description: "Has replicas kill themselves between two steps of what they do.",
    kinds: ["kill-at"],
    intent: (random) => killAt(random.pick(CRASH_POINTS), random),
    hold: HOLD_SHORT,
    rare: true,
  },
  ...CRASH_POINTS.map(
    (point): NemesisPackage => ({
      name: `kill-at-${point}`,
      description: `Has replicas kill themselves at the point ${point}.`,
      kinds: ["kill-at"],
      intent: (random) => killAt(point, random),
      hold: HOLD_SHORT,
      ...(point.endsWith("compaction") && { rare: true }),
    }),
  ),
  {
    name: "memory",
    description: "Gives one replica no more memory than it has, until it ends of it.",
    kinds: ["memory"],
    intent: (random) => ({ kind: "memory", target: random.pick(ONE_OR_PRIMARY) }),
    hold: HOLD_SHORT,
  },
  {
    name: "files",
    description: "Lets one replica open no file.",
    kinds: ["files"],
    intent: (random) => ({ kind: "files", openMax: 0, target: random.pick(ONE_OR_PRIMARY) }),
    hold: HOLD,
  },
  {
    name: "freeze",
    description: "Freezes one replica (the freezer of cgroups) and thaws it.",
    kinds: ["freeze"],
    intent: (random) => ({ kind: "freeze", target: random.pick(ONE_OR_PRIMARY) }),
    hold: HOLD,
  },
  {
    name: "slow-cpu",
    description: "Slows the primary down, 20 or 50 times.",
    kinds: ["slow-cpu"],
    intent: (random) => {
      return { kind: "slow-cpu", factor: random.pick([20, 50]), target: { kind: "primary" } };
    },
    hold: HOLD,
  },
  {
    name: "clock",
    description:
      "Lets wall clocks jump by 11 ms to 288 s, ahead or back, run fast or slow, or stand.",
    kinds: ["clock"],
    intent: (random) => {
      const rate = random.pick([1, 1, 0, 0.5, 1.1, 3]);
      return { kind: "clock", rate, jumpMs: jumpMs(random), target: random.pick(CLOCK_VICTIMS) };
    },
    hold: HOLD,
  },
  {
    name: "strobe",
    description: "Lets wall clocks leap to and fro, many times a second.",
    kinds: ["strobe"],
    intent: (random) => {
      const periodMs = random.pick([20, 50, 200]);
      const target = random.pick(CLOCK_VICTIMS);
      return { kind: "strobe", jumpMs: Math.abs(jumpMs(random)), periodMs, target };
    },
    hold: HOLD,
  },
  pause("pause", "Stops one replica (SIGSTOP) and lets it continue.", "one"),
  pause("pause-primary", "Stops the primary (SIGSTOP) and lets it continue.", "primary"),
  {
    name: "liar",
    description: "Lets r0, the first primary, lie, in another way each time.",
    kinds: ["lie"],
    intent: (random) => {
      const percent = random.pick([20, 50, 100]);
      // Always the same one: a second liar would be beyond f.
      return {
        kind: "lie",
        lie: random.pick(LIES),
        percent,
        target: { kind: "replica", index: 0 },
      };
    },
    hold: HOLD,
  },
  ofKind(
    "power-cut",
    "Cuts the power of some machines: what was not synced is lost or torn.",
    HOLD_SHORT,
    (random) => {
      return { kind: "power-cut", target: random.pick(VICTIMS) };
    },
  ),
  ofKind("crash", "Ends a process between two effects, and restarts it.", HOLD_SHORT, (random) => {
    const how = random.pick(["kill", "power-cut"] as const);
    return { kind: "crash", boundary: random.int(60), how, target: random.pick(VICTIMS) };
  }),
  ofKind("disk", "Makes a disk slow or full, or lets its writes or syncs fail.", HOLD, (random) => {
    const flaw = random.pick(["slow", "full", "write-error", "sync-error"] as const);
    return { kind: "disk", flaw, target: { kind: "one" } };
  }),
  {
    name: "wipe-beyond-f",
    description: "Wipes the disks of f+1 replicas at once: more than any such cluster survives.",
    kinds: ["disk-damage"],
    intent: () => ({ kind: "disk-damage", damage: "wiped", target: { kind: "beyond-f" } }),
    hold: HOLD_SHORT,
    beyondF: true,
  },
];

/** The name that stands for a swarm of packages, drawn from the seed (draw.ts). */
export const ALL_PACKAGES = "all";

/** The packages of these names, in this order. Throws as parseNemesisNames does. */
export function packagesOf(names: readonly string[]): NemesisPackage[] {
  return names.map((name) => {
    const found = NEMESIS_PACKAGES.find((known) => known.name === name) ?? flappingNamed(name);
    if (found === undefined) {
      const known = NEMESIS_PACKAGES.map((each) => each.name).join(", ");
      throw new RangeError(`unknown nemesis "${name}"; known are: none, ${ALL_PACKAGES}, ${known}`);
    }
    return found;
  });
}

/**
 * "kill,partition" → names, in order, each once; "" and "none" mean no nemesis, "all" stays. Throws one line that
 * names the unknown and lists the known.
 */
export function parseNemesisNames(csv: string): string[] {
  const names = csv
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "none");
  const once = [...new Set(names)];
  packagesOf(once.filter((name) => name !== ALL_PACKAGES));
  return once;
}

function targetOf(shape: PartitionShape, random: Random): Target {
  if (DIVIDING.includes(shape)) return { kind: "none" };
  if (shape === "primary-partial" || shape === "client-primary") return { kind: "primary" };
  return random.pick<Target>([{ kind: "primary" }, { kind: "one" }, { kind: "minority" }]);
}

/** Ahead or back; each order of magnitude as often as any other. Source: jepsen.nemesis.time. */
function jumpMs(random: Random): number {
  const size = JUMP_MS_MIN * (JUMP_MS_MAX / JUMP_MS_MIN) ** random.float();
  return Math.round(size) * (random.chance(0.5) ? 1 : -1);
}

/** Few others come to a point of compaction once most replicas have ended there. */
function killAt(point: CrashPoint, random: Random): FaultIntent {
  const victims: readonly Target[] = point.endsWith("compaction") ? ONE_OR_PRIMARY : VICTIMS;
  const count = point.endsWith("compaction") ? 1 : 1 + random.int(40);
  return { kind: "kill-at", point, count, target: random.pick(victims) };
}

function wholeCluster(shape: PartitionShape): FaultIntent {
  return { kind: "partition", shape, target: { kind: "none" } };
}

function partition(
  name: string,
  description: string,
  intent: NemesisPackage["intent"],
): NemesisPackage {
  return { name, description, kinds: ["partition"], intent, hold: HOLD };
}

/** A package whose kind has its name. */
function ofKind(
  name: FaultKind,
  description: string,
  hold: Hold,
  intent: (random: Random) => FaultIntent,
): NemesisPackage {
  return {
    name,
    description,
    kinds: [name],
    intent,
    hold,
  };
}

function kill(
  name: string,
  description: string,
  target: "one" | "primary" | "f" | "all",
  hold: Hold,
): NemesisPackage {
  const intent: FaultIntent = { kind: "kill", target: { kind: target } };
  return { name, description, kinds: ["kill"], intent: () => intent, hold };
}

function pause(name: string, description: string, target: "one" | "primary"): NemesisPackage {
  const intent: FaultIntent = { kind: "pause", target: { kind: target } };
  return { name, description, kinds: ["pause"], intent: () => intent, hold: HOLD };
}
