// The clock of a run: nanoseconds since its start, on the clock of the place where its nodes are. For
// processes that is the machine's monotonic clock, which they read too; in the simulator time is made.

import { setMaxListeners } from "node:events";

export type RunClock = {
  /** Nanoseconds since the start of the run. */
  now(): number;
  /** A CLOCK_MONOTONIC reading (ns, decimal text) on the run's clock; undefined where it is none. */
  at(monotonicNs: string): number | undefined;
};

/** How time passes for a run. */
export interface Time {
  /** Milliseconds that never run backwards, from any origin. */
  nowMs(): number;
  /** CLOCK_MONOTONIC as the nodes read it, ns. */
  monotonicNs(): bigint;
  /** Resolves after `ms`, or as soon as the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const machineTime: Time = {
  nowMs: () => performance.now(),
  monotonicNs: () => process.hrtime.bigint(),
  sleep,
};

export function startRunClock(time: Time): RunClock {
  const origin = time.monotonicNs();
  return {
    now: () => Number(time.monotonicNs() - origin),
    at: (monotonicNs) =>
      /^\d{1,20}$/.test(monotonicNs) ? Number(BigInt(monotonicNs) - origin) : undefined,
  };
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
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
