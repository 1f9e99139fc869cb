// What a replica must not forget: the records of its protocol log. Encoded by wire.ts, stored by the
// runtime as length, checksum, record; replayed by `recover` in replica.ts.

import type {
  Checkpoint,
  CommitCertificate,
  NewView,
  PrePrepare,
  PreparedCertificate,
  Seq,
  View,
  ViewChange,
} from "./messages.js";

export type LogRecord =
  /** The view we are in, or (inactive) the view we asked for. */
  | { kind: "view"; view: View; active: boolean }
  /** Proposed as primary, or accepted as backup: it implies our vote, which may have left before. */
  | { kind: "pre-prepare"; message: PrePrepare }
  /** Accepted as backup where an earlier process of ours may have voted for another: no vote of ours. */
  | { kind: "abstained"; message: PrePrepare }
  /**
   * Each vote of ours in this view has its record before this one, but for those up to `forgottenSeq`
   * (0: none), which an earlier process may have cast and forgotten.
   */
  | { kind: "votes-logged"; view: View; forgottenSeq: Seq }
  /** It implies our commit. */
  | { kind: "prepared"; certificate: PreparedCertificate }
  | { kind: "checkpoint"; message: Checkpoint }
  | { kind: "stable"; proof: readonly Checkpoint[] }
  | { kind: "view-change"; message: ViewChange }
  | { kind: "new-view"; message: NewView; viewChanges: readonly ViewChange[] }
  /**
   * Executed here. Its requests are left out where a pre-prepare in this log holds them. It waits for
   * the next record that must be durable, so it costs no fsync of its own.
   */
  | { kind: "committed"; certificate: CommitCertificate }
  /**
   * The log was lost: no vote until a stable checkpoint reaches `seq`, below which our earlier self
   * may have voted. 0: not known yet.
   */
  | { kind: "rejoin"; seq: Seq };
