// Child process of kill.test.ts: applies the busy bank's batches from where the ledger stands, and
// writes each seq to stdout once it is committed, until it is killed or done.

import { writeSync } from "node:fs";
import { LedgerMachine } from "../machine.js";
import { openSqliteStore } from "../sqlite-store.js";
import { busyBatches } from "./fixture.js";

const [path = "", batchCount = "0"] = process.argv.slice(2);
const machine = new LedgerMachine(openSqliteStore(path));
for (const batch of busyBatches(Number(batchCount)).slice(machine.seq)) {
  machine.apply(machine.seq + 1, batch);
  if (machine.seq % 3 === 0) continue; // shares the transaction of the next seq
  machine.commit();
  if (machine.seq % 16 === 0) machine.sync();
  writeSync(1, `${machine.seq}\n`);
}
