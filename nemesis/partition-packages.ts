// Packages that cut links, in every shape. See packages.ts.

import type { FaultIntent, PartitionShape, Target } from "./faults.js";
import { FLAPPING } from "./flapping.js";
import { HOLD } from "./hold.js";
import type { NemesisPackage } from "./nemesis-package.js";
import type { Random } from "./random.js";

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

export const PARTITION_PACKAGES: readonly NemesisPackage[] = [
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
];

function targetOf(shape: PartitionShape, random: Random): Target {
  if (DIVIDING.includes(shape)) return { kind: "none" };
  if (shape === "primary-partial" || shape === "client-primary") return { kind: "primary" };
  return random.pick<Target>([{ kind: "primary" }, { kind: "one" }, { kind: "minority" }]);
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
