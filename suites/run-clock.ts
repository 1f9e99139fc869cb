// The clock of a run: nanoseconds since its start, on the machine's monotonic clock, which client
// processes on this machine read too.

import { setMaxListeners } from "node:events";

export type RunClock = {
  /** Nanoseconds since the start of the run. */
  now(): number;
  /** A CLOCK_MONOTONIC reading (ns, decimal text) on the run's clock; undefined where it is none. */
  at(monotonicNs: string): number | undefined;
};

export function startRunClock(): RunClock {
  const origin = process.hrtime.bigint();
  return {
    now: () => Number(process.hrtime.bigint() - origin),
    at: (monotonicNs) =>
      /^\d{1,20}$/.test(monotonicNs) ? Number(BigInt(monotonicNs) - origin) : undefined,
  };
}

/** Resolves after `ms`, or as soon as the signal aborts. Never rejects. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, Math.max(0, ms));
    if (signal === undefined) return;
    setMaxListeners(0, signal); // Every worker may wait for the same one.
    signal.addEventListener("abort", end);
  });
}
