// Which way out a datagram takes: a plan of the delays of one sender, for iptables.ts (which sorts the
// datagrams into lines) and tc.ts (which makes the lines wait). Pure.
//
// A line is a traffic class that a datagram occupies while it waits. With netem one line holds any
// number. Without it, a line is an HTB class so slow that one full datagram spends its tokens for the
// time of the delay: a copy of each datagram goes first as a plug and dies at the bridge, the original
// waits behind it. Such a line serves one datagram in twice its delay, so there are many. What waits
// counts against the sender's socket buffer, some 170 datagrams: a faster sender is held up itself.

import type { MessageRule, NodeName } from "../faults.js";
import { addDelays, type Delay, delayMsAt } from "../link-delay.js";
import type { LinkState } from "../links.js";

export type DelayMechanism = "netem" | "htb";

/** Lines with the same purpose; datagrams are dealt to groups of them in turn. */
export type DelayPool = {
  /** "20±5 ms": what waiting in it means. */
  label: string;
  /** One entry a line: how long a datagram waits in it. */
  waitsMs: readonly number[];
  /** By how much a line's wait varies of itself, which only netem can do. */
  jitterMs: number;
  /** Lines in each group, in the order of the lines. Every group gets as many datagrams as any other. */
  groups: readonly number[];
  /** Who takes a line is a copy; the datagram itself goes on. */
  copies?: true;
};

export type EgressLink = {
  from: NodeName;
  to: NodeName;
  /** Index of the pool that every datagram takes; absent: they leave at once. */
  pool?: number;
  /** Those that are held back take this pool instead. */
  late?: { percent: number; pool: number };
  /** Messages that wait longer than others take these. */
  messages?: readonly { rule: MessageRule; pool: number }[];
  /** Copies of these wait here, to arrive when they are old. */
  replay?: { percent: number; pool: number };
  /** What stands in the way of all that leave at once. */
  shaper?: Shaper;
};

/** A token bucket: so many bytes a second, or nothing until it is opened. */
export type Shaper = { kind: "narrow"; bytesPerSecond: number } | { kind: "clog" };

export type EgressPlan = { links: readonly EgressLink[]; pools: readonly DelayPool[] };

export type EgressOptions = {
  /** Undefined: nothing can be made to wait here. */
  mechanism: DelayMechanism | undefined;
  /** Datagrams a second that one node may send; sizes the HTB lines, beyond it they drop. */
  packetsPerSecond: number;
};

/** HTB lines of one pool: fewer would run in step, more cost set-up time. */
const LINES_MIN = 16;
const LINES_MAX = 512;

/** Lines in one group of a pool whose lines all wait alike. */
const GROUP_LINES_MAX = 16;

/** Equal shares of a distribution, each with a group of as many lines as its waits need. */
const SHARES = 16;
/** Lines of such a group at least: two datagrams find room in one, and a sender's may come at once. */
const SHARE_LINES_MIN = 4;

/** Of a sender's datagrams, those of the kinds that one rule means: sizes their lines. */
const MESSAGE_SHARE = 0.1;

/** Waits shorter than this are not worth a line. */
const WAIT_MS_MIN = 0.1;

/** Lines of netem that stand for a distribution: the 99th percentile lies in the last. */
const QUANTILES = 64;

/** How old a replayed datagram is. */
const REPLAY_DELAY: Delay = { delayMs: 60, jitterMs: 40 };

/** Plans the links that leave one sender. Throws where something must wait and nothing can. */
export function planEgress(links: readonly LinkState[], options: EgressOptions): EgressPlan {
  const pools: DelayPool[] = [];
  const poolFor = (delay: Delay, share: number, copies = false): number => {
    const made = poolOf(delay, share, options, copies);
    const known = pools.findIndex((pool) => pool.label === made.label);
    if (known === -1) return pools.push(made) - 1;
    pools.splice(known, 1, longer(pools[known], made));
    return known;
  };
  return { links: links.flatMap((link) => planLink(link, poolFor)), pools };
}

function planLink(
  link: LinkState,
  poolFor: (delay: Delay, share: number, copies?: boolean) => number,
): EgressLink[] {
  const { from, to, drop, delay, reorder, replayPercent } = link;
  const slowed = delayedMessages(link);
  const shaper = shaperOf(link);
  const waits = delay ?? reorder ?? replayPercent ?? shaper;
  // Datagrams of a dropped link wait for nothing, and those behind a clog for its end alone.
  if (drop || (waits === undefined && slowed.length === 0)) return [];
  if (shaper?.kind === "clog") return [{ from, to, shaper }];
  const own = delay ?? { delayMs: 0, jitterMs: 0 };
  const later = (ms: number) => addDelays(own, { delayMs: ms, jitterMs: 0 });
  const egress: EgressLink = { from, to };
  if (shaper !== undefined) egress.shaper = shaper;
  if (delay !== undefined) egress.pool = poolFor(delay, 1);
  if (reorder !== undefined) {
    const { percent, gapMs } = reorder;
    egress.late = { percent, pool: poolFor(later(gapMs), percent / 100) };
  }
  if (slowed.length > 0) {
    egress.messages = slowed.map(({ rule, laterMs }) => {
      return { rule, pool: poolFor(later(laterMs), MESSAGE_SHARE) };
    });
  }
  if (replayPercent !== undefined) {
    const pool = poolFor(addDelays(own, REPLAY_DELAY), replayPercent / 100, true);
    egress.replay = { percent: replayPercent, pool };
  }
  return [egress];
}

