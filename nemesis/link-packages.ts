// Packages that harm what goes over links: some of it is lost, doubled, late, changed, or has no room. See
// packages.ts.

import type { Target } from "./faults.js";
import { HOLD } from "./hold.js";
import type { NemesisPackage } from "./nemesis-package.js";

const ALL: Target = { kind: "all" };

export const LINK_PACKAGES: readonly NemesisPackage[] = [
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
      return {
        kind: "bandwidth",
        bytesPerSecond: random.pick([20_000, 50_000, 200_000]),
        target: ALL,
      };
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
];
