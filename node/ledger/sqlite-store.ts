// The store of a real replica: one SQLite file, `ledger.sqlite`.
//
// WAL with synchronous=NORMAL: a commit is one append without an fsync, so a crash of the process
// loses nothing and a power cut loses the newest transactions, whole ones, in order. That is enough:
// the protocol log, which is synced before every commit, has their batches, and `sync` comes before
// anything is cut from it.

import { strict as assert } from "node:assert";
import Database from "better-sqlite3";
import type { Digest, Seq } from "../core/messages.js";
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

/** "ordl": says whose file this is. */
const APPLICATION_ID = 0x6f72646c;
const SCHEMA_VERSION = 2;

/**
 * Numbers are safe integers; NULL in *_previous never occurs, -1 means none. Rows of *_before are what
 * rows were in a kept state that have changed since; NULL says that there was none.
 */
const SCHEMA = `
  CREATE TABLE account (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, address TEXT NOT NULL, balance INTEGER NOT NULL,
    entry_count INTEGER NOT NULL, last_entry INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE entry (
    "index" INTEGER PRIMARY KEY, seq INTEGER NOT NULL,
    client INTEGER NOT NULL, timestamp INTEGER NOT NULL,
    kind TEXT NOT NULL, debit TEXT NOT NULL, credit TEXT NOT NULL, amount INTEGER NOT NULL,
    debit_previous INTEGER NOT NULL, credit_previous INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE session (
    client INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, seq INTEGER NOT NULL,
    result BLOB NOT NULL
  ) STRICT;
  CREATE TABLE block (
    seq INTEGER PRIMARY KEY, first_entry INTEGER NOT NULL, entry_count INTEGER NOT NULL,
    chain TEXT NOT NULL
  ) STRICT;
  CREATE TABLE page ("index" INTEGER PRIMARY KEY, digest TEXT NOT NULL) STRICT;
  CREATE TABLE kept_state (
    seq INTEGER PRIMARY KEY, entry_count INTEGER NOT NULL, chain TEXT NOT NULL
  ) STRICT;
  CREATE TABLE account_before (
    kept_seq INTEGER NOT NULL, id TEXT NOT NULL, name TEXT, address TEXT, balance INTEGER,
    entry_count INTEGER, last_entry INTEGER, PRIMARY KEY (kept_seq, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE session_before (
    kept_seq INTEGER NOT NULL, client INTEGER NOT NULL, timestamp INTEGER, seq INTEGER,
    result BLOB, PRIMARY KEY (kept_seq, client)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE staging (digest TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('seq', 0), ('syncs', 0);
`;

type SessionRow = { client: number; timestamp: number; seq: Seq; result: Uint8Array };

/**
 * Opens the ledger at `path`, or makes an empty one. Throws where the file is no ledger, or one of
 * another version. One process at a time may write; others may read (export.ts).
 */
