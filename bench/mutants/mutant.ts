// What a known-bad build is: the clean sources with a few lines replaced.

/** `find` occurs exactly once in `file` (a path below the project's root) when its turn comes. */
export type Patch = { file: string; find: string; replace: string };

/** A suite on real processes that catches it, and the options that it needs to. */
export type RealTrial = { suite: string; options: readonly string[] };

export type Mutant = {
  id: string;
  /** What the build does wrong, in one sentence. */
  wrong: string;
  /** The claim that no longer holds. */
  breaks: string;
  /** What has to happen for it to show. */
  exposedBy: string;
  /** Where the mistake was made, or is described. */
  source?: string;
  real?: RealTrial;
  patches: readonly Patch[];
};

/** Where the mistakes lie. */
export const FILES = {
  quorum: "node/core/quorum.ts",
  slot: "node/core/slot.ts",
  certificate: "node/core/certificate.ts",
  normalCase: "node/core/normal-case.ts",
  execution: "node/core/execution.ts",
  request: "node/core/request.ts",
  state: "node/core/state.ts",
  checkpoint: "node/core/checkpoint.ts",
  compaction: "node/core/compaction.ts",
  viewChange: "node/core/view-change.ts",
  newView: "node/core/new-view.ts",
  stateTransfer: "node/core/state-transfer.ts",
  fetch: "node/core/fetch.ts",
  retransmission: "node/core/retransmission.ts",
  recovery: "node/core/recovery.ts",
  rejoin: "node/core/rejoin.ts",
  votesAhead: "node/core/votes-ahead.ts",
  digest: "node/core/digest.ts",
  wire: "node/core/wire.ts",
  cursor: "node/core/cursor.ts",
  datagram: "node/core/datagram.ts",
  fragments: "node/core/fragments.ts",
  session: "node/client/session.ts",
  ledgerState: "node/ledger/state.ts",
  ledger: "node/ledger/ledger.ts",
  machine: "node/ledger/machine.ts",
  restore: "node/ledger/restore.ts",
  trie: "node/ledger/trie.ts",
  sqliteStore: "node/ledger/sqlite-store.ts",
  memoryStore: "node/ledger/memory-store.ts",
  driver: "node/runtime/driver.ts",
  logFile: "node/runtime/log-file.ts",
  assembly: "node/runtime/replica-assembly.ts",
} as const;

export const PAPER_BANK =
  "the replicated bank of the course paper (its bank is a MySQL beside the replica's state)";
