// Everything a verdict is judged from, as plain data: what the run store keeps on disk.

import type { HistoryOp } from "./history.js";

export type LedgerAccount = { id: string; name: string; address: string; balance: number };

/** One double-entry posting. "@cash" is the other side of deposits and withdrawals. */
export type LedgerEntry = {
  /** From 0, without gaps. */
  index: number;
  seq: number;
  client: number;
  timestamp: number;
  kind: "open" | "deposit" | "withdraw" | "move";
  debit: string;
  credit: string;
  amount: number;
};

export type LedgerSession = {
  client: number;
  timestamp: number;
  seq: number;
  resultDigest: string;
};

/** One replica's ledger after the run, read from its own database. */
export type LedgerDump = {
  node: string;
  seq: number;
  /** Digest of the whole replicated state at `seq`, as the replica computes it. */
  digest: string;
  /** Head of the hash chain over blocks of entries. */
  chain: string;
  accounts: readonly LedgerAccount[];
  entries: readonly LedgerEntry[];
  sessions: readonly LedgerSession[];
};

/** A fault as the checker needs it; times in ns since the start of the run. */
export type FaultSpan = {
  id: string;
  /** Begins with the fault's kind, e.g. "partition isolate primary → r0". */
  label: string;
  /** Whom it meant. Absent: not known. */
  nodes?: readonly string[];
  start: number;
  /** Absent where the run ended before it was healed. */
  stop?: number;
  landed: boolean;
  evidence: string;
  /** True where a quorum is left, so that operations must complete while the fault lasts. */
  serving?: boolean;
  /** True where its nodes spend the fault budget: they lie, or have lost what they promised. */
  spendsF?: true;
};

export type RunRecord = {
  history: readonly HistoryOp[];
  faults: readonly FaultSpan[];
  /** Correct replicas only; empty where the history stands alone. */
  ledgers: readonly LedgerDump[];
  /** Replicas whose ledger should be among `ledgers`. */
  correctReplicas: readonly string[];
  /** ns since start: load ends, all faults healed (liveness starts), quiescent or given up. */
  healedAt?: number;
  /** After healing, a new operation must be acknowledged within this bound, ns. */
  recoveryBoundNs?: number;
  /** Whether every correct replica reached one seq and digest before the deadline; why not. */
  quiescence?: { reached: boolean; detail: string };
  /** Fault kinds the suite planned; evidence demands at least one landed fault of each. */
  expectedFaults: readonly string[];
};
