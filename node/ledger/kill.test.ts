// A real process, really killed: whatever SIGKILL interrupts, no seq is torn and none that was
// committed is lost.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { exportLedger } from "./export.js";
import { LedgerMachine } from "./machine.js";
import { openSqliteStore } from "./sqlite-store.js";
import { busyBatch, memoryDisk } from "./testing/fixture.js";

const CHILD = fileURLToPath(new URL("./testing/kill-child.js", import.meta.url));

/** Lets a child commit `seqs` seqs, kills it; returns the last seq that it said was committed. */
async function writeUntilKilled(path: string, seqs: number): Promise<number> {
  const child = spawn(process.execPath, [CHILD, path], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 20_000,
  });
  const exit = once(child, "exit");
  let committed = 0;
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    committed = Number(line);
    lines += 1;
    if (lines === seqs) child.kill("SIGKILL"); // and what it wrote meanwhile is read to the end
  }
  const [, signal] = await exit;
  assert.is(signal, "SIGKILL");
  return committed;
}

const kill = suite("killed in the middle");

kill("a killed writer leaves every committed seq, whole, and nothing else", async () => {
  const directory = mkdtempSync(join(tmpdir(), "ordeal-kill-"));
  const path = join(directory, "ledger.sqlite");
  const steady = memoryDisk().open();
  for (const seqs of [1, 40, 7, 90]) {
    const committed = await writeUntilKilled(path, seqs);
    const exported = exportLedger(path);
    const reopened = new LedgerMachine(openSqliteStore(path));
    assert.ok(reopened.seq >= committed, `${committed} was committed, ${reopened.seq} is left`);
    while (steady.seq < reopened.seq) steady.apply(steady.seq + 1, busyBatch(steady.seq));
    assert.is(reopened.currentDigest(), steady.currentDigest());
    assert.equal(reopened.accounts(), steady.accounts());
    assert.is(exported.digest, steady.currentDigest(), "as the killed process left the file");
    reopened.close();
  }
  rmSync(directory, { recursive: true });
});

kill.run();
