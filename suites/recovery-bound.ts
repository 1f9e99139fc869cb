// How long after the last cure a correct cluster may take to serve: computed from the protocol's
// time-outs, so that "eventually" can be judged.

import { PROTOCOL_DEFAULTS } from "../node/core/config.js";

/** Retransmission of a client doubles up to this, ms; a request is with every replica by then. */
const CLIENT_RESEND_MS_MAX = 1_000;
/** Restarted processes read their logs, replay and are scheduled beside others, ms. */
const MACHINE_ALLOWANCE_MS = 5_000;

/**
 * The bound in ns, after `disturbedMs` of faults. While they lasted, the view timer doubled at most
 * so often that the waits before it fit into them; that timer may have been set just before the
 * cure. Then at most f faulty or lagging primaries pass by, each costing one more doubled wait, and
 * a laggard needs a round of status messages to catch up.
 * @source OSDI '99 §4.5.2, liveness
 */
export function recoveryBoundNs(
  protocol: Readonly<Record<string, number>>,
  f: number,
  disturbedMs: number,
): number {
  const numbers = { ...PROTOCOL_DEFAULTS, ...protocol };
  const { viewTimeoutMs, viewTimeoutMsMax, statusIntervalMs } = numbers;

  let current = viewTimeoutMs;
  for (let waited = 0; current < viewTimeoutMsMax && waited + current <= disturbedMs; ) {
    waited += current;
    current = Math.min(2 * current, viewTimeoutMsMax);
  }
  let bound = current;
  for (let primaries = 0; primaries <= f; primaries++) {
    current = Math.min(2 * current, viewTimeoutMsMax);
    bound += current;
  }
  bound += 4 * statusIntervalMs + CLIENT_RESEND_MS_MAX + MACHINE_ALLOWANCE_MS;
  return bound * 1_000_000;
}
