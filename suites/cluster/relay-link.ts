// What a faulty link does to a datagram, decided purely: a rule, what the link remembers, draws, a fate.
// The relay performs it; the counters are the evidence that a fault bit.

import type { LinkRule, NodeName } from "../../nemesis/faults.js";
import { delayMsAt } from "../../nemesis/link-delay.js";
import { burstChances, nextInBurst } from "../../nemesis/link-loss.js";
import { type Struck, struckBy } from "./message-fate.js";

/** A draw in [0, 1). */
export type Draw = () => number;

/** Datagrams of one directed link since the relay started, by name; each name says what it counts. */
const COUNTERS = {
  /** Given to the receiver's socket, copies included. */
  passed: 0,
  /** Cut: a partition's. */
  dropped: 0,
  /** Lost by chance. */
  lost: 0,
  /** Lost inside bursts. */
  burstLost: 0,
  /** Bursts that began. */
  bursts: 0,
  /** Lost because they were the n-th. */
  nthLost: 0,
  /** Changed in one bit. */
  corrupted: 0,
  /** Extra copies made. */
  duplicated: 0,
  /** Older ones that were sent again. */
  replayed: 0,
  /** Held back for a gap, so that later ones could overtake. */
  held: 0,
  /** Of all that waited, those that left after one that came later. */
  overtaken: 0,
  /** Waited because the link is slow. */
  delayed: 0,
  /** Sum of the waits on a slow link, ms. */
  delayedMs: 0,
  /** Found a narrow link busy: they waited, or were crowded out. */
  narrowed: 0,
  /** Of those, the ones for which the queue had no room. */
  crowdedOut: 0,
  /** Waited behind a clog, or found no room there. */
  stuck: 0,
  /** Refused by the receiver's machine: nobody listens there. */
  refused: 0,
};
export type LinkCounters = Record<keyof typeof COUNTERS, number>;

export type LinkTraffic = {
  from: NodeName;
  to: NodeName;
  counters: LinkCounters;
  /** Datagrams that rules for messages struck, by fault. */
  struck: Readonly<Record<string, number>>;
};

export const LINK_COUNTER_NAMES: readonly (keyof LinkCounters)[] = Object.keys(COUNTERS).filter(
  (name): name is keyof LinkCounters => name in COUNTERS,
);

export function noTraffic(): LinkCounters {
  return { ...COUNTERS };
}

/** What a link is and remembers, besides its rule. */
export type LinkMemory = {
  readonly draw: Draw;
  readonly counters: LinkCounters;
  inBurst: boolean;
  /** Datagrams since the n-th was lost. */
  sinceLost: number;
  /** The last ones that passed, a ring. */
  readonly old: Uint8Array[];
  oldAt: number;
  /** When a narrow link has carried what it has taken, ms. */
  freeMs: number;
  /** What rules for messages have struck. */
  readonly struck: Struck;
};

/** One that leaves; rules for messages may have it leave later. */
export type Copy = { bytes: Uint8Array; laterMs: number };

export function freshLink(draw: Draw): LinkMemory {
  return {
    draw,
    counters: noTraffic(),
    inBurst: false,
    sinceLost: 0,
    old: [],
    oldAt: 0,
    freeMs: 0,
    struck: new Map(),
  };
}

/** Old datagrams that a link remembers for replays. */
const REMEMBERED = 64;

/** The longest that a narrow link holds a datagram; one that would wait longer is crowded out. */
const QUEUE_MS_MAX = 100;

/**
 * What leaves the link for this datagram: nothing where it is cut or lost, else itself, perhaps with a
 * bit flipped, perhaps twice, perhaps with an older one. Adds to the counters what the rule did. Draws
 * only for the faults that the rule has, in a fixed order.
 */
