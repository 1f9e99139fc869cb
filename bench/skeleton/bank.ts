// The skeleton's ledger: balances, and a row for each operation, in SQLite. A batch is one transaction
// under synchronous=FULL, durable when `apply` returns.

import Database from "better-sqlite3";
import { CASH, type Request } from "./wire.js";

const BALANCE_FIRST = 1_000_000;

const SCHEMA = `
  CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL) STRICT;
  CREATE TABLE entry (
    "index" INTEGER PRIMARY KEY, seq INTEGER NOT NULL,
    session INTEGER NOT NULL, timestamp INTEGER NOT NULL,
    debit INTEGER NOT NULL, credit INTEGER NOT NULL, amount INTEGER NOT NULL
  ) STRICT;
`;

export type Bank = {
  /** Whether each request was applied; a debit that is not covered is not. */
  apply(seq: number, requests: readonly Request[]): readonly boolean[];
};

/** A new bank with so many accounts. */
export function createBank(path: string, accounts: number): Bank {
  const db = new Database(path);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec(SCHEMA);
  const open = db.prepare("INSERT INTO account VALUES (?, ?)");
  db.transaction(() => {
    for (let id = 0; id < accounts; id++) open.run(id, BALANCE_FIRST);
  })();
  const debit = db.prepare(
    "UPDATE account SET balance = balance - ? WHERE id = ? AND balance >= ?",
  );
  const credit = db.prepare("UPDATE account SET balance = balance + ? WHERE id = ?");
  const entry = db.prepare("INSERT INTO entry VALUES (NULL, ?, ?, ?, ?, ?, ?)");
  const applied = (seq: number, request: Request): boolean => {
    const { session, timestamp, amount } = request;
    if (request.debit !== CASH && debit.run(amount, request.debit, amount).changes === 0)
      return false;
    credit.run(amount, request.credit);
    entry.run(seq, session, timestamp, request.debit, request.credit, amount);
    return true;
  };
  const apply = db.transaction((seq: number, requests: readonly Request[]) =>
    requests.map((request) => applied(seq, request)),
  );
  return { apply: (seq, requests) => apply(seq, requests) };
}
