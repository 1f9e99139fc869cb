// Reads a replica's ledger from its database file, for those who judge it after a run. The file may
// be closed, left behind by a crash, or in use: it is opened read-only and read in one transaction.

import Database from "better-sqlite3";
import { type ExportedLedger, exportRows } from "./export-rows.js";
import { checkLedgerFile, entryRange, loadLedger } from "./sqlite-store.js";

/** Throws where there is no such file, or it is no ledger. */
export function exportLedger(path: string): ExportedLedger {
  const db = new Database(path, { readonly: true, fileMustExist: true });
  try {
    checkLedgerFile(db, path);
    return db.transaction(() =>
      exportRows(loadLedger(db), entryRange(db).iterate(0, Number.MAX_SAFE_INTEGER)),
    )();
  } finally {
    db.close();
  }
}