export function copiesOf(rule: LinkRule, link: LinkMemory, bytes: Uint8Array): readonly Copy[] {
  if (rule.drop === true) {
    link.counters.dropped += 1;
    return [];
  }
  if (rule.messages === undefined) return launched(rule, link, bytes, 0);
  return struckBy(rule.messages, bytes, link.struck).flatMap((laterMs) =>
    launched(rule, link, bytes, laterMs),
  );
}

function launched(
  rule: LinkRule,
  link: LinkMemory,
  bytes: Uint8Array,
  laterMs: number,
): readonly Copy[] {
  const { counters } = link;
  if (isLost(rule, link)) return [];
  let copy = bytes;
  if (strikes(rule.corruptPercent, link)) {
    counters.corrupted += 1;
    copy = flipped(bytes, link.draw);
  }
  const copies: Copy[] = [{ bytes: copy, laterMs }];
  if (strikes(rule.duplicatePercent, link)) {
    counters.duplicated += 1;
    copies.push({ bytes: copy, laterMs });
  }
  if (rule.replayPercent !== undefined) {
    const again = link.old[Math.floor(link.draw() * link.old.length)];
    if (again !== undefined && strikes(rule.replayPercent, link)) {
      counters.replayed += 1;
      copies.push({ bytes: again, laterMs });
    }
    link.old[link.oldAt] = bytes;
    link.oldAt = (link.oldAt + 1) % REMEMBERED;
  }
  return copies;
}

/**
 * How long one that leaves is under way, ms, 0 for not at all; undefined where a narrow link has no
 * room for it.
 */
export function waitMs(
  rule: LinkRule,
  link: LinkMemory,
  byteCount: number,
  nowMs: number,
): number | undefined {
  const { counters, draw } = link;
  const queuedMs = queueMs(rule, link, byteCount, nowMs);
  if (queuedMs === undefined) return undefined;
  let wait = queuedMs;
  if (rule.delay !== undefined) {
    const delayedMs = delayMsAt(rule.delay, draw());
    counters.delayed += 1;
    counters.delayedMs += delayedMs;
    wait += delayedMs;
  }
  if (rule.reorder !== undefined && strikes(rule.reorder.percent, link)) {
    counters.held += 1;
    wait += rule.reorder.gapMs;
  }
  return wait;
}

function isLost(rule: LinkRule, link: LinkMemory): boolean {
  const { counters } = link;
  if (strikes(rule.lossPercent, link)) {
    counters.lost += 1;
    return true;
  }
  if (rule.burstLoss !== undefined) {
    const before = link.inBurst;
    link.inBurst = nextInBurst(before, burstChances(rule.burstLoss), link.draw());
    if (link.inBurst) {
      counters.burstLost += 1;
      if (!before) counters.bursts += 1;
      return true;
    }
  }
  if (rule.lossEvery === undefined) return false;
  link.sinceLost += 1;
  if (link.sinceLost < rule.lossEvery) return false;
  link.sinceLost = 0;
  counters.nthLost += 1;
  return true;
}

/** How long the queue of a narrow link is, this datagram included; undefined where it is full. */
function queueMs(
  { bytesPerSecond }: LinkRule,
  link: LinkMemory,
  byteCount: number,
  nowMs: number,
): number | undefined {
  if (bytesPerSecond === undefined) return 0;
  const beginsMs = Math.max(link.freeMs, nowMs);
  if (beginsMs > nowMs) link.counters.narrowed += 1;
  if (beginsMs - nowMs > QUEUE_MS_MAX) {
    link.counters.crowdedOut += 1;
    return undefined;
  }
  link.freeMs = beginsMs + (byteCount * 1_000) / bytesPerSecond;
  return link.freeMs - nowMs;
}

function flipped(bytes: Uint8Array, draw: Draw): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = Math.floor(draw() * copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(draw() * 8));
  return copy;
}

/** Draws only where there is a percentage. */
function strikes(percent: number | undefined, { draw }: LinkMemory): boolean {
  return percent !== undefined && draw() * 100 < percent;
}
