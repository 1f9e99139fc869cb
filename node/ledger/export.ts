// Reads a replica's ledger from its database file, for those who judge it after a run. The file may
// be closed, left behind by a crash, or in use: it is opened read-only and read in one transaction.
// Chain and digest are computed from the rows, so a row that was tampered with shows.

import { hash } from "node:crypto";
import Database from "better-sqlite3";
import type { ClientId, Digest, Seq } from "../core/messages.js";
import type { AccountRow } from "./machine.js";
import { checkLedgerFile, entryRange, loadLedger } from "./sqlite-store.js";
import { CHAIN_START, LedgerState } from "./state.js";
import { CASH, type Entry } from "./store.js";

type ExportedEntry = Omit<Entry, "debitPrevious" | "creditPrevious">;

export type ExportedLedger = {
  seq: Seq;
  digest: Digest;
  chain: Digest;
  /** Without "@cash", whose balance is minus the sum of these; ascending by id. */
  accounts: readonly AccountRow[];
  entries: readonly ExportedEntry[];
  /** Ascending by client. */
  sessions: readonly {
    client: ClientId;
    timestamp: number;
    seq: Seq;
    /** SHA-256 of the cached result. */
    resultDigest: Digest;
  }[];
};

/** Throws where there is no such file, or it is no ledger. */
export function exportLedger(path: string): ExportedLedger {
  const db = new Database(path, { readonly: true, fileMustExist: true });
  try {
    checkLedgerFile(db, path);
    return db.transaction(() => readLedger(db))();
  } finally {
    db.close();
  }
}

function readLedger(db: Database.Database): ExportedLedger {
  const { seq, accounts, sessions } = loadLedger(db);
  const noEntries = { entryCount: 0, pageDigests: [], chain: CHAIN_START, seq: 0 };
  const state = new LedgerState({ entries: () => [] }, { accounts, sessions, ...noEntries });
  const entries: ExportedEntry[] = [];
  for (const entry of entryRange(db).iterate(0, Number.MAX_SAFE_INTEGER)) {
    if (entry.seq !== state.seq) {
      state.endBlock();
      state.beginBlock(entry.seq);
    }
    state.record(entry);
    const { index, seq, client, timestamp, kind, debit, credit, amount } = entry;
    entries.push({ index, seq, client, timestamp, kind, debit, credit, amount });
  }
  state.endBlock();
  state.seq = seq;
  return {
    seq,
    digest: state.digest(),
    chain: state.chain,
    accounts: accounts
      .filter(({ id }) => id !== CASH)
      .map(({ id, name, address, balance }) => ({ id, name, address, balance }))
      .sort((left, right) => (left.id < right.id ? -1 : 1)),
    entries,
    sessions: sessions
      .map(({ client, reply: { timestamp, seq, result } }) => {
        return { client, timestamp, seq, resultDigest: hash("sha256", result, "hex") };
      })
      .sort((left, right) => left.client - right.client),
  };
}
