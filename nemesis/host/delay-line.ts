// Which way out a datagram takes: a plan of the delays of one sender, for iptables.ts (which sorts the
// datagrams into lines) and tc.ts (which makes the lines wait). Pure.
//
// A line is a traffic class that a datagram occupies while it waits. With netem one line holds any
// number. Without it, a line is an HTB class so slow that one full datagram spends its tokens for the
// time of the delay: a copy of each datagram goes first as a plug and dies at the bridge, the original
// waits behind it. Such a line serves one datagram in twice its delay, so there are many. What waits
// counts against the sender's socket buffer, some 170 datagrams: a faster sender is held up itself.

import type { MessageRule, NodeName } from "../faults.js";
import type { LinkState } from "../links.js";

export type DelayMechanism = "netem" | "htb";

/** Lines with the same purpose; datagrams are dealt to them in turn. */
export type DelayPool = {
  /** "20±5 ms": what waiting in it means. */
  label: string;
  delayMs: number;
  jitterMs: number;
  /** One entry a line: how long a datagram waits in it. */
  waitsMs: readonly number[];
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
};

export type EgressPlan = { links: readonly EgressLink[]; pools: readonly DelayPool[] };

export type EgressOptions = {
  mechanism: DelayMechanism;
  /** Datagrams a second that one node may send; sizes the HTB lines, beyond it they drop. */
  packetsPerSecond: number;
};

/** HTB lines of one pool: fewer would run in step, more cost set-up time. */
const LINES_MIN = 16;
const LINES_MAX = 512;

/** Of a sender's datagrams, those of the kinds that one rule means: sizes their lines. */
const MESSAGE_SHARE = 0.1;

/** Waits shorter than this are not worth a line. */
const WAIT_MS_MIN = 0.1;

/** Plans the links that leave one sender. Dropped links need no delay. */
export function planEgress(links: readonly LinkState[], options: EgressOptions): EgressPlan {
  const pools: DelayPool[] = [];
  const poolFor = (delayMs: number, jitterMs: number, share: number): number => {
    const label = `${delayMs}±${jitterMs} ms`;
    const waitsMs = waitsOf(delayMs, jitterMs, share, options);
    const known = pools.findIndex((pool) => pool.label === label);
    if (known === -1) return pools.push({ label, delayMs, jitterMs, waitsMs }) - 1;
    pools.splice(known, 1, longer(pools[known], { label, delayMs, jitterMs, waitsMs }));
    return known;
  };
  const planned = links.flatMap((link): EgressLink[] => {
    const { from, to, drop, delay, reorder } = link;
    const slowed = delayedMessages(link);
    if (drop || (delay === undefined && reorder === undefined && slowed.length === 0)) return [];
    const { delayMs, jitterMs } = delay ?? { delayMs: 0, jitterMs: 0 };
    const egress: EgressLink = { from, to };
    if (delay !== undefined) egress.pool = poolFor(delayMs, jitterMs, 1);
    if (reorder !== undefined) {
      const share = reorder.percent / 100;
      const pool = poolFor(delayMs + reorder.gapMs, jitterMs, share);
      egress.late = { percent: reorder.percent, pool };
    }
    if (slowed.length > 0) {
      egress.messages = slowed.map(({ rule, laterMs }) => {
        return { rule, pool: poolFor(delayMs + laterMs, jitterMs, MESSAGE_SHARE) };
      });
    }
    return [egress];
  });
  return { links: planned, pools };
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

/** Waits spread evenly over delay ± jitter; a stride keeps neighbours in time apart in delay. */
function waitsOf(
  delayMs: number,
  jitterMs: number,
  share: number,
  { mechanism, packetsPerSecond }: EgressOptions,
): number[] {
  if (mechanism === "netem") return [delayMs];
  const needed = Math.ceil(packetsPerSecond * share * 2 * ((delayMs + jitterMs) / 1_000) * 1.25);
  const count = Math.min(LINES_MAX, Math.max(LINES_MIN, needed));
  const stride = strideFor(count);
  return Array.from({ length: count }, (_, index) => {
    const position = ((index * stride) % count) + 0.5;
    return Math.max(WAIT_MS_MIN, delayMs - jitterMs + (2 * jitterMs * position) / count);
  });
}

/** Near the golden section of the count, and coprime to it, so that every position comes once. */
function strideFor(count: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  let stride = Math.max(1, Math.round(count * 0.618));
  while (divisor(stride, count) !== 1) stride++;
  return stride;
}
