// Fetching a state node by node. A restore knows the root's digest from a certificate; every other
// digest it learns from a node that matched its own. Fetched nodes are staged with the store, so a
// killed replica goes on where it was; nodes that the replica's own tree has are not fetched at all.

import { hash } from "node:crypto";
import type { Digest, Seq } from "../core/messages.js";
import { childrenOf, decodeNode, PAGE_ENTRIES, type PostedEntry, type TreeNode } from "./nodes.js";
import { LedgerState } from "./state.js";
import { CASH, type Store } from "./store.js";

/** Where the replica's own nodes are found. */
export type LocalNodes = {
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
   * The state, built anew from its accounts, sessions and entries: balances and chain are computed,
   * not copied, and its digest is the target's. Undefined where the nodes are no such state.
   */
  build(): LedgerState | undefined {
    if (this.#malformed || this.#missing.size > 0) return undefined;
    const root = this.#node(this.digest);
    if (root?.kind !== "root" || root.root.seq !== this.seq) return undefined;
    const state = new LedgerState(this.#store);
    for (const leaf of this.#leaves(root.root.accounts)) {
      if (leaf.kind !== "accounts") return undefined;
      for (const { id, name, address } of leaf.accounts) {
        if (state.account(id) !== undefined) return undefined;
        state.addAccount(id, name, address);
      }
    }
    for (const leaf of this.#leaves(root.root.entries)) {
      if (leaf.kind !== "page" || !replay(state, leaf.entries)) return undefined;
    }
    state.endBlock();
    for (const leaf of this.#leaves(root.root.sessions)) {
      if (leaf.kind !== "sessions") return undefined;
      for (const { client, reply } of leaf.sessions) state.setSession(client, reply);
    }
    state.seq = this.seq;
    return state.digest() === this.digest ? state : undefined;
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

  /** Left to right; nothing where a node is not there, which the digest will tell. */
  *#leaves(digest: Digest): Generator<TreeNode> {
    const node = this.#node(digest);
    if (node === undefined) return;
    const children = childrenOf(node);
    if (node.kind !== "branch" && node.kind !== "index") yield node;
    for (const child of children) yield* this.#leaves(child);
  }
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
