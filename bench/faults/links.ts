// Faults of links in namespaces, measured by the peers at both ends: numbered datagrams with their times.
// Losses are counted in portions that fit a receiver's socket, so that a busy machine loses none of its own.

import type { FaultIntent, Target } from "../../nemesis/faults.js";
import type { DelayMechanism } from "../../nemesis/host/delay-line.js";
import type { IptablesBackend } from "../../nemesis/host/iptables.js";
import { type Flow, type Lab, openLab, type Pace } from "../../nemesis/host/lab-network.js";
import { type Delay, delayMsAt } from "../../nemesis/link-delay.js";
import { around, type FaultRow, type FaultSection, type SkippedRow } from "./row.js";

const R1: Target = { kind: "primary" };
const PORTION: Pace = { count: 400, bytes: 200, intervalMs: 0.5 };
const PORTIONS = 10;
const SPARSE: Pace = { count: 600, bytes: 1_000, intervalMs: 4 };
/** What a frame adds to the payload: Ethernet, IP, UDP. */
const HEADER_BYTES = 14 + 20 + 8;

/** A delay is measured again where a busy machine has added its own; the nearest counts. */
const ATTEMPTS_MAX = 3;

export function linkFaults(
  backend: IptablesBackend,
  mechanism: DelayMechanism | undefined,
): FaultSection {
  return {
    name: "links",
    async *measure() {
      const lab = await openLab(backend, mechanism);
      yield* losses(lab);
      yield* copies(lab);
      if (mechanism === undefined) {
        yield { fault: "delay, reorder", skipped: "neither netem nor htb works here" };
      } else {
        yield* delays(lab);
      }
      yield* shapes(lab);
      await lab.close();
    },
  };
}

type Sums = { sent: number; distinct: number; arrived: number; changed: number; lossRuns: number };

/** Sends portion after portion under the fault, and gives what came of all of them. */
async function measured(
  lab: Lab,
  intent: FaultIntent,
  portions = PORTIONS,
): Promise<{ sums: Sums; mechanism: string }> {
  const sums: Sums = { sent: 0, distinct: 0, arrived: 0, changed: 0, lossRuns: 0 };
  await lab.start("fault", intent);
  for (let portion = 0; portion < portions; portion++) {
    const flow = await lab.flow("portion", "r0", "r1", PORTION);
    for (const key of ["sent", "distinct", "arrived", "changed", "lossRuns"] as const) {
      sums[key] += flow[key];
    }
  }
  return { sums, mechanism: await ended(lab) };
}

/** Heals the fault; what it was done with. */
async function ended(lab: Lab): Promise<string> {
  await lab.stop("fault");
  return lab.evidence["fault"]?.mechanism ?? "none";
}

function percent(fault: string, asked: number, share: number, distance: number, mechanism: string) {
  return { fault, asked, measured: 100 * share, unit: "%", tolerance: around(distance), mechanism };
}

async function* losses(lab: Lab): AsyncIterable<FaultRow> {
  const random = await measured(lab, { kind: "loss", percent: 20, target: R1 });
  const share = ({ sent, arrived }: Sums) => (sent - arrived) / sent;
  yield percent("loss, random", 20, share(random.sums), 2.5, random.mechanism);

  const pattern = { kind: "bursts", lengthMean: 5 } as const;
  const bursty = await measured(lab, { kind: "loss", percent: 20, pattern, target: R1 }, 24);
  yield percent("loss, bursty", 20, share(bursty.sums), 4, bursty.mechanism);
  const { sent, arrived, lossRuns } = bursty.sums;
  yield {
    fault: "loss, bursty: mean burst",
    asked: pattern.lengthMean,
    measured: (sent - arrived) / lossRuns,
    unit: "datagrams",
    tolerance: around(0.8),
    mechanism: bursty.mechanism,
  };

  const every: FaultIntent = { kind: "loss", percent: 10, pattern: { kind: "every" }, target: R1 };
  const nth = await measured(lab, every);
  yield percent("loss, every 10th", 10, share(nth.sums), 0.1, nth.mechanism);
}

