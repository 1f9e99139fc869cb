// Links that flap: cut and whole again at a period shorter than the protocol's time-outs, so that what a
// time-out is for never quite happens. Each cut is a fault of its own, with its cure and its evidence.

import type { FaultIntent } from "./faults.js";
import type { NemesisPackage } from "./nemesis-package.js";

const CUT_MS_DEFAULT = 400;
/** Shorter than this no environment gets its rules in place and out of it again, ms. */
const MS_MIN = 50;
const MS_MAX = 60_000;

const INTENTS: readonly FaultIntent[] = [
  { kind: "partition", shape: "isolate", target: { kind: "primary" } },
  { kind: "partition", shape: "one-way-out", target: { kind: "primary" } },
  { kind: "partition", shape: "primary-partial", target: { kind: "primary" } },
  { kind: "partition", shape: "halves", target: { kind: "none" } },
];

export const FLAPPING = flapping("flapping", CUT_MS_DEFAULT, CUT_MS_DEFAULT);

/**
 * "flapping:250" (cut so long, whole so long) or "flapping:250/750" (cut and whole, ms); undefined
 * where the name is neither. Throws a RangeError on times out of bounds.
 */
export function flappingNamed(name: string): NemesisPackage | undefined {
  const [, cutText, wholeText] = /^flapping:(\d{1,6})(?:\/(\d{1,6}))?$/.exec(name) ?? [];
  if (cutText === undefined) return undefined;
  const cutMs = Number(cutText);
  const wholeMs = Number(wholeText ?? cutMs);
  for (const ms of [cutMs, wholeMs]) {
    if (ms >= MS_MIN && ms <= MS_MAX) continue;
    throw new RangeError(`${name}: want ${MS_MIN} to ${MS_MAX} ms cut and whole, found ${ms}`);
  }
  return flapping(name, cutMs, wholeMs);
}

function flapping(name: string, cutMs: number, wholeMs: number): NemesisPackage {
  return {
    name,
    description:
      "Cuts and heals the primary's links, or halves, at a period (flapping:CUT/WHOLE, ms).",
    kinds: ["partition"],
    intent: (random) => random.pick(INTENTS),
    hold: { cutMs, wholeMs },
  };
}
