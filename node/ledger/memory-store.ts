// A store in memory: for tests and simulation. Like a file it outlives the machine that uses it:
// open another machine on the same store, and it finds what was committed.

import { strict as assert } from "node:assert";
import type { ClientId, Digest, Seq } from "../core/messages.js";
import { CHAIN_START } from "./state.js";
import type {
  Account,
  Block,
  Changes,
  Entry,
  Kept,
  KeptState,
  Session,
  Store,
  Stored,
} from "./store.js";

/** As KeptState, and grows with every write. */
type KeptRows = Omit<KeptState, "accounts" | "sessions"> & {
  accounts: Map<string, Account | undefined>;
  sessions: Map<ClientId, Session | undefined>;
};

type Tables = {
  seq: Seq;
  accounts: Map<string, Account>;
  sessions: Map<ClientId, Session>;
  entries: Entry[];
  blocks: Block[];
  pages: Digest[];
  /** Ascending by seq. */
  kept: KeptRows[];
};

export class MemoryStore implements Store {
  #tables: Tables = {
    seq: 0,
    accounts: new Map(),
    sessions: new Map(),
    entries: [],
    blocks: [],
    pages: [],
    kept: [],
  };
  readonly #staging = new Map<Digest, Uint8Array>();
  /** How to take back every write since the last `sync`, newest last. */
  #undo: (() => void)[] = [];
  #committedUndos = 0;

  load(): Stored {
    const { seq, accounts, sessions, entries, blocks, pages, kept } = this.#tables;
    return {
      seq,
      chain: blocks.at(-1)?.chain ?? CHAIN_START,
      accounts: Array.from(accounts.values(), (account) => ({ ...account })),
      sessions: Array.from(sessions.values(), (session) => ({ ...session })),
      entryCount: entries.length,
      pageDigests: [...pages],
      kept: kept.map(copyOfKept),
    };
  }

  entries(from: number, to: number): readonly Entry[] {
    assert(to <= this.#tables.entries.length, `entries to ${to} of ${this.#tables.entries.length}`);
    return this.#tables.entries.slice(from, to);
  }

  newestBlocks(entryCount: number): readonly Block[] {
    const within = (block: Block) => block.firstEntry + block.entryCount <= entryCount;
    return this.#tables.blocks.filter(within).slice(-2).reverse();
  }

  write(changes: Changes): void {
    const tables = this.#tables;
    const { seq } = tables;
    const counts = [tables.entries.length, tables.blocks.length, tables.pages.length] as const;
    this.#undo.push(() => {
      tables.seq = seq;
      [tables.entries.length, tables.blocks.length, tables.pages.length] = counts;
    });
    tables.seq = changes.seq;
    const newest = tables.kept.at(-1);
    for (const account of changes.accounts) {
      this.#keep(newest?.accounts, account.id, tables.accounts);
      this.#set(tables.accounts, account.id, { ...account });
    }
    for (const session of changes.sessions) {
      this.#keep(newest?.sessions, session.client, tables.sessions);
      this.#set(tables.sessions, session.client, { ...session });
    }
    tables.entries.push(...changes.entries);
    tables.blocks.push(...changes.blocks);
    tables.pages.push(...changes.pages.map(({ digest }) => digest));
  }

  keepState(state: Pick<KeptState, "seq" | "chain" | "entryCount">): void {
    this.#setKept([...this.#tables.kept, { ...state, accounts: new Map(), sessions: new Map() }]);
  }

  release(seq: Seq): void {
    this.#setKept(this.#tables.kept.filter((kept) => kept.seq >= seq));
  }

  install(changes: Changes, keep: Kept): void {
    const before = this.#tables;
    this.#undo.push(() => {
      this.#tables = before;
    });
    this.#tables = {
      seq: 0,
      accounts: new Map(),
      sessions: new Map(),
      entries: before.entries.slice(0, keep.entryCount),
      blocks: before.blocks.filter(({ seq }) => seq <= keep.blockSeqMax),
      pages: before.pages.slice(0, keep.pageCount),
      kept: [],
    };
    this.write(changes);
  }

  stage(digest: Digest, bytes: Uint8Array): void {
    this.#set(this.#staging, digest, new Uint8Array(bytes));
  }

  staged(digest: Digest): Uint8Array | undefined {
    return this.#staging.get(digest);
  }

  clearStaging(): void {
    const before = [...this.#staging];
    this.#undo.push(() => {
      for (const [digest, bytes] of before) this.#staging.set(digest, bytes);
    });
    this.#staging.clear();
  }

  commit(): void {
    this.#committedUndos = this.#undo.length;
  }

  sync(): void {
    assert(this.#committedUndos === this.#undo.length, "sync inside a transaction");
    this.#undo = [];
    this.#committedUndos = 0;
  }

  close(): void {
    this.lose("uncommitted");
  }

  /** A backup: another store with the same rows, all of them durable, and nothing staged. */
  copy(): MemoryStore {
    const copy = new MemoryStore();
    const { seq, accounts, sessions, entries, blocks, pages, kept } = this.#tables;
    copy.#tables = {
      seq,
      accounts: new Map([...accounts].map(([id, account]) => [id, { ...account }])),
      sessions: new Map([...sessions].map(([id, session]) => [id, { ...session }])),
      entries: [...entries],
      blocks: [...blocks],
      pages: [...pages],
      kept: kept.map(copyOfKept),
    };
    return copy;
  }

  /** What a crash of the process (uncommitted) or a power cut (unsynced) takes away. */
  lose(what: "uncommitted" | "unsynced"): void {
    const keep = what === "uncommitted" ? this.#committedUndos : 0;
    for (const undo of this.#undo.splice(keep).reverse()) undo();
    this.#committedUndos = keep;
  }

  #setKept(kept: KeptRows[]): void {
    const before = this.#tables.kept;
    this.#undo.push(() => {
      this.#tables.kept = before;
    });
    this.#tables.kept = kept;
  }

  /** Keeps a row as it is for the newest kept state, unless it changed since already. */
  #keep<Key, Row>(kept: Map<Key, Row | undefined> | undefined, key: Key, rows: Map<Key, Row>) {
    if (kept !== undefined && !kept.has(key)) this.#set(kept, key, rows.get(key));
  }

  #set<Key, Row>(table: Map<Key, Row>, key: Key, row: Row): void {
    const had = table.has(key);
    const before = table.get(key);
    this.#undo.push(() => {
      if (!had || before === undefined) table.delete(key);
      else table.set(key, before);
    });
    table.set(key, row);
  }
}

/** Rows are replaced when they change, never written to; what is handed out may be. */
function copyOfKept({ accounts, sessions, ...state }: KeptRows): KeptRows {
  return { ...state, accounts: copyOfRows(accounts), sessions: copyOfRows(sessions) };
}

function copyOfRows<Key, Row extends object>(rows: ReadonlyMap<Key, Row | undefined>) {
  return new Map([...rows].map(([key, row]) => [key, row && { ...row }]));
}
