// The replicated state machine, as the core sees it. Everything that outlives a request lives here:
// accounts, entries, sessions with their cached replies. All of it is covered by the digest of
// `snapshot` and moved by restore; nothing may lie outside.
//
// State transfer is content-addressed: a snapshot is a tree of nodes, a node is named by the SHA-256
// of its bytes, and the checkpoint digest is the root's name. So any node from any source proves
// itself, a bad source is known at its first node, and nodes that are already here are not fetched.

import type { ClientId, Digest, Request, Seq } from "./messages.js";

/** The last reply of a session. */
export type CachedReply = { timestamp: number; seq: Seq; result: Uint8Array };

/** What became of one request of a batch. `stale` requests are older than the session's last. */
export type Execution = { kind: "executed" | "repeated"; reply: CachedReply } | { kind: "stale" };

export interface StateMachine {
  /** Seq of the last batch applied; 0 when empty. Read after a restart, it is what survived. */
  readonly seq: Seq;

  /**
   * Executes one batch at `seq`, which must be this.seq + 1, in order, in one transaction together
   * with the seq. A request whose timestamp is not above its session's last changes nothing.
   * Survives the process only after `commit`, and a power cut only after `sync`: until then the
   * protocol log is what it is executed again from.
   */
  apply(seq: Seq, requests: readonly Request[]): readonly Execution[];
  /** The session's last reply, if any. */
  lastReply(client: ClientId): CachedReply | undefined;

  /** Digest of the whole state now, kept fetchable under this.seq until `release`. */
  snapshot(): Digest;
  /** Forgets snapshots with a seq below this one. */
  release(seq: Seq): void;
  /** Bytes of a node of any kept snapshot. */
  node(digest: Digest): Uint8Array | undefined;

  /** Starts (or retargets) a restore to the state with this root digest; keeps nodes already held. */
  beginRestore(seq: Seq, digest: Digest): void;
  /** Up to `max` digests of nodes still to fetch; empty when all are here. */
  missingNodes(max: number): readonly Digest[];
  /** Takes a node; "unwanted" where its digest is not missing (a lie, or a repeat). */
  putNode(bytes: Uint8Array): "stored" | "unwanted";
  /**
   * With no node missing: installs the state at once, or not at all, and keeps it as a snapshot.
   * Afterwards this.seq is the target's. Returns "invalid" where the nodes, though they match their
   * digests, are no state (impossible with f+1 honest voters); then nothing has changed.
   */
  finishRestore(): "installed" | "invalid";

  /** Ends the open transaction: the driver calls it after the log is synced, before it sends. */
  commit(): void;
  /** Makes everything committed durable against a power cut (before the log may be cut). */
  sync(): void;
}
