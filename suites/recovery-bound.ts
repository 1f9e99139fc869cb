// How long after the last cure a correct cluster may take to serve: computed from the protocol's
// time-outs, so that "eventually" can be judged.

import { PROTOCOL_DEFAULTS } from "../node/core/config.js";

/** Retransmission of a client doubles up to this, ms; a request is with every replica by then. */
const CLIENT_RESEND_MS_MAX = 1_000;
/** Messages in a row: view-change, new-view, and what is fetched for it there and back. */
const VIEW_CHANGE_DELAYS = 4;
/** Request, relay, pre-prepare, prepare, commit, reply, and a status for what was lost. */
const OPERATION_DELAYS = 7;
/** Restarted processes read their logs, replay and are scheduled beside others, ms. */
export const MACHINE_ALLOWANCE_MS = 5_000;

/**
 * The bound in ns, after `disturbedMs` of faults. While they lasted, the view timer doubled at most
 * so often that the waits before it fit into them; that timer may have been set just before the
 * cure. Then at most f faulty or lagging primaries pass by, each costing one more doubled wait, and
 * a laggard needs a round of status messages to catch up. `delayMs` is what a message takes at most
 * where it is not small beside the time-outs: each view change waits for messages, and so does each
 * operation. A time-out shorter than an operation's messages is no setting that this bound is for:
 * every operation then costs a view change. Where not all sessions' requests fit into the batches under
 * way, they are served in `rounds`, one after the other, each of which may lose a message twice.
 * @source OSDI '99 §4.5.2, liveness
 */
export function recoveryBoundNs(
  protocol: Readonly<Record<string, number>>,
  f: number,
  disturbedMs: number,
  delayMs = 0,
  rounds = 1,
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
  bound += delayMs * ((f + 2) * VIEW_CHANGE_DELAYS + OPERATION_DELAYS);
  bound += (rounds - 1) * (delayMs * OPERATION_DELAYS + 2 * statusIntervalMs);
  bound += 4 * statusIntervalMs + CLIENT_RESEND_MS_MAX + MACHINE_ALLOWANCE_MS;
  return bound * 1_000_000;
}
