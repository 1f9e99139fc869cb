// What the ledger keeps, row by row, and the interface of whatever keeps it. There are two: SQLite
// for real replicas, memory for tests and simulation; one conformance suite runs on both.

import type { ClientId, Digest, Seq } from "../core/messages.js";
import type { CachedReply } from "../core/state-machine.js";
import type { AccountId } from "./operation.js";

/** The other side of deposits and withdrawals: it makes the sum of all balances zero. */
export const CASH: AccountId = "@cash";

/** An account. Changes in place; `entryCount` and `lastEntry` follow from the entries. */
export type Account = {
  readonly id: AccountId;
  readonly name: string;
  readonly address: string;
  balance: number;
  /** Deposits, withdrawals and moves of this account. Not kept for @cash. */
  entryCount: number;
  /** Index of the newest of them, or -1. */
  lastEntry: number;
};

export type EntryKind = "open" | "deposit" | "withdraw" | "move";

/** One double-entry posting: `amount` leaves `debit` and reaches `credit`. Never changes. */
export type Entry = {
  readonly index: number;
  readonly seq: Seq;
  readonly client: ClientId;
  readonly timestamp: number;
  readonly kind: EntryKind;
  readonly debit: AccountId;
  readonly credit: AccountId;
  readonly amount: number;
  /** The entry before this one of the debited account, or -1: a statement walks backwards. */
  readonly debitPrevious: number;
  readonly creditPrevious: number;
};

export type Session = { readonly client: ClientId; reply: CachedReply };

/** The entries of one seq, and the head of the hash chain behind them. */
export type Block = { seq: Seq; firstEntry: number; entryCount: number; chain: Digest };

/** Rows to write, all of them or none. Accounts and sessions replace the row with their key. */
export type Changes = {
  seq: Seq;
  accounts: Iterable<Account>;
  sessions: Iterable<Session>;
  entries: readonly Entry[];
  blocks: readonly Block[];
  /** Digests of entry pages that became full: a restart need not read them again. */
  pages: readonly { index: number; digest: Digest }[];
};

/** What of the old ledger a restored one shares: its first entries and pages, and its first blocks. */
export type Kept = { entryCount: number; pageCount: number; blockSeqMax: Seq };

/** A whole state. Entries stay where they are. */
export type Present = {
  seq: Seq;
  chain: Digest;
  accounts: readonly Account[];
  sessions: readonly Session[];
  entryCount: number;
  /** Of all full pages, by index. */
  pageDigests: readonly Digest[];
};

/** What is read at a start. */
export type Stored = Present & {
  /** States that are to stay readable, ascending by seq, none above `seq`. */
  kept: readonly KeptState[];
};

/** A state of the past, told by how it differs from the next newer one that is kept, or the present. */
export type KeptState = {
  seq: Seq;
  chain: Digest;
  entryCount: number;
  /** Rows as they were then, of all that have changed since; undefined: there was none. */
  accounts: ReadonlyMap<AccountId, Account | undefined>;
  sessions: ReadonlyMap<ClientId, Session | undefined>;
};

/**
 * Methods that write do so in one transaction, which stays open until `commit`; what was not
 * committed when the process ended never happened. Reads see the open transaction.
 */
export interface Store {
  load(): Stored;
  /** Entries with from <= index < to, ascending; all of them must exist. */
  entries(from: number, to: number): readonly Entry[];
  /** The newest two blocks whose entries are all below `entryCount`, newest first. */
  newestBlocks(entryCount: number): readonly Block[];
  write(changes: Changes): void;
  /**
   * From now on the state as written stays readable (`Stored.kept`), until a later `release`, also for
   * another process: a peer that fell behind may ask for nothing else.
   */
  keepState(state: Pick<KeptState, "seq" | "chain" | "entryCount">): void;
  /** Forgets kept states with a seq below this one. */
  release(seq: Seq): void;
  /** Drops everything, kept states too, but what is to be kept of it, and writes `changes`, which follow on it. */
  install(changes: Changes, keep: Kept): void;

  /** Nodes fetched for a restore. They survive a restart, and go with `clearStaging`. */
  stage(digest: Digest, bytes: Uint8Array): void;
  staged(digest: Digest): Uint8Array | undefined;
  clearStaging(): void;

  commit(): void;
  /** What is committed survives a power cut. */
  sync(): void;
  close(): void;
}
