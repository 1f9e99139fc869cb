// What a replica must not forget: the records of its protocol log. Encoded by wire.ts, stored by the
// runtime as length, checksum, record; replayed by `recover` in replica.ts.

import type {
  Checkpoint,
  NewView,
  PrePrepare,
  PreparedCertificate,
  View,
  ViewChange,
} from "./messages.js";

export type LogRecord =
  /** The view we are in, or (inactive) the view we asked for. */
  | { kind: "view"; view: View; active: boolean }
  /** Proposed as primary, or accepted as backup: it implies our prepare. */
  | { kind: "pre-prepare"; message: PrePrepare }
  /** It implies our commit. */
  | { kind: "prepared"; certificate: PreparedCertificate }
  | { kind: "checkpoint"; message: Checkpoint }
  | { kind: "stable"; proof: readonly Checkpoint[] }
  | { kind: "view-change"; message: ViewChange }
  | { kind: "new-view"; message: NewView; viewChanges: readonly ViewChange[] };
