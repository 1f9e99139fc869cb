// Fetching a state node by node. A restore knows the root's digest from a certificate; every other
// digest it learns from a node that matched its own. Fetched nodes are staged with the store, so a
// killed replica goes on where it was; nodes that the replica's own tree has are not fetched at all.

import { hash } from "node:crypto";
import type { Digest, Seq } from "../core/messages.js";
import { childrenOf, decodeNode, PAGE_ENTRIES, type PostedEntry, type TreeNode } from "./nodes.js";
import { EMPTY, LedgerState } from "./state.js";
import { type Account, CASH, type Entry, type Kept, type Present, type Store } from "./store.js";

/** Where the replica's own nodes are found. */
type LocalNodes = {
  node(digest: Digest): Uint8Array | undefined;
  pageOf(digest: Digest): number | undefined;
};

export class Restore {
  readonly seq: Seq;
  readonly digest: Digest;
  readonly #store: Store;
  readonly #local: LocalNodes;
  /** In the order they became known. */
  readonly #missing = new Set<Digest>();
  readonly #seen = new Set<Digest>();
  /** A node that matched its digest and is none: no honest replica has this state. */
  #malformed = false;

  constructor(seq: Seq, digest: Digest, store: Store, local: LocalNodes) {
    this.seq = seq;
    this.digest = digest;
    this.#store = store;
    this.#local = local;
    this.#want([digest]);
  }

  missing(max: number): readonly Digest[] {
    const first: Digest[] = [];
    for (const digest of this.#missing) {
      if (first.length >= max) break;
      first.push(digest);
    }
    return first;
  }