async function* copies(lab: Lab): AsyncIterable<FaultRow> {
  const doubled = await measured(lab, { kind: "duplicate", percent: 30, target: R1 });
  const { distinct, arrived } = doubled.sums;
  yield percent("duplicate", 30, (arrived - distinct) / distinct, 3, doubled.mechanism);

  const flipped = await measured(lab, { kind: "corrupt", percent: 10, target: R1 });
  const { changed, sent } = flipped.sums;
  yield percent("corrupt", 10, changed / sent, 2, flipped.mechanism);
}

async function* delays(lab: Lab): AsyncIterable<FaultRow> {
  const asked: [string, Delay][] = [
    ["constant 20 ms", { delayMs: 20, jitterMs: 0 }],
    ["uniform 30±20 ms", { delayMs: 30, jitterMs: 20, distribution: "uniform" }],
    ["normal 40±10 ms", { delayMs: 40, jitterMs: 10, distribution: "normal" }],
    ["exponential 20 ms", { delayMs: 20, jitterMs: 20, distribution: "exponential" }],
  ];
  for (const [name, delay] of asked) yield* delayRows(lab, name, delay);

  await lab.start("fault", { kind: "reorder", percent: 20, gapMs: 20, target: R1 });
  const pace = { count: 1_500, bytes: 200, intervalMs: 2 };
  const { overtaken, distinct } = await lab.flowUntilQuiet("reorder", "r0", "r1", pace);
  yield percent("reorder: overtaken", 20, overtaken / distinct, 4, await ended(lab));

  await lab.start("fault", { kind: "replay", percent: 20, target: R1 });
  const replayed = await lab.flowUntilQuiet("replay", "r0", "r1", pace);
  const again = (replayed.arrived - replayed.distinct) / replayed.distinct;
  yield percent("replay", 20, again, 4, await ended(lab));
}

async function* delayRows(lab: Lab, name: string, delay: Delay): AsyncIterable<FaultRow> {
  const rowsOf = (flow: Flow, mechanism: string): FaultRow[] =>
    [
      { share: 0.5, measured: flow.delayMsP50, tolerance: 0.08 },
      { share: 0.99, measured: flow.delayMsP99, tolerance: 0.12 },
    ].map(({ share, measured: found, tolerance }) => {
      const wanted = delayMsAt(delay, share);
      return {
        fault: `delay, ${name}: p${100 * share}`,
        asked: wanted,
        measured: found,
        unit: "ms",
        tolerance: around(2 + tolerance * wanted),
        mechanism,
      };
    });
  let best: FaultRow[] = [];
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    await lab.start("fault", { kind: "delay", ...delay, target: R1 });
    const flow = await lab.flowUntilQuiet("delay", "r0", "r1", SPARSE);
    const rows = rowsOf(flow, await ended(lab));
    if (best.length === 0 || farthest(rows) < farthest(best)) best = rows;
    if (farthest(best) <= 1) break;
  }
  yield* best;
}

/** How far the worst row is from what was asked, in tolerances. */
function farthest(rows: readonly FaultRow[]): number {
  const far = rows.map((row) => Math.abs(row.measured - row.asked) / row.tolerance.above);
  return Math.max(...far);
}

async function* shapes(lab: Lab): AsyncIterable<FaultRow | SkippedRow> {
  const asked = 200_000;
  const bytes = 1_400;
  await lab.start("fault", { kind: "bandwidth", bytesPerSecond: asked, target: R1 });
  const narrow = await lab.flowUntilQuiet("narrow", "r0", "r1", {
    count: 2_000,
    bytes,
    intervalMs: 1,
  });
  yield {
    fault: "bandwidth",
    asked: asked / 1_000,
    // The first arrival ends no interval.
    measured: ((narrow.arrived - 1) * (bytes + HEADER_BYTES)) / narrow.arrivedMs,
    unit: "kB/s",
    tolerance: around(asked / 10_000),
    mechanism: await ended(lab),
  };

  const count = 40;
  await lab.start("fault", { kind: "clog", target: R1 });
  const held = await lab.flowUntilQuiet("held", "r0", "r1", { ...PORTION, count });
  const mechanism = await ended(lab);
  const freed = await lab.flow("freed", "r0", "r1", { ...PORTION, count: 0 }, count);
  const row = (fault: string, want: number, arrived: number): FaultRow =>
    percent(fault, want, arrived / count, 0, mechanism);
  yield row("clog: through before its cure", 0, held.arrived);
  yield row("clog: through after it", 100, freed.distinct);
}
