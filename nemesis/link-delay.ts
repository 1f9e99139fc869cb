// How long datagrams of a slow link wait: distributions by their quantiles, so that one function serves
// who draws (simulator, relay: a uniform draw is a quantile) and who spreads (lines of tc). Pure.

export type DelayDistribution = "uniform" | "normal" | "exponential";

/**
 * `delayMs` is the mean. `jitterMs` is what the values depart from it: the half width (uniform), the
 * standard deviation (normal, exponential). An exponential delay is never less than delayMs − jitterMs.
 * Absent distribution: uniform; no jitter: constant. Nothing waits less than not at all.
 */
export type Delay = { delayMs: number; jitterMs: number; distribution?: DelayDistribution };

/** The wait that a share of `share` (0 < share < 1) of all datagrams does not exceed, ms. */
export function delayMsAt(delay: Delay, share: number): number {
  const { delayMs, jitterMs, distribution = "uniform" } = delay;
  switch (distribution) {
    case "uniform":
      return Math.max(0, delayMs + jitterMs * (2 * share - 1));
    case "normal":
      return Math.max(0, delayMs + jitterMs * normalQuantile(share));
    case "exponential":
      return Math.max(0, delayMs - jitterMs - jitterMs * Math.log(1 - share));
    default:
      return distribution satisfies never;
  }
}

/**
 * Waits of two independent delays, one after the other. Means add, and so do half widths and deviations
 * (an upper bound of the sum's); the shape is that of the wider one.
 */
export function addDelays(first: Delay, second: Delay): Delay {
  const wider = second.jitterMs > first.jitterMs ? second : first;
  return {
    delayMs: first.delayMs + second.delayMs,
    jitterMs: first.jitterMs + second.jitterMs,
    ...(wider.distribution === undefined ? {} : { distribution: wider.distribution }),
  };
}

/** Shares closer to 0 or 1 than this are as good as never. */
const SHARE_MIN = 1e-9;

/** Of the standard normal distribution, by Newton's method on its integral; error below 1e-7. */
function normalQuantile(share: number): number {
  const wanted = Math.min(1 - SHARE_MIN, Math.max(SHARE_MIN, share));
  const tail = Math.min(wanted, 1 - wanted);
  // A first guess (Abramowitz and Stegun, 26.2.22), then Newton's method, which is stable from there.
  let value = Math.sqrt(-2 * Math.log(tail));
  value -= (2.30753 + 0.27061 * value) / (1 + 0.99229 * value + 0.04481 * value ** 2);
  for (let round = 0; round < 4; round++) {
    value += (upperTail(value) - tail) / density(value);
  }
  return wanted < 0.5 ? -value : value;
}

function density(value: number): number {
  return Math.exp((-value * value) / 2) / Math.sqrt(2 * Math.PI);
}

/** P(X > value) for value ≥ 0. Source: W. J. Cody's and Hart's fits in G. West, Wilmott, May 2005. */
function upperTail(value: number): number {
  const scale = Math.exp((-value * value) / 2);
  const above =
    (((((3.52624965998911e-2 * value + 0.700383064443688) * value + 6.37396220353165) * value +
      33.912866078383) *
      value +
      112.079291497871) *
      value +
      221.213596169931) *
      value +
    220.206867912376;
  const below =
    ((((((8.83883476483184e-2 * value + 1.75566716318264) * value + 16.064177579207) * value +
      86.7807322029461) *
      value +
      296.564248779674) *
      value +
      637.333633378831) *
      value +
      793.826512519948) *
      value +
    440.413735824752;
  return (scale * above) / below;
}
