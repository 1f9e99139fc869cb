// The replicated state in memory: accounts, sessions and the tree over everything. Entries are handed
// on to the store; what stays of them here is the digests of their pages and the open page.
//
// The digest is a function of accounts, entries, sessions, seq and chain: a state built row by row
// in any order, after any number of restarts, has the digest of one that executed the requests.

import { strict as assert } from "node:assert";
import { hash } from "node:crypto";
import type { ClientId, Digest, Seq } from "../core/messages.js";
import type { CachedReply } from "../core/state-machine.js";
import { ByteWriter } from "./bytes.js";
import { EntryPages } from "./entry-pages.js";
import type { Books, Origin } from "./ledger.js";
import { NodePool, type PooledNode } from "./node-pool.js";
import {
  encodeAccounts,
  encodeRoot,
  encodeSessions,
  LEAF_ACCOUNTS_MAX,
  LEAF_SESSIONS_MAX,
  PAGE_ENTRIES,
  type PostedEntry,
  writeEntry,
} from "./nodes.js";
import {
  type Account,
  type Block,
  CASH,
  type Changes,
  type Entry,
  type EntryKind,
  type Present,
  type Session,
  type Store,
} from "./store.js";
import { Trie } from "./trie.js";

/** Chain head of a ledger without entries. */
export const CHAIN_START: Digest = "0".repeat(64);

export class LedgerState implements Books {
  readonly accounts = new Map<string, Account>();
  readonly sessions = new Map<ClientId, Session>();
  readonly pool = new NodePool();
  readonly pages: EntryPages;
  seq: Seq;
  chain: Digest;

  readonly #accountTrie: Trie<Account>;
  readonly #sessionTrie: Trie<Session>;
  readonly #store: Pick<Store, "entries">;
  /** Touched since the tree was last encoded. */
  readonly #accountsTouched = new Set<Account>();
  readonly #sessionsTouched = new Set<Session>();
  /** Changed since `takeChanges`. */
  #changes: PendingChanges;
  /** The entries of the block that is being executed, encoded. */
  readonly #block = new ByteWriter(4_096);
  readonly #entryBytes = new ByteWriter(128);
  #blockStart = 0;
  #root: { seq: Seq; node: PooledNode } | undefined;

