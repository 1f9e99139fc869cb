// Child process of kill.test.ts: goes on with the busy bank's batches from where the ledger stands, and
// writes each seq to stdout once it is committed, until it is killed.

import { writeSync } from "node:fs";
import { LedgerMachine } from "../machine.js";
import { openSqliteStore } from "../sqlite-store.js";
import { busyBatch } from "./fixture.js";

const [path = ""] = process.argv.slice(2);
const machine = new LedgerMachine(openSqliteStore(path));
for (;;) {
  machine.apply(machine.seq + 1, busyBatch(machine.seq));
  if (machine.seq % 3 === 0) continue; // shares the transaction of the next seq
  machine.commit();
  if (machine.seq % 16 === 0) machine.sync();
  writeSync(1, `${machine.seq}\n`);
}
