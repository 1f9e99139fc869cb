// How long the faults of a package last, and how long the cluster is whole between two of them: its
// recovery window.

import type { Random } from "./random.js";

/**
 * A share of the interval between two starts, within bounds. The rest of it is the recovery window,
 * which has a bound of its own where it does not follow from the interval.
 */
export type HoldShare = { share: number; msMin: number; msMax: number; restMsMax?: number };
/** The same every time, whatever the interval: links that flap. */
export type HoldPeriod = { cutMs: number; wholeMs: number };
export type Hold = HoldShare | HoldPeriod;

/** Faults that end within it of each other are not told apart by a cluster; no window is shorter. */
export const WINDOW_MS_MIN = 100;

/** Most of a window of time. */
export const HOLD: Hold = { share: 0.6, msMin: 500, msMax: 20_000 };
/** For what need not last to be felt. */
export const HOLD_SHORT: Hold = { share: 0.3, msMin: 200, msMax: 2_000 };

/** One fault's time and the window after it, ms: about as asked, drawn within a quarter and a half. */
export function drawHold(
  hold: Hold,
  intervalMs: number,
  random: Random,
): { activeMs: number; windowMs: number } {
  if ("cutMs" in hold) return { activeMs: hold.cutMs, windowMs: hold.wholeMs };
  const { share, msMin, msMax, restMsMax = Number.POSITIVE_INFINITY } = hold;
  const wanted = share * intervalMs * between(random, 0.75, 1.25);
  const rest = (1 - share) * intervalMs * between(random, 0.5, 1.5);
  return {
    activeMs: Math.min(msMax, Math.max(msMin, wanted)),
    windowMs: Math.max(WINDOW_MS_MIN, Math.min(restMsMax, rest)),
  };
}

/** Below this, ms, a fault is not worth starting near the end of a run that has room for longer ones. */
export function holdMsMin(hold: Hold): number {
  return "cutMs" in hold ? hold.cutMs : Math.max(WINDOW_MS_MIN, hold.msMin / 2);
}

/** "held 60 % of the interval (0.5 to 20 s)", for people. */
export function describeHold(hold: Hold): string {
  if ("cutMs" in hold) return `${hold.cutMs} ms cut, ${hold.wholeMs} ms whole`;
  const { share, msMin, msMax, restMsMax } = hold;
  const held = `held ${Math.round(share * 100)} % of the interval (${msMin / 1_000} to ${msMax / 1_000} s)`;
  return restMsMax === undefined ? held : `${held}, then at most ${restMsMax / 1_000} s of rest`;
}

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.float();
}
