// What a faulty link does to a datagram, decided purely: a rule, a draw, a fate. The relay performs
// it and counts; the counters are the evidence that a fault bit.

import type { LinkRule, NodeName } from "../../nemesis/faults.js";
import { type Struck, struckBy } from "./message-fate.js";

/** A draw in [0, 1). */
export type Draw = () => number;

/** Datagrams of one directed link since the relay started. */
export type LinkCounters = {
  /** Given to the receiver's socket, copies included. */
  passed: number;
  /** Cut: a partition's. */
  dropped: number;
  /** Lost by chance. */
  lost: number;
  /** Extra copies made. */
  duplicated: number;
  /** Held back for a gap, so that later ones could overtake. */
  held: number;
  /** Of all that waited, those that left after one that came later. */
  overtaken: number;
  /** Waited because the link is slow. */
  delayed: number;
  /** Sum of the waits on a slow link, ms. */
  delayedMs: number;
  /** Refused by the receiver's machine: nobody listens there. */
  refused: number;
};

export type LinkTraffic = {
  from: NodeName;
  to: NodeName;
  counters: LinkCounters;
  /** Datagrams that rules for messages struck, by fault. */
  struck: Readonly<Record<string, number>>;
};

export const LINK_COUNTER_NAMES = [
  "passed",
  "dropped",
  "lost",
  "duplicated",
  "held",
  "overtaken",
  "delayed",
  "delayedMs",
  "refused",
] as const satisfies readonly (keyof LinkCounters)[];

export function noTraffic(): LinkCounters {
  return {
    passed: 0,
    dropped: 0,
    lost: 0,
    duplicated: 0,
    held: 0,
    overtaken: 0,
    delayed: 0,
    delayedMs: 0,
    refused: 0,
  };
}

/**
 * How long each copy waits, in ms, 0 for not at all; empty where the datagram is cut or lost. Adds
 * to the counters what the rule did, and to `struck` what rules for messages did. Draws only for the
 * faults that the rule has, in a fixed order.
 */
export function fateOf(
  rule: LinkRule,
  draw: Draw,
  counters: LinkCounters,
  bytes: Uint8Array,
  struck: Struck,
): readonly number[] {
  if (rule.drop === true) {
    counters.dropped += 1;
    return [];
  }
  const copies = rule.messages === undefined ? [0] : struckBy(rule.messages, bytes, struck);
  return copies.flatMap((laterMs) =>
    fateOfCopy(rule, draw, counters).map((waitMs) => waitMs + laterMs),
  );
}

function fateOfCopy(rule: LinkRule, draw: Draw, counters: LinkCounters): readonly number[] {
  if (rule.lossPercent !== undefined && hits(rule.lossPercent, draw)) {
    counters.lost += 1;
    return [];
  }
  const doubled = rule.duplicatePercent !== undefined && hits(rule.duplicatePercent, draw);
  if (doubled) counters.duplicated += 1;
  const first = waitMs(rule, draw, counters);
  return doubled ? [first, waitMs(rule, draw, counters)] : [first];
}

function waitMs(rule: LinkRule, draw: Draw, counters: LinkCounters): number {
  let wait = 0;
  if (rule.delay !== undefined) {
    const { delayMs, jitterMs } = rule.delay;
    wait = Math.max(0, delayMs + (2 * draw() - 1) * jitterMs);
    counters.delayed += 1;
    counters.delayedMs += wait;
  }
  if (rule.reorder !== undefined && hits(rule.reorder.percent, draw)) {
    counters.held += 1;
    wait += rule.reorder.gapMs;
  }
  return wait;
}

function hits(percent: number, draw: Draw): boolean {
  return draw() * 100 < percent;
}