function shaperOf({ clogged, bytesPerSecond, delay }: LinkState): Shaper | undefined {
  if (clogged === true) return { kind: "clog" };
  if (bytesPerSecond === undefined || delay !== undefined) return undefined;
  return { kind: "narrow", bytesPerSecond };
}

/**
 * The rate of a link that is slow and narrow. A datagram takes one way out, and that is the slow one: its
 * receiver lets no more through than the rate.
 */
export function policedBytesPerSecond(link: LinkState): number | undefined {
  const { drop, clogged, delay, bytesPerSecond } = link;
  return drop || clogged || delay === undefined ? undefined : bytesPerSecond;
}

/** Rules of the link that make messages wait, and for how long. */
export function delayedMessages({
  messages = [],
}: LinkState): { rule: MessageRule; laterMs: number }[] {
  return messages.flatMap((rule) =>
    typeof rule.effect === "string" ? [] : [{ rule, laterMs: rule.effect.delayMs }],
  );
}

function longer(first: DelayPool | undefined, second: DelayPool): DelayPool {
  return first !== undefined && first.waitsMs.length > second.waitsMs.length ? first : second;
}

function poolOf(
  delay: Delay,
  share: number,
  { mechanism, packetsPerSecond }: EgressOptions,
  copies: boolean,
): DelayPool {
  if (mechanism === undefined) {
    throw new Error(
      "delay, reorder and replay need sch_netem or sch_htb, and this kernel has neither",
    );
  }
  const { delayMs, jitterMs, distribution } = delay;
  const shape = distribution === undefined ? "" : ` ${distribution}`;
  const label = `${copies ? "copies " : ""}${delayMs}±${jitterMs} ms${shape}`;
  const kind = copies ? ({ copies: true } as const) : {};
  const even = jitterMs === 0 || (distribution ?? "uniform") === "uniform";
  if (mechanism === "netem" && even) {
    return { label, waitsMs: [delayMs], jitterMs, groups: [1], ...kind };
  }
  // Lines that are busy twice as long as they make wait, and a quarter more.
  const linesFor = (waitMs: number) => packetsPerSecond * share * (2 * waitMs * 1e-3) * 1.25;
  const groups =
    mechanism === "netem"
      ? positions(QUANTILES).map((position) => [position])
      : jitterMs === 0
        ? groupsAlike(linesFor(delayMs))
        : groupsSpread(delay, linesFor, Math.ceil(SHARE_LINES_MIN * share));
  const waitsMs = groups.flatMap((each) =>
    each.map((position) => Math.max(WAIT_MS_MIN, delayMsAt(delay, position))),
  );
  return { label, waitsMs, jitterMs: 0, groups: groups.map(({ length }) => length), ...kind };
}

/** Where each line of each group lies in the distribution. */
type Groups = readonly (readonly number[])[];

/** Small groups, so that a datagram passes few rules; where all wait alike, it lies anywhere. */
function groupsAlike(needed: number): Groups {
  const lines = Math.min(LINES_MAX, Math.max(LINES_MIN, Math.ceil(needed)));
  const count = Math.ceil(lines / GROUP_LINES_MAX);
  return Array.from({ length: count }, (_, group) => {
    const next = Math.floor(((group + 1) * lines) / count);
    return new Array<number>(next - Math.floor((group * lines) / count)).fill(0.5);
  });
}

/** A group for each share of the distribution, with lines for the longest of its waits, spread over it. */
function groupsSpread(
  delay: Delay,
  linesFor: (waitMs: number) => number,
  linesMin: number,
): Groups {
  const needed = positions(SHARES).map((middle) => {
    const longest = delayMsAt(delay, middle + 0.4 / SHARES);
    return { from: middle - 0.5 / SHARES, lines: linesFor(longest) / SHARES };
  });
  const scale = Math.min(1, LINES_MAX / needed.reduce((sum, { lines }) => sum + lines, 0));
  return needed.map(({ from, lines }) =>
    positions(Math.max(linesMin, Math.ceil(lines * scale))).map(
      (position) => from + position / SHARES,
    ),
  );
}

/** The middles of so many equal shares; a stride keeps neighbours in time apart in delay. */
function positions(count: number): number[] {
  const stride = strideFor(count);
  return Array.from({ length: count }, (_, index) => (((index * stride) % count) + 0.5) / count);
}

/** Near the golden section of the count, and coprime to it, so that every position comes once. */
function strideFor(count: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  let stride = Math.max(1, Math.round(count * 0.618));
  while (divisor(stride, count) !== 1) stride++;
  return stride;
}