  put(bytes: Uint8Array): "stored" | "unwanted" {
    const digest = hash("sha256", bytes, "hex");
    if (!this.#missing.delete(digest)) return "unwanted";
    this.#store.stage(digest, bytes);
    this.#want(this.#childrenIn(bytes));
    return "stored";
  }

  /**
   * The state, built from its accounts, sessions and entries: balances and chain are computed, not
   * copied, on top of the entries it shares with the ledger that is here, and its digest is the
   * target's. `keep` says what of the store stays. Undefined where the nodes are no such state.
   */
  build(): { state: LedgerState; keep: Kept } | undefined {
    if (this.#malformed || this.#missing.size > 0) return undefined;
    const root = this.#node(this.digest);
    if (root?.kind !== "root") return undefined;
    const pages = [...this.#leaves(root.root.entries)];
    const differing = pages.findIndex((digest, index) => this.#local.pageOf(digest) !== index);
    const base = this.#base(differing < 0 ? pages.length : differing);
    const state = new LedgerState(this.#store, base);
    for (const digest of this.#leaves(root.root.accounts)) {
      const leaf = this.#node(digest);
      if (leaf?.kind !== "accounts") return undefined;
      for (const { id, name, address } of leaf.accounts) {
        if (state.account(id) === undefined) state.addAccount(id, name, address);
      }
    }
    const { entryCount, pageDigests } = base;
    for (const [index, digest] of pages.slice(pageDigests.length).entries()) {
      const page = this.#node(digest);
      if (page?.kind !== "page") return undefined;
      if (
        !replay(state, index === 0 ? page.entries.slice(entryCount % PAGE_ENTRIES) : page.entries)
      ) {
        return undefined;
      }
    }
    state.endBlock();
    if (state.seq > this.seq) return undefined; // entries from the future
    for (const digest of this.#leaves(root.root.sessions)) {
      const leaf = this.#node(digest);
      if (leaf?.kind !== "sessions") return undefined;
      for (const { client, reply } of leaf.sessions) state.setSession(client, reply);
    }
    state.seq = this.seq;
    if (state.digest() !== this.digest) return undefined;
    return { state, keep: { entryCount, pageCount: pageDigests.length, blockSeqMax: base.seq } };
  }

  /**
   * Our own ledger as it was at the last block both share, without sessions. Of the blocks within
   * the shared pages the newest may go on behind them, in one ledger or the other: the one before
   * it is safe, and so is its chain head.
   */
  #base(sharedPages: number): Present {
    const [, block] = this.#store.newestBlocks(sharedPages * PAGE_ENTRIES);
    if (block === undefined) return EMPTY;
    const entryCount = block.firstEntry + block.entryCount;
    const ours = this.#store.load();
    return {
      seq: block.seq,
      chain: block.chain,
      accounts: takeBack(ours.accounts, this.#store.entries(entryCount, ours.entryCount)),
      sessions: [],
      entryCount,
      pageDigests: ours.pageDigests.slice(0, Math.floor(entryCount / PAGE_ENTRIES)),
    };
  }

  /** Follows every digest down to what is missing. */
  #want(digests: readonly Digest[]): void {
    const waiting = [...digests];
    for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
      if (this.#seen.has(digest)) continue;
      this.#seen.add(digest);
      if (this.#local.pageOf(digest) !== undefined) continue;
      const bytes = this.#store.staged(digest) ?? this.#stageLocal(digest);
      if (bytes === undefined) this.#missing.add(digest);
      else waiting.push(...this.#childrenIn(bytes));
    }
  }

  /** Our own tree goes on changing while we fetch: what we mean to use of it is staged too. */
  #stageLocal(digest: Digest): Uint8Array | undefined {
    const bytes = this.#local.node(digest);
    if (bytes !== undefined) this.#store.stage(digest, bytes);
    return bytes;
  }

  #childrenIn(bytes: Uint8Array): readonly Digest[] {
    const node = decodeNode(bytes);
    if (node !== undefined) return childrenOf(node);
    this.#malformed = true;
    return [];
  }

  #node(digest: Digest): TreeNode | undefined {
    const page = this.#local.pageOf(digest);
    if (page !== undefined) {
      const firstEntry = page * PAGE_ENTRIES;
      const entries = this.#store.entries(firstEntry, firstEntry + PAGE_ENTRIES);
      return { kind: "page", firstEntry, entries };
    }
    const bytes = this.#store.staged(digest);
    return bytes === undefined ? undefined : decodeNode(bytes);
  }

  /** Digests of the leaves, left to right; nothing for a node that is not there. */
  *#leaves(digest: Digest): Generator<Digest> {
    const node = this.#local.pageOf(digest) === undefined ? this.#node(digest) : undefined;
    if (node?.kind !== "branch" && node?.kind !== "index") yield digest;
    else for (const child of node.children) yield* this.#leaves(child);
  }
}

/** The accounts as they were before these entries, the newest of which are the last. */
function takeBack(accounts: readonly Account[], entries: readonly Entry[]): Account[] {
  const before = new Map(accounts.map((account) => [account.id, { ...account }]));
  for (const entry of entries.toReversed()) {
    const { kind, amount } = entry;
    for (const [id, change, previous] of [
      [entry.debit, amount, entry.debitPrevious],
      [entry.credit, -amount, entry.creditPrevious],
    ] as const) {
      const account = before.get(id);
      if (account === undefined) continue; // our rows rotted: the digest will tell
      account.balance += change;
      if (kind === "open" || id === CASH) continue;
      account.entryCount -= 1;
      account.lastEntry = previous;
    }
    if (kind === "open") before.delete(entry.credit);
  }
  return [...before.values()];
}

/** Posts entries as they were posted; false where they cannot have been. */
function replay(state: LedgerState, entries: readonly PostedEntry[]): boolean {
  for (const entry of entries) {
    const debit = state.account(entry.debit);
    const credit = state.account(entry.credit);
    if (debit === undefined || credit === undefined || entry.seq < Math.max(1, state.seq)) {
      return false;
    }
    if (entry.seq !== state.seq) {
      state.endBlock();
      state.beginBlock(entry.seq);
    }
    const { client, timestamp, kind, amount } = entry;
    const overdrawn = debit.id !== CASH && debit.balance < amount;
    const overflows = !Number.isSafeInteger(credit.balance + amount);
    if (amount < 0 || overdrawn || overflows) return false;
    if (!Number.isSafeInteger(debit.balance - amount)) return false;
    state.post({ client, timestamp }, kind, debit, credit, amount);
  }
  return true;
}
