// A replica whose disk was wiped has forgotten its votes; another vote for the same slot would make it
// a liar. So it casts none until a stable checkpoint has passed everything its earlier self may have
// voted on: that self had a stable checkpoint s at the most, and voted no higher than s + L. For s to
// be stable, f+1 correct replicas other than us had executed it (we are one of the f faulty ones), so
// of enough other replicas the f-th largest executed seq is at least s, and one of f others alone
// cannot raise it beyond what a correct replica executed.
// DEVIATION: the paper has no wiped replicas; its proactive recovery (TOCS '02 §4.6) needs secure hardware.

import type { ReplicaId, Seq } from "./messages.js";
import type { Outbox } from "./outbox.js";
import { quorumOf } from "./quorum.js";
import type { Replica } from "./state.js";

/** How many others must have spoken: enough that f of those who executed s are among them. */
export function rejoinReportsNeeded(n: number, f: number): number {
  return Math.max(quorumOf(n), 3 * f - 1);
}

/** A status came; with enough of them the seq that ends our silence is known, and kept. */
export function noteForRejoin(replica: Replica, out: Outbox): void {
  const { rejoin, f, config } = replica;
  if (rejoin === undefined || rejoin.seq > 0) return;
  const executed: Seq[] = replica.others.flatMap((other: ReplicaId) => {
    const peer = replica.peers[other];
    return peer?.heard === true ? [peer.executedSeq] : [];
  });
  if (executed.length < rejoinReportsNeeded(config.n, f)) return;
  executed.sort((a, b) => b - a);
  rejoin.seq = (executed[f - 1] ?? 0) + config.window;
  out.persist({ kind: "rejoin", seq: rejoin.seq });
}

/**
 * Ends our silence where the stable checkpoint has come far enough, and says whether it did; the
 * caller cuts the log right after.
 */
export function finishRejoin(replica: Replica): boolean {
  const { rejoin, stable } = replica;
  if (rejoin === undefined || rejoin.seq === 0 || stable.seq < rejoin.seq) return false;
  replica.rejoin = undefined;
  return true;
}
