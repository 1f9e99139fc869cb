// The ledger as the replicated state machine of the core: executes batches exactly once, keeps
// snapshots fetchable, restores another replica's state. Storage is the store's.

import { strict as assert } from "node:assert";
import type { ClientId, Digest, Request, Seq } from "../core/messages.js";
import type { CachedReply, Execution, StateMachine } from "../core/state-machine.js";
import { ByteWriter } from "./bytes.js";
import { fromOldest } from "./kept-states.js";
import { execute } from "./ledger.js";
import { PAGE_ENTRIES, writeEntry, writePageHeader } from "./nodes.js";
import { decodeOperation } from "./operation.js";
import { Restore } from "./restore.js";
import { encodeResult } from "./result.js";
import { LedgerState } from "./state.js";
import { CASH, type Store } from "./store.js";

/** A row of the paper's customer table. */
export type AccountRow = { id: string; name: string; address: string; balance: number };

export class LedgerMachine implements StateMachine {
  readonly #store: Store;
  #state: LedgerState;
  /** Ascending by seq. */
  #snapshots: { seq: Seq; digest: Digest; epoch: number }[] = [];
  #restore: Restore | undefined;
  #ownNodesTrusted = true;

  /** Opens at the seq the store last committed, with the snapshots that were kept then. */
  constructor(store: Store) {
    this.#store = store;
    const stored = store.load();
    const { oldest, steps } = fromOldest(stored);
    this.#state = new LedgerState(store, oldest);
    for (const step of steps) {
      this.#seal();
      this.#state.goOnTo(step);
    }
  }

  get seq(): Seq {
    return this.#state.seq;
  }

  apply(seq: Seq, requests: readonly Request[]): readonly Execution[] {
    assert(seq === this.seq + 1, `seq ${seq} applied after ${this.seq}`);
    this.#state.beginBlock(seq);
    const executions = requests.map((request) => this.#execute(request));
    this.#state.endBlock();
    return executions;
  }

  lastReply(client: ClientId): CachedReply | undefined {
    return this.#state.sessions.get(client)?.reply;
  }

  snapshot(): Digest {
    const digest = this.#state.digest();
    if (this.#snapshots.at(-1)?.seq !== this.seq) {
      this.#seal();
      this.#flush(); // so that what comes later is told apart from it
      const { seq, chain, pages } = this.#state;
      this.#store.keepState({ seq, chain, entryCount: pages.entryCount });
    }
    return digest;
  }

  release(seq: Seq): void {
    this.#snapshots = this.#snapshots.filter((snapshot) => snapshot.seq >= seq);
    this.#state.pool.release(this.#snapshots[0]?.epoch);
    this.#store.release(seq);
  }

  node(digest: Digest): Uint8Array | undefined {
    const page = this.#state.pages.pageOf(digest);
    return page === undefined ? this.#state.pool.get(digest) : this.#page(page);
  }

  beginRestore(seq: Seq, digest: Digest): void {
    if (this.#restore?.digest === digest) return;
    this.#state.digest(); // brings our own nodes up to date, so that none of them is fetched
    const { pool, pages } = this.#state;
    this.#restore = new Restore(seq, digest, this.#store, {
      node: (wanted) => (this.#ownNodesTrusted ? pool.get(wanted) : undefined),
      pageOf: (wanted) => (this.#ownNodesTrusted ? pages.pageOf(wanted) : undefined),
    });
  }

  missingNodes(max: number): readonly Digest[] {
    return this.#restore?.missing(max) ?? [];
  }

  putNode(bytes: Uint8Array): "stored" | "unwanted" {
    return this.#restore?.put(bytes) ?? "unwanted";
  }

  finishRestore(): "installed" | "invalid" {
    const restore = this.#restore;
    assert(restore !== undefined, "no restore was begun");
    assert(restore.missing(1).length === 0, "nodes are still missing");
    this.#restore = undefined;
    this.#flush();
    const restored = restore.build();
    this.#store.clearStaging();
    if (restored === undefined) {
      // Either f+1 replicas vouched for nonsense, or a page that we had is not what it was when we
      // wrote it. The next restore fetches everything, so that it can only be the former.
      this.#ownNodesTrusted = false;
      return "invalid";
    }
    const { state, keep } = restored;
    const changes = state.takeChanges();
    assert(changes !== undefined, "a restore to the empty state");
    const { accounts, sessions } = state;
    const all = { accounts: accounts.values(), sessions: sessions.values() };
    this.#store.install({ ...changes, ...all }, keep);
    this.#ownNodesTrusted = true;
    this.#state = state;
    this.#snapshots = [];
    this.snapshot();
    return "installed";
  }

  commit(): void {
    this.#flush();
    this.#store.commit();
  }

  sync(): void {
    this.#store.sync();
  }

  /** Digest of the state now, without keeping a snapshot; cheap where little changed. */
  currentDigest(): Digest {
    return this.#state.digest();
  }

  /** Postings so far, openings among them. */
  get entryCount(): number {
    return this.#state.pages.entryCount;
  }

  /** Nodes in memory: of the tree as it is and of what snapshots keep of older ones. */
  get nodeCount(): number {
    return this.#state.pool.size;
  }

  /** All accounts but @cash in the order of their ids, or those asked for that exist. */
  accounts(ids?: readonly string[]): readonly AccountRow[] {
    const { accounts } = this.#state;
    const wanted = ids ?? [...accounts.keys()].filter(isCustomer).sort(compare);
    return wanted.flatMap((id) => {
      const account = accounts.get(id);
      if (account === undefined) return [];
      const { name, address, balance } = account;
      return [{ id, name, address, balance }];
    });
  }

  /** Closes the store; what was not committed is gone. */
  close(): void {
    this.#store.close();
  }

  #execute(request: Request): Execution {
    const { client, timestamp } = request;
    const last = this.lastReply(client);
    if (last !== undefined && timestamp <= last.timestamp) {
      return timestamp === last.timestamp ? { kind: "repeated", reply: last } : { kind: "stale" };
    }
    const operation = decodeOperation(request.operation);
    const result = encodeResult(execute(this.#state, operation, { client, timestamp }));
    const reply: CachedReply = { timestamp, seq: this.seq, result };
    this.#state.setSession(client, reply);
    return { kind: "executed", reply };
  }

  #seal(): void {
    const digest = this.#state.digest();
    this.#snapshots.push({ seq: this.seq, digest, epoch: this.#state.pool.seal() });
  }

  #flush(): void {
    const changes = this.#state.takeChanges();
    if (changes !== undefined) this.#store.write(changes);
  }

  /** A full page, encoded again from its entries. */
  #page(index: number): Uint8Array {
    const firstEntry = index * PAGE_ENTRIES;
    const out = new ByteWriter(8_192);
    writePageHeader(out, firstEntry);
    for (const entry of this.#state.entries(firstEntry, firstEntry + PAGE_ENTRIES)) {
      writeEntry(out, entry);
    }
    return out.bytes();
  }
}

function isCustomer(id: string): boolean {
  return id !== CASH;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
