// Packages that end processes or stop them, take their memory and their time, and bend their clocks. See
// packages.ts.

import { CRASH_POINTS, type CrashPoint, type FaultIntent, type Target } from "./faults.js";
import { HOLD, HOLD_SHORT, type Hold } from "./hold.js";
import type { NemesisPackage } from "./nemesis-package.js";
import type { Random } from "./random.js";
import { ONE_OR_PRIMARY, VICTIMS } from "./victims.js";

/** One after another, whatever the interval. */
const HOLD_IN_A_ROW: Hold = { share: 0.1, msMin: 100, msMax: 400, restMsMax: 600 };
/** So often a crash loop ends one replica before it turns to the next. */
const CRASH_LOOP_LENGTH = 4;
const CLOCK_VICTIMS: readonly Target[] = [
  { kind: "one" },
  { kind: "primary" },
  { kind: "majority" },
  { kind: "all" },
];
/** What Jepsen's nemesis does to clocks is drawn from such a range, by its logarithm. */
const JUMP_MS_MIN = 11;
const JUMP_MS_MAX = 288_000;

export const PROCESS_PACKAGES: readonly NemesisPackage[] = [
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
];

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
