// The replica as a machine: one input goes in, effects come out in order, nothing else happens.
// A driver performs the effects in order; nothing behind a `persist` leaves the machine before that
// record is on stable storage. Drivers group commits: one fsync serves every persist that waits,
// then the state machine commits, then the sends go out.

import type { LogRecord } from "./log.js";
import type { Digest, Message, PrincipalId, ReplicaId, Seq, View } from "./messages.js";

export type TimerName = "view" | "status" | "fetch" | "batch";

export type Input =
  | { kind: "message"; from: PrincipalId; message: Message } // link MAC checked at the edge
  | { kind: "timeout"; timer: TimerName }
  /** The last one: the process ends in good order. */
  | { kind: "stop" };

export type Effect =
  /**
   * Durable before any later effect is performed; `later`: it may wait in memory for the next that must
   * be, in front of which it then stands in the log.
   */
  | { kind: "persist"; record: LogRecord; later: boolean }
  /**
   * Replaces all records persisted before it (never one persisted after it, even in the same tick):
   * after the state machine's `sync`, atomically (write, fsync, rename).
   */
  | { kind: "compact"; records: readonly LogRecord[] }
  | { kind: "send"; to: readonly PrincipalId[]; message: Message }
  /** Arms or re-arms; a timer fires once. */
  | { kind: "set-timer"; timer: TimerName; delayMs: number }
  | { kind: "cancel-timer"; timer: TimerName }
  /** For the structured log and for tests; has no effect on the protocol. */
  | { kind: "event"; event: CoreEvent };

/** `restarted`: a primary that has forgotten what it proposed; `resigned`: it said so. */
export type ViewChangeReason = "timeout" | "joined" | "invalid-new-view" | "restarted" | "resigned";

export type CoreEvent =
  | { kind: "view-change-started"; view: View; reason: ViewChangeReason }
  | { kind: "view-entered"; view: View }
  | { kind: "executed"; seq: Seq; requestCount: number }
  | { kind: "checkpoint-stable"; seq: Seq; digest: Digest }
  | { kind: "state-transfer-started"; seq: Seq; digest: Digest }
  | { kind: "state-transfer-finished"; seq: Seq; digest: Digest }
  | { kind: "ignored"; message: string; from: PrincipalId; reason: string }
  | { kind: "diverged"; seq: Seq; ownDigest: Digest; stableDigest: Digest };

/** What an operator asks of a replica. */
export type ReplicaStatus = {
  replica: ReplicaId;
  view: View;
  viewActive: boolean;
  executedSeq: Seq;
  stableSeq: Seq;
  stableDigest: Digest;
  lowWatermark: Seq;
  highWatermark: Seq;
  transferring: boolean;
};
