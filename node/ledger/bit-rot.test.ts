// A replica whose own rows changed under it: what it restores must not be built on them.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { exportLedger } from "./export.js";
import { LedgerMachine } from "./machine.js";
import { openSqliteStore } from "./sqlite-store.js";
import { applyAll, busyBatches, fetchAll, memoryDisk, restoreFrom } from "./testing/fixture.js";

const ROT = {
  "an account's balance": "UPDATE account SET balance = balance + 1 WHERE id = 'account-3'",
  "an account's name": "UPDATE account SET name = 'Eve' WHERE id = 'account-3'",
  "a chain head": "UPDATE block SET chain = replace(chain, substr(chain, 1, 1), 'x')",
  "a missing account": "DELETE FROM account WHERE id = 'account-3'",
};

const rot = suite("rows that rotted");

for (const [what, statement] of Object.entries(ROT)) {
  rot(`${what} is noticed at the restore, and gone after the next`, () => {
    const directory = mkdtempSync(join(tmpdir(), "ordeal-rot-"));
    const path = join(directory, "ledger.sqlite");
    const batches = busyBatches(30);
    const source = memoryDisk().open();
    applyAll(source, batches);
    const digest = source.snapshot();
    const healthy = new LedgerMachine(openSqliteStore(path));
    applyAll(healthy, batches.slice(0, 20));
    healthy.close();
    const db = new Database(path);
    assert.ok(db.prepare(statement).run().changes > 0);
    db.close();

    const target = new LedgerMachine(openSqliteStore(path));
    target.beginRestore(source.seq, digest);
    fetchAll(target, source);
    assert.is(target.finishRestore(), "invalid");
    restoreFrom(target, source, digest);
    target.commit();
    target.close();
    assert.is(exportLedger(path).digest, digest);
    rmSync(directory, { recursive: true });
  });
}

rot.run();