export function openSqliteStore(path: string): SqliteStore {
  const db = new Database(path);
  try {
    prepareSchema(db, path);
    return new SqliteStore(db);
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepareSchema(db: Database.Database, path: string): void {
  const objects = db.prepare<[], { n: number }>("SELECT count(*) AS n FROM sqlite_schema").get();
  if (objects?.n === 0) {
    db.transaction(() => {
      db.exec(SCHEMA);
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${SCHEMA_VERSION}`);
    })();
  }
  checkLedgerFile(db, path);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = NORMAL");
}

/** Throws where the database is not a ledger of this version. */
export function checkLedgerFile(db: Database.Database, path: string): void {
  const application = db.pragma("application_id", { simple: true });
  const version = db.pragma("user_version", { simple: true });
  if (application !== APPLICATION_ID) {
    throw new Error(`${path} is not a ledger: its application id is ${application}`);
  }
  if (version !== SCHEMA_VERSION) {
    throw new Error(`${path} is a ledger of version ${version}; this one reads ${SCHEMA_VERSION}`);
  }
}

/** Reads what a restart needs. `pageDigests` are as stored, `chain` is the newest block's. */
export function loadLedger(db: Database.Database): Stored {
  const seq = db.prepare<[], { value: Seq }>("SELECT value FROM meta WHERE key = 'seq'").get();
  const block = db
    .prepare<[], { chain: Digest }>("SELECT chain FROM block ORDER BY seq DESC LIMIT 1")
    .get();
  const entries = db
    .prepare<[], { n: number }>(`SELECT coalesce(max("index") + 1, 0) AS n FROM entry`)
    .get();
  const accounts = db
    .prepare<[], Account>(
      `SELECT id, name, address, balance, entry_count AS entryCount, last_entry AS lastEntry
       FROM account`,
    )
    .all();
  const sessions = db.prepare<[], SessionRow>("SELECT * FROM session").all();
  const pages = db
    .prepare<[], { digest: Digest }>(`SELECT digest FROM page ORDER BY "index"`)
    .all();
  return {
    seq: seq?.value ?? 0,
    chain: block?.chain ?? CHAIN_START,
    accounts,
    sessions: sessions.map(sessionOf),
    entryCount: entries?.n ?? 0,
    pageDigests: pages.map(({ digest }) => digest),
    kept: loadKept(db),
  };
}

function loadKept(db: Database.Database): KeptState[] {
  const accounts = db.prepare<[Seq], { [Name in keyof Account]: Account[Name] | null }>(
    `SELECT id, name, address, balance, entry_count AS entryCount, last_entry AS lastEntry
     FROM account_before WHERE kept_seq = ?`,
  );
  const sessions = db.prepare<[Seq], { [Name in keyof SessionRow]: SessionRow[Name] | null }>(
    "SELECT client, timestamp, seq, result FROM session_before WHERE kept_seq = ?",
  );
  return db
    .prepare<[], Pick<KeptState, "seq" | "chain" | "entryCount">>(
      "SELECT seq, chain, entry_count AS entryCount FROM kept_state ORDER BY seq",
    )
    .all()
    .map((state) => ({
      ...state,
      accounts: new Map(accounts.all(state.seq).map((row) => [row.id ?? "", whole(row)])),
      sessions: new Map(
        sessions.all(state.seq).map((row) => {
          const session = whole(row);
          return [row.client ?? 0, session && sessionOf(session)];
        }),
      ),
    }));
}

/** A row without a NULL; undefined where it says that there was none. */
function whole<Row extends object>(
  row: { [Name in keyof Row]: Row[Name] | null },
): Row | undefined {
  return isWhole<Row>(row) ? row : undefined;
}

function isWhole<Row extends object>(row: { [Name in keyof Row]: Row[Name] | null }): row is Row {
  return !Object.values(row).includes(null);
}

/** Statement over entries with first <= index < end, ascending. */
export function entryRange(db: Database.Database): Database.Statement<[number, number], Entry> {
  return db.prepare<[number, number], Entry>(
    `SELECT "index", seq, client, timestamp, kind, debit, credit, amount,
            debit_previous AS debitPrevious, credit_previous AS creditPrevious
     FROM entry WHERE "index" >= ? AND "index" < ? ORDER BY "index"`,
  );
}

export class SqliteStore implements Store {
  readonly #db: Database.Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  /** Of the newest kept state; undefined: none is kept. */
  #keptSeq: Seq | undefined;
  /** Accounts and clients whose rows in the newest kept state this process has put aside already. */
  readonly #putAside = new Set<string | number>();

  constructor(db: Database.Database) {
    this.#db = db;
    this.#statements = prepareStatements(db);
  }

  load(): Stored {
    const stored = loadLedger(this.#db);
    this.#keptSeq = stored.kept.at(-1)?.seq;
    this.#putAside.clear();
    return stored;
  }

  entries(from: number, to: number): readonly Entry[] {
    return from < to ? this.#statements.entries.all(from, to) : [];
  }

  newestBlocks(entryCount: number): readonly Block[] {
    return this.#db
      .prepare<[number], Block>(
        `SELECT seq, first_entry AS firstEntry, entry_count AS entryCount, chain FROM block
         WHERE first_entry + entry_count <= ? ORDER BY seq DESC LIMIT 2`,
      )
      .all(entryCount);
  }

  write(changes: Changes): void {
    this.#begin();
    const { account, entry, session, block, page, meta } = this.#statements;
    for (const { index, digest } of changes.pages) page.run(index, digest);
    for (const row of changes.blocks) {
      block.run(row.seq, row.firstEntry, row.entryCount, row.chain);
    }
    for (const row of changes.entries) {
      const { index, seq, client, timestamp, kind, debit, credit, amount } = row;
      const { debitPrevious: debits, creditPrevious: credits } = row;
      entry.run(index, seq, client, timestamp, kind, debit, credit, amount, debits, credits);
    }
    for (const row of changes.accounts) {
      this.#putAsideRow("account", row.id);
      const { id, name, address, balance, entryCount, lastEntry } = row;
      account.run(id, name, address, balance, entryCount, lastEntry);
    }
    for (const { client, reply } of changes.sessions) {
      this.#putAsideRow("session", client);
      session.run(client, reply.timestamp, reply.seq, reply.result);
    }
    meta.run(changes.seq, "seq");
  }

  keepState({ seq, entryCount, chain }: Pick<KeptState, "seq" | "chain" | "entryCount">): void {
    this.#begin();
    this.#statements.keepState.run(seq, entryCount, chain);
    this.#keptSeq = seq;
    this.#putAside.clear();
  }

  release(seq: Seq): void {
    if (this.#keptSeq === undefined) return;
    this.#begin();
    for (const statement of this.#statements.release) statement.run(seq);
    if (this.#keptSeq < seq) this.#keptSeq = undefined;
  }

  install(changes: Changes, keep: Kept): void {
    this.#begin();
    this.release(Number.MAX_SAFE_INTEGER);
    this.#db.prepare("DELETE FROM account").run();
    this.#db.prepare("DELETE FROM session").run();
    this.#db.prepare(`DELETE FROM entry WHERE "index" >= ?`).run(keep.entryCount);
    this.#db.prepare(`DELETE FROM page WHERE "index" >= ?`).run(keep.pageCount);
    this.#db.prepare("DELETE FROM block WHERE seq > ?").run(keep.blockSeqMax);
    this.write(changes);
  }

  stage(digest: Digest, bytes: Uint8Array): void {
    this.#begin();
    this.#statements.stage.run(digest, bytes);
  }

  staged(digest: Digest): Uint8Array | undefined {
    return this.#statements.staged.get(digest)?.bytes;
  }

  clearStaging(): void {
    this.#begin();
    this.#db.prepare("DELETE FROM staging").run();
  }

  commit(): void {
    if (this.#db.inTransaction) this.#statements.commit.run();
  }

  sync(): void {
    // In WAL mode a commit under synchronous=FULL syncs the whole WAL: this transaction, and with it
    // all before it. A checkpoint would do as much, but a reader can keep it from finishing.
    assert(!this.#db.inTransaction, "sync inside a transaction");
    this.#db.pragma("synchronous = FULL");
    this.#statements.synced.run();
    this.#db.pragma("synchronous = NORMAL");
  }

  close(): void {
    if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
    this.#db.close();
  }

  /** For the newest kept state, before a row changes for the first time since. */
  #putAsideRow(table: "account" | "session", key: string | number): void {
    if (this.#keptSeq === undefined || this.#putAside.has(key)) return;
    this.#putAside.add(key);
    // The first of them wins: a row that an earlier process has put aside stays as it was.
    const { before, none } = this.#statements[`${table}Before`];
    if (before.run(this.#keptSeq, key).changes === 0) none.run(this.#keptSeq, key);
  }

  #begin(): void {
    if (!this.#db.inTransaction) this.#statements.begin.run();
  }
}

function prepareStatements(db: Database.Database) {
  return {
    begin: db.prepare("BEGIN IMMEDIATE"),
    commit: db.prepare("COMMIT"),
    entries: entryRange(db),
    entry: db.prepare("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    account: db.prepare(
      `INSERT INTO account VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
       balance = excluded.balance, entry_count = excluded.entry_count,
       last_entry = excluded.last_entry`,
    ),
    session: db.prepare("INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?)"),
    block: db.prepare("INSERT INTO block VALUES (?, ?, ?, ?)"),
    page: db.prepare("INSERT INTO page VALUES (?, ?)"),
    meta: db.prepare("UPDATE meta SET value = ? WHERE key = ?"),
    synced: db.prepare("UPDATE meta SET value = value + 1 WHERE key = 'syncs'"),
    keepState: db.prepare("INSERT INTO kept_state VALUES (?, ?, ?)"),
    accountBefore: {
      before: db.prepare(
        "INSERT OR IGNORE INTO account_before SELECT ?, account.* FROM account WHERE id = ?",
      ),
      none: db.prepare("INSERT OR IGNORE INTO account_before (kept_seq, id) VALUES (?, ?)"),
    },
    sessionBefore: {
      before: db.prepare(
        "INSERT OR IGNORE INTO session_before SELECT ?, session.* FROM session WHERE client = ?",
      ),
      none: db.prepare("INSERT OR IGNORE INTO session_before (kept_seq, client) VALUES (?, ?)"),
    },
    release: [
      db.prepare("DELETE FROM account_before WHERE kept_seq < ?"),
      db.prepare("DELETE FROM session_before WHERE kept_seq < ?"),
      db.prepare("DELETE FROM kept_state WHERE seq < ?"),
    ],
    stage: db.prepare("INSERT OR REPLACE INTO staging VALUES (?, ?)"),
    staged: db.prepare<[Digest], { bytes: Uint8Array }>(
      "SELECT bytes FROM staging WHERE digest = ?",
    ),
  };
}

function sessionOf({ client, timestamp, seq, result }: SessionRow): Session {
  return { client, reply: { timestamp, seq, result: new Uint8Array(result) } };
}