  constructor(store: Pick<Store, "entries">, stored: Present = EMPTY) {
    const fullPages = Math.floor(stored.entryCount / PAGE_ENTRIES);
    const { length } = stored.pageDigests;
    assert(length === fullPages, `${length} page digests for ${stored.entryCount} entries`);
    this.#store = store;
    this.seq = stored.seq;
    this.chain = stored.chain;
    this.#changes = noChanges(stored.seq);
    this.#accountTrie = new Trie<Account>(this.pool, {
      keyOf: ({ id }) => id,
      leafItemsMax: LEAF_ACCOUNTS_MAX,
      encodeLeaf: encodeAccounts,
    });
    this.#sessionTrie = new Trie<Session>(this.pool, {
      keyOf: ({ client }) => String(client),
      leafItemsMax: LEAF_SESSIONS_MAX,
      encodeLeaf: encodeSessions,
    });
    for (const account of stored.accounts) this.#loadAccount(account);
    for (const session of stored.sessions) this.#loadSession(session);
    this.pages = new EntryPages(this.pool, stored.pageDigests);
    this.#blockStart = stored.entryCount;
    const openPage = stored.pageDigests.length * PAGE_ENTRIES;
    for (const entry of store.entries(openPage, stored.entryCount)) this.#appendToPages(entry);
  }

  account(id: string): Account | undefined {
    return this.accounts.get(id);
  }

  addAccount(id: string, name: string, address: string): Account {
    assert(!this.accounts.has(id), `account ${id} added twice`);
    const account: Account = { id, name, address, balance: 0, entryCount: 0, lastEntry: -1 };
    this.#loadAccount(account);
    this.#changes.accounts.add(account);
    return account;
  }

  entry(index: number): Entry {
    const { entries } = this.#changes;
    const pendingFrom = this.pages.entryCount - entries.length;
    const entry =
      index >= pendingFrom
        ? entries[index - pendingFrom]
        : this.#store.entries(index, index + 1)[0];
    assert(entry !== undefined, `entry ${index} is not there`);
    return entry;
  }

  /** Entries with from <= index < to. */
  entries(from: number, to: number): readonly Entry[] {
    const { entries } = this.#changes;
    const pendingFrom = this.pages.entryCount - entries.length;
    const stored = this.#store.entries(from, Math.max(from, Math.min(to, pendingFrom)));
    const pending = entries.slice(Math.max(0, from - pendingFrom), Math.max(0, to - pendingFrom));
    return [...stored, ...pending];
  }

  post(origin: Origin, kind: EntryKind, debit: Account, credit: Account, amount: number): void {
    const entry: Entry = {
      index: this.pages.entryCount,
      seq: this.seq,
      client: origin.client,
      timestamp: origin.timestamp,
      kind,
      debit: debit.id,
      credit: credit.id,
      amount,
      debitPrevious: debit.lastEntry,
      creditPrevious: credit.lastEntry,
    };
    this.record(entry);
    this.#move(debit, -amount, entry);
    this.#move(credit, amount, entry);
  }

  /** Appends an entry whose effect the balances already have. */
  record(entry: Entry): void {
    this.#changes.entries.push(entry);
    this.#block.raw(this.#appendToPages(entry));
  }

  setSession(client: ClientId, reply: CachedReply): void {
    let session = this.sessions.get(client);
    if (session === undefined) {
      session = { client, reply };
      this.#loadSession(session);
    } else {
      session.reply = reply;
      this.#sessionsTouched.add(session);
    }
    this.#changes.sessions.add(session);
  }

  /** Opens the block of `seq`; what is posted until `endBlock` belongs to it. */
  beginBlock(seq: Seq): void {
    this.seq = seq;
    this.#blockStart = this.pages.entryCount;
    this.#block.clear();
    this.#block.hex(this.chain);
    this.#block.integer(seq);
    this.#block.integer(this.#blockStart);
  }

  /** Chains the block, if it has entries: so the chain follows from the entries alone. */
  endBlock(): void {
    const entryCount = this.pages.entryCount - this.#blockStart;
    if (entryCount === 0) return;
    this.chain = hash("sha256", this.#block.view(), "hex");
    const { seq, chain } = this;
    this.#changes.blocks.push({ seq, firstEntry: this.#blockStart, entryCount, chain });
  }

  /**
   * Goes on to a newer state of the store, which has all of this one's entries; `accounts` and
   * `sessions` are the rows that differ, as they are there.
   */
  goOnTo(newer: Newer): void {
    assert(this.#changes.entries.length === 0, "what is not written yet would be lost");
    for (const row of newer.accounts) {
      const account = this.accounts.get(row.id);
      if (account === undefined) this.#loadAccount(row);
      else this.#accountsTouched.add(Object.assign(account, row));
    }
    for (const row of newer.sessions) {
      const session = this.sessions.get(row.client);
      if (session === undefined) this.#loadSession(row);
      else this.#sessionsTouched.add(Object.assign(session, row));
    }
    for (const entry of this.#store.entries(this.pages.entryCount, newer.entryCount)) {
      this.#appendToPages(entry);
    }
    this.seq = newer.seq;
    this.chain = newer.chain;
    this.#blockStart = newer.entryCount;
    this.#changes = noChanges(newer.seq); // full pages are in the store already
  }

  /** What changed since the last call, for the store; undefined where nothing did. */
  takeChanges(): Changes | undefined {
    if (this.#changes.seq === this.seq) return undefined;
    const changes = this.#changes;
    this.#changes = noChanges(this.seq);
    return { ...changes, seq: this.seq };
  }

  /** Digest of the whole state; encodes only what changed since it was last asked. */
  digest(): Digest {
    if (this.#root?.seq === this.seq) return this.#root.node.digest;
    for (const account of this.#accountsTouched) this.#accountTrie.touch(account);
    for (const session of this.#sessionsTouched) this.#sessionTrie.touch(session);
    this.#accountsTouched.clear();
    this.#sessionsTouched.clear();
    const bytes = encodeRoot({
      seq: this.seq,
      accountCount: this.#accountTrie.itemCount,
      sessionCount: this.#sessionTrie.itemCount,
      entryCount: this.pages.entryCount,
      chain: this.chain,
      accounts: this.#accountTrie.digest(),
      sessions: this.#sessionTrie.digest(),
      entries: this.pages.digest(),
    });
    const node = this.pool.add(bytes);
    this.pool.retire(this.#root?.node);
    this.#root = { seq: this.seq, node };
    return node.digest;
  }

  #loadAccount(account: Account): void {
    this.accounts.set(account.id, account);
    this.#accountsTouched.add(account);
  }

  #loadSession(session: Session): void {
    this.sessions.set(session.client, session);
    this.#sessionsTouched.add(session);
  }

  /** The entry's bytes, valid until the next entry. */
  #appendToPages(entry: PostedEntry): Uint8Array {
    this.#entryBytes.clear();
    writeEntry(this.#entryBytes, entry);
    const encoded = this.#entryBytes.view();
    const page = this.pages.append(encoded);
    if (page !== undefined) this.#changes.pages.push(page);
    return encoded;
  }

  #move(account: Account, change: number, entry: Entry): void {
    account.balance += change;
    if (entry.kind !== "open" && account.id !== CASH) {
      account.entryCount += 1;
      account.lastEntry = entry.index;
    }
    this.#accountsTouched.add(account);
    this.#changes.accounts.add(account);
  }
}

/** What a later state differs in. */
export type Newer = {
  seq: Seq;
  chain: Digest;
  entryCount: number;
  accounts: readonly Account[];
  sessions: readonly Session[];
};

type PendingChanges = {
  /** Seq of the state before them. */
  seq: Seq;
  accounts: Set<Account>;
  sessions: Set<Session>;
  entries: Entry[];
  blocks: Block[];
  pages: { index: number; digest: Digest }[];
};

function noChanges(seq: Seq): PendingChanges {
  return {
    seq,
    accounts: new Set(),
    sessions: new Set(),
    entries: [],
    blocks: [],
    pages: [],
  };
}

/** A ledger before its first seq. */
export const EMPTY: Present = {
  seq: 0,
  chain: CHAIN_START,
  accounts: [],
  sessions: [],
  entryCount: 0,
  pageDigests: [],
};
