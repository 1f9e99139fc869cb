// Waiting for a condition, never for a guess: every wait ends, by its condition or its deadline.

const POLL_MS = 20;

/** Every deadline of the runner is so many times longer; for machines that are slow. */
export const PATIENCE = Number(process.env["ORDEAL_PATIENCE"] ?? 1) || 1;

/** Milliseconds since this process started, on the monotonic clock. */
export function nowMs(): number {
  return performance.now();
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** True as soon as `holds` says so, false when it has not within `deadlineMs`, times our patience. */
export async function waitUntil(
  holds: () => boolean | Promise<boolean>,
  deadlineMs: number,
): Promise<boolean> {
  const end = nowMs() + PATIENCE * deadlineMs;
  for (;;) {
    if (await holds()) return true;
    if (nowMs() >= end) return false;
    await sleep(POLL_MS);
  }
}

/** The promise's value, or undefined when it has not settled within `deadlineMs`, times our patience. */
export async function within<T>(promise: Promise<T>, deadlineMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PATIENCE * deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
