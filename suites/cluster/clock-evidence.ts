// Whether a clock was bent as it was asked to be, by what the replica itself told of it. The measurement has
// an error of its own, half of the way to and fro; what could as well be a sound clock has not landed.

import type { Evidence, NodeName, ResolvedFault } from "../../nemesis/faults.js";

/** What a clock is off, give or take `errorMs`, at a moment of the runner's monotonic clock. */
export type Reading = { atMs: number; skewMs: number; errorMs: number };
export type Seen = { node: NodeName; atStart: readonly Reading[]; atEnd: readonly Reading[] };

/** What an offset that is set a hundred times a second may be off, besides a twentieth of it. */
const TOLERANCE_MS = 15;
const TOLERANCE_SHARE = 1 / 20;

/** `askedMs`: when the fault was asked for, on the runner's monotonic clock. */
export function clockEvidence(
  fault: ResolvedFault,
  seen: readonly Seen[],
  askedMs: number,
): Evidence {
  const { intent } = fault;
  const measured: Record<string, number | string> = {};
  const words: string[] = [];
  let landed = seen.length > 0;
  for (const each of seen) {
    const found =
      intent.kind === "strobe" ? strobed(intent.jumpMs, each) : bent(fault, each, askedMs);
    landed &&= found.isMet;
    words.push(`${each.node}'s clock ${found.words}`);
    for (const [name, value] of Object.entries(found.measured)) {
      measured[`${each.node}.${name}`] = value;
    }
  }
  const asked =
    intent.kind === "clock"
      ? `${intent.jumpMs} ms and rate ${intent.rate}`
      : `${intent.kind === "strobe" ? intent.jumpMs : 0} ms to and fro`;
  const summary = `${words.join(", ")} (asked for ${asked})`;
  return { faultId: fault.id, landed, summary, mechanism: "libfaketime", measured };
}

type Found = { isMet: boolean; words: string; measured: Readonly<Record<string, number>> };
const SILENT: Found = { isMet: false, words: "told nothing", measured: {} };

/** A jump is seen at the start, a rate between start and end. */
function bent({ intent }: ResolvedFault, { atStart, atEnd }: Seen, askedMs: number): Found {
  const [first] = atStart;
  const last = atEnd.at(-1);
  if (intent.kind !== "clock" || first === undefined || last === undefined) return SILENT;
  const { jumpMs, rate } = intent;
  const lastedMs = last.atMs - first.atMs;
  const drift = (rate - 1) * lastedMs;
  const began = Math.abs(rate - 1) * (first.atMs - askedMs);
  const jumped = Math.abs(first.skewMs - jumpMs) <= allowance(jumpMs) + began + first.errorMs;
  const drifted =
    Math.abs(last.skewMs - first.skewMs - drift) <= allowance(drift) + errorOf([first, last]);
  const larger = Math.max(Math.abs(jumpMs), Math.abs(drift));
  const measuredRate = 1 + (last.skewMs - first.skewMs) / Math.max(1, lastedMs);
  const [startMs, endMs] = [Math.round(first.skewMs), Math.round(last.skewMs)];
  return {
    isMet: jumped && drifted && larger > 2 * errorOf([first, last]),
    words: `was ${startMs} ms off, and ${endMs} ms ${(lastedMs / 1_000).toFixed(1)} s later`,
    measured: {
      jumpAskedMs: jumpMs,
      jumpMs: startMs,
      rateAsked: rate,
      rate: Number(measuredRate.toFixed(3)),
      errorMs: Number(errorOf([first, last]).toFixed(1)),
    },
  };
}

/** It was seen right, and it was seen off. */
function strobed(askedMs: number, { atStart, atEnd }: Seen): Found {
  const readings = [...atStart, ...atEnd].toSorted((a, b) => a.skewMs - b.skewMs);
  const [low, high] = [readings[0], readings.at(-1)];
  if (low === undefined || high === undefined) return SILENT;
  const isMet =
    Math.abs(low.skewMs) <= TOLERANCE_MS + low.errorMs &&
    Math.abs(high.skewMs - askedMs) <= allowance(askedMs) + high.errorMs &&
    Math.abs(askedMs) > 2 * errorOf([low, high]);
  const [lowMs, highMs] = [Math.round(low.skewMs), Math.round(high.skewMs)];
  return {
    isMet,
    words: `was ${lowMs} to ${highMs} ms off in ${readings.length} readings`,
    measured: { askedMs, lowMs, highMs, readings: readings.length },
  };
}

/** At most half of what was asked, so that a sound clock never meets it. */
function allowance(askedMs: number): number {
  const size = Math.abs(askedMs);
  return askedMs === 0 ? TOLERANCE_MS : Math.min(TOLERANCE_MS, size / 2) + size * TOLERANCE_SHARE;
}

function errorOf(readings: readonly Reading[]): number {
  return Math.max(...readings.map(({ errorMs }) => errorMs));
}
