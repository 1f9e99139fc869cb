import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LedgerMachine } from "./machine.js";
import { auditLedger } from "./sqlite-audit.js";
import { openSqliteStore } from "./sqlite-store.js";
import { applyAll, busyBatches, memoryDisk, restoreFrom } from "./testing/fixture.js";

const audits = suite<{ directory: string; path: string }>("audit of a ledger's file");

audits.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), "ordeal-audit-"));
  context.path = join(context.directory, "ledger.sqlite");
});

audits.after.each(({ directory }) => {
  rmSync(directory, { recursive: true });
});

function busyLedger(path: string): void {
  const machine = new LedgerMachine(openSqliteStore(path));
  applyAll(machine, busyBatches(10));
  machine.close();
}

function change(path: string, statement: string): void {
  const db = new Database(path);
  assert.ok(db.prepare(statement).run().changes > 0, statement);
  db.close();
}

audits("a ledger that executed, was reopened or was restored is sound", ({ path }) => {
  openSqliteStore(path).close();
  assert.is(auditLedger(path), undefined);
  busyLedger(path);
  assert.is(auditLedger(path), undefined);

  const source = memoryDisk().open();
  applyAll(source, busyBatches(30));
  const target = new LedgerMachine(openSqliteStore(path));
  restoreFrom(target, source, source.snapshot());
  target.commit();
  applyAll(target, [busyBatches(31)[31] ?? []]);
  target.close();
  assert.is(auditLedger(path), undefined);
});

const DAMAGE = [
  [`UPDATE entry SET amount = amount + 1 WHERE "index" = 100`, /block of seq 2|page 0/],
  [`UPDATE entry SET client = client + 1 WHERE "index" = 500`, /block of seq \d+|page 3/],
  [`UPDATE entry SET debit_previous = 3 WHERE "index" = 300`, /entry 300 does not follow/],
  [`DELETE FROM entry WHERE "index" = 300`, /entry 300 is missing/],
  [`DELETE FROM entry WHERE "index" >= 500`, /block of seq|a block has no entries/],
  ["UPDATE account SET balance = balance + 1 WHERE id = 'account-3'", /account "account-3"/],
  ["UPDATE account SET last_entry = 7 WHERE id = 'account-3'", /account "account-3"/],
  ["DELETE FROM account WHERE id = 'account-3'", /64 accounts, where the entries know 65/],
  ["UPDATE block SET chain = replace(chain, substr(chain, 1, 1), 'x')", /block of seq 1/],
  ["DELETE FROM block WHERE seq = 5", /block of seq 5/],
  [`UPDATE page SET digest = 'x' WHERE "index" = 1`, /page 1/],
  ["UPDATE meta SET value = 3 WHERE key = 'seq'", /entries reach seq 11, the ledger seq 3/],
] as const;

for (const [statement, found] of DAMAGE) {
  audits(`found: ${statement}`, ({ path }) => {
    busyLedger(path);
    change(path, statement);
    assert.match(auditLedger(path) ?? "sound", found);
  });
}

audits("what follows from no entry is left to the next checkpoint's digest", ({ path }) => {
  busyLedger(path);
  change(path, "UPDATE account SET name = 'Eve' WHERE id = 'account-3'");
  change(path, "UPDATE session SET result = x'00' WHERE client = 3");
  assert.is(auditLedger(path), undefined);
});

audits.run();
