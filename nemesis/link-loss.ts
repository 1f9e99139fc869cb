// Losses with a memory: bursts by Gilbert's chain of two states, and every n-th datagram. Pure.
// Source: E. N. Gilbert, Capacity of a burst-noise channel, 1960; the losses of netem's gemodel.

/** How losses follow one another; absent: each by itself. */
export type LossPattern =
  /** In runs of `lengthMean` datagrams on average (geometric). */
  | { kind: "bursts"; lengthMean: number }
  /** The n-th, the 2n-th, …, n being 100 by the percentage. */
  | { kind: "every" };

export type BurstLoss = { percent: number; lengthMean: number };

/** For each datagram: the chance that a burst begins with it, and the chance that one has ended before it. */
export type BurstChances = { begins: number; ends: number };

/**
 * The chain whose share of lost datagrams is `percent` and whose bursts are `lengthMean` long. Where
 * no chain loses so much in bursts so short, they are as short as can be.
 */
export function burstChances({ percent, lengthMean }: BurstLoss): BurstChances {
  const share = Math.min(100, Math.max(0, percent)) / 100;
  if (share === 1) return { begins: 1, ends: 0 };
  const odds = share / (1 - share);
  const ends = 1 / Math.max(1, lengthMean, odds);
  return { begins: odds * ends, ends };
}

/** Whether the next datagram is lost, and so whether it lies in a burst. `draw` is in [0, 1). */
export function nextInBurst(inBurst: boolean, chances: BurstChances, draw: number): boolean {
  return inBurst ? draw >= chances.ends : draw < chances.begins;
}

/** One datagram in so many is lost; 1 at least. */
export function everyNth(percent: number): number {
  return percent > 0 ? Math.max(1, Math.round(100 / percent)) : Number.POSITIVE_INFINITY;
}
