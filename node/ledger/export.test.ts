import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { exportLedger } from "./export.js";
import { LedgerMachine } from "./machine.js";
import { openSqliteStore } from "./sqlite-store.js";
import { applyAll, busyBatches } from "./testing/fixture.js";

const exporting = suite<{ directory: string; path: string }>("export and the file itself");

exporting.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), "ordeal-export-"));
  context.path = join(context.directory, "ledger.sqlite");
});

exporting.after.each(({ directory }) => {
  rmSync(directory, { recursive: true });
});

function busyLedger(path: string): LedgerMachine {
  const machine = new LedgerMachine(openSqliteStore(path));
  applyAll(machine, busyBatches(10));
  return machine;
}

exporting(
  "a live ledger and a closed one export the same, with the replica's digest",
  ({ path }) => {
    const machine = busyLedger(path);
    const live = exportLedger(path);
    const digest = machine.currentDigest();
    machine.close();
    assert.is(live.digest, digest);
    assert.is(live.seq, 11);
    assert.is(live.sessions.length, 64);
    assert.is(live.accounts.length, 64);
    assert.equal(exportLedger(path), live);
  },
);

exporting("balances follow from the exported entries, and indexes have no gap", ({ path }) => {
  busyLedger(path).close();
  const { accounts, entries } = exportLedger(path);
  const balances = new Map<string, number>();
  for (const [position, { index, debit, credit, amount }] of entries.entries()) {
    assert.is(index, position);
    balances.set(debit, (balances.get(debit) ?? 0) - amount);
    balances.set(credit, (balances.get(credit) ?? 0) + amount);
  }
  for (const { id, balance } of accounts) assert.is(balances.get(id), balance, id);
});

exporting("what is not committed is not exported", ({ path }) => {
  const machine = busyLedger(path);
  const before = exportLedger(path);
  machine.apply(machine.seq + 1, busyBatches(11)[11] ?? []);
  assert.equal(exportLedger(path), before);
  machine.close();
});

const TAMPERINGS = [
  ["an entry's amount", `UPDATE entry SET amount = amount + 1 WHERE "index" = 100`, "chain"],
  ["an entry's client", `UPDATE entry SET client = client + 1 WHERE "index" = 100`, "chain"],
  ["a balance", "UPDATE account SET balance = balance + 1 WHERE id = 'account-3'", "digest"],
  ["a name", "UPDATE account SET name = 'Eve' WHERE id = 'account-3'", "digest"],
  ["a cached reply", "UPDATE session SET result = x'00' WHERE client = 3", "digest"],
  ["a session's timestamp", "UPDATE session SET timestamp = 1 WHERE client = 3", "digest"],
  ["a seq", "UPDATE meta SET value = 12 WHERE key = 'seq'", "digest"],
] as const;

for (const [what, statement, shows] of TAMPERINGS) {
  exporting(`a file in which ${what} was changed shows another ${shows}`, ({ path }) => {
    busyLedger(path).close();
    const before = exportLedger(path);
    const db = new Database(path);
    assert.is(db.prepare(statement).run().changes, 1);
    db.close();
    const after = exportLedger(path);
    assert.is.not(after.digest, before.digest);
    assert.is(after.chain === before.chain, shows === "digest");
  });
}

exporting("a file of somebody else is refused and left alone", ({ path }) => {
  const db = new Database(path);
  db.exec("CREATE TABLE diary (page TEXT)");
  db.close();
  assert.throws(() => openSqliteStore(path), /is not a ledger/);
  assert.throws(() => exportLedger(path), /is not a ledger/);
  const again = new Database(path);
  assert.is(again.pragma("journal_mode", { simple: true }), "delete");
  assert.is(again.pragma("user_version", { simple: true }), 0);
  again.close();
});

exporting("a file that is no database is refused", ({ path }) => {
  writeFileSync(path, "Dear diary, ".repeat(100));
  assert.throws(() => openSqliteStore(path), /not a database/);
  assert.throws(() => exportLedger(path), /not a database/);
});

exporting("a ledger of a newer version is refused by name", ({ path }) => {
  busyLedger(path).close();
  const db = new Database(path);
  db.pragma("user_version = 3");
  db.close();
  assert.throws(() => openSqliteStore(path), /version 3; this one reads 2/);
  assert.throws(() => exportLedger(path), /version 3; this one reads 2/);
});

exporting("a ledger that is not there is not made by reading it", ({ path }) => {
  assert.throws(() => exportLedger(path), /unable to open|does not exist|directory/);
});

exporting.run();
