// Faults that belong together: each drill leads a cluster into one of the corners where view changes go
// wrong, which faults drawn one by one reach in few runs. All of it is loss, and within what the
// protocol tolerates. T is a turn, the time in which backups give up a primary; a drill works where requests
// wait for their answers.

import type { FaultIntent, MessageKind, NodeName, Target } from "../../nemesis/faults.js";
import type { Random } from "../../nemesis/random.js";

/** A fault of a drill; ms from the drill's start. */
export type Step = { intent: FaultIntent; fromMs: number; toMs: number };

export type Cast = {
  replicas: readonly NodeName[];
  /** Of whom some may lie. */
  faulty: readonly NodeName[];
  /** Within this a primary that nobody hears is replaced, ms: the clients ask all, a time-out passes. */
  turnMs: number;
};

type Drill = (random: Random, cast: Cast) => Step[];

const ALL: Target = { kind: "all" };

/**
 * One replica alone prepares a batch, and is cut off. The others change the view, prepare another batch at
 * that seq and do not commit it; then f of them are cut off instead, so that no view can begin without
 * the first one and its certificate of the lower view.
 */
const lonePrepared: Drill = (random, { replicas, turnMs: T }) => {
  const [lone = "", ...others] = random.shuffle(replicas);
  const away = others.slice(0, (replicas.length - 1) / 3);
  return [
    step(lost(["prepare"], "in", nodes(others)), 0, 1.2 * T),
    step(lost(["commit", "commit-certificate"], "in", ALL), 0, 4 * T),
    step({ kind: "partition", shape: "isolate", target: nodes([lone]) }, 0.7 * T, 3.2 * T),
    step({ kind: "partition", shape: "isolate", target: nodes(away) }, 1.8 * T, 6 * T),
  ];
};

/** One replica alone prepares; then a view change in which it takes part. */
const onePrepared: Drill = (random, { replicas, turnMs: T }) => {
  const lone = random.pick(replicas);
  const others = nodes(replicas.filter((one) => one !== lone));
  return [step(lost(["prepare", "commit"], "in", others), 0, random.pick([1.2, 2.5]) * T)];
};

/** All prepare and nobody commits: everything must pass through a view change. */
const uncommitted: Drill = (random, { turnMs: T }) => [
  step(lost(["commit", "commit-certificate"], "in", ALL), 0, random.pick([1.5, 3, 5]) * T),
];

/** A view change with a replica that is a checkpoint behind the others. */
const unheardCheckpoint: Drill = (random, { replicas, turnMs: T }) => {
  const late = nodes([random.pick(replicas)]);
  return [
    step(lost(["checkpoint", "checkpoint-proof"], "in", late), 0, 4 * T),
    step(lost(["pre-prepare"], "out", { kind: "primary" }), 2 * T, 4 * T),
  ];
};

/** A new view names batches that one replica never got. */
const lostBatch: Drill = (random, { replicas, turnMs: T }) => {
  const late = nodes([random.pick(replicas)]);
  return [
    step(lost(["pre-prepare", "commit-certificate"], "in", late), 0, 3 * T),
    step(lost(["commit"], "in", ALL), 0, 2.2 * T),
  ];
};

/** A seq at which nothing prepares, and others above it at which something does: a view change with a gap. */
const gap: Drill = (_random, { turnMs: T }) => [
  step(lost(["pre-prepare"], "out", { kind: "primary" }, 1), 0, 1.3 * T),
  // Without statuses nothing is sent again.
  step(lost(["status", "commit", "commit-certificate"], "in", ALL), 0, 1.3 * T),
];

/** View-changes or new-views reach everybody but some. */
const unheardViewChange: Drill = (random, { turnMs: T }) => {
  const deaf = random.pick<Target>([{ kind: "one" }, { kind: "backup" }, { kind: "minority" }]);
  const kinds = random.pick<MessageKind[]>([
    ["view-change"],
    ["new-view"],
    ["view-change", "new-view"],
  ]);
  return [
    step(lost(kinds, "in", deaf), 0, 4 * T),
    step(lost(["pre-prepare"], "out", { kind: "primary" }), 0, 2 * T),
  ];
};

/** One primary after the other is not heard, so that each gets its turn: the liars, too. */
const tour: Drill = (random, { faulty, turnMs: T }) => {
  const turns = 2 + random.int(5);
  const steps = Array.from({ length: turns }, (_, turn) =>
    step(lost(["pre-prepare"], "out", { kind: "primary" }), turn * 1.6 * T, (turn + 1) * 1.6 * T),
  );
  if (faulty.length === 0) return steps;
  const lies = random.shuffle(["forge-new-view", "forge-view-change", "bad-proposal"] as const);
  const lying = lies.slice(0, 1 + random.int(2)).map((lie) => {
    const percent = random.pick([50, 100]);
    return step({ kind: "lie", lie, percent, target: nodes(faulty) }, 0, 1.6 * T * (turns + 1));
  });
  return [...steps, ...lying];
};

/** A replica that was away hears from liars what it missed. */
const liedTo: Drill = (random, { replicas, faulty, turnMs: T }) => {
  const away = nodes([random.pick(replicas.filter((one) => !faulty.includes(one)))]);
  const isolated = step({ kind: "partition", shape: "isolate", target: away }, 0, 1.5 * T);
  if (faulty.length === 0) return [isolated];
  const lie = random.pick(["forge-certificate", "wrong-data", "poison-fragments"] as const);
  return [isolated, step({ kind: "lie", lie, percent: 100, target: nodes(faulty) }, 0, 4 * T)];
};

/** The next primary is away in its turn: it asks for a view that the others leave behind. */
const skippedView: Drill = (random, { turnMs: T }) => [
  step(lost(["pre-prepare"], "out", { kind: "primary" }), 0, 1.5 * T),
  step(
    { kind: "partition", shape: "isolate", target: { kind: "next-primary" } },
    random.pick([0.3, 0.7, 1]) * T,
    5 * T,
  ),
];

/** A replica loses its disk while its votes are on their way, and its process soon after it came back. */
const wipedTwice: Drill = (random, { faulty, turnMs: T }) => {
  const held = step(lost(["commit", "commit-certificate"], "in", ALL), 0, 4.5 * T);
  if (faulty.length === 0) return [held];
  const target = nodes([random.pick(faulty)]);
  return [
    held,
    step({ kind: "disk-damage", damage: "wiped", target }, 0.5 * T, 0.6 * T),
    step({ kind: "kill", target }, 1.7 * T, 1.8 * T),
  ];
};

const DRILLS: readonly Drill[] = [
  lonePrepared,
  lonePrepared,
  onePrepared,
  uncommitted,
  unheardCheckpoint,
  lostBatch,
  gap,
  liedTo,
  unheardViewChange,
  tour,
  tour,
  skippedView,
  wipedTwice,
];

/** One of the drills. */
export function drawDrill(random: Random, cast: Cast): Step[] {
  return random.pick(DRILLS)(random, cast);
}

function lost(
  kinds: readonly MessageKind[],
  direction: "in" | "out",
  target: Target,
  first?: number,
): FaultIntent {
  const match = first === undefined ? { kinds } : { kinds, first };
  return { kind: "message", effect: "drop", match, direction, target };
}

function nodes(names: readonly NodeName[]): Target {
  return { kind: "nodes", nodes: names };
}

function step(intent: FaultIntent, fromMs: number, toMs: number): Step {
  return { intent, fromMs: Math.floor(fromMs), toMs: Math.ceil(toMs) };
}
