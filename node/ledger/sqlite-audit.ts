// The audit of a ledger's file, before a replica uses it.

import Database from "better-sqlite3";
import { auditRows } from "./audit.js";
import { checkLedgerFile, entryRange, loadLedger } from "./sqlite-store.js";
import type { Block } from "./store.js";

/**
 * Says what does not fit in the ledger of this file, in one line; undefined where all does, or where
 * nothing was written yet. Reads every entry once. Throws SQLite's error where SQLite cannot read it.
 */
export function auditLedger(path: string): string | undefined {
  const db = new Database(path, { fileMustExist: true });
  try {
    if (db.prepare("SELECT 1 FROM sqlite_schema").get() === undefined) return undefined;
    checkLedgerFile(db, path);
    const blocks = db.prepare<[], Block>(
      `SELECT seq, first_entry AS firstEntry, entry_count AS entryCount, chain
       FROM block ORDER BY seq`,
    );
    const stored = loadLedger(db);
    return auditRows(stored, blocks.all(), entryRange(db).iterate(0, Number.MAX_SAFE_INTEGER));
  } finally {
    db.close();
  }
}
