// What the ledger costs by itself: batches applied and committed, checkpoints, restart, restore, each
// on a fresh SQLite file in the temporary folder. Run: node dist/bench/ledger.js [batches]

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Request } from "../node/core/messages.js";
import { exportLedger } from "../node/ledger/export.js";
import { LedgerMachine } from "../node/ledger/machine.js";
import { encodeOperation, type Operation } from "../node/ledger/operation.js";
import { openSqliteStore } from "../node/ledger/sqlite-store.js";

const ACCOUNTS = 64;
const SESSIONS = 50;
const CHECKPOINT_INTERVAL = 64;

const batchCount = Number(process.argv[2] ?? 4_000);
const directory = mkdtempSync(join(tmpdir(), "ordeal-bench-"));
try {
  run();
} finally {
  rmSync(directory, { recursive: true });
}

function run(): void {
  const path = join(directory, "ledger.sqlite");
  const source = new LedgerMachine(openSqliteStore(path));
  apply(source, openings());
  const batches = Array.from({ length: batchCount }, (_, batch) => batchOf(batch));
  const applyMs: number[] = [];
  const snapshotMs: number[] = [];
  const syncMs: number[] = [];
  const started = now();
  for (const batch of batches) {
    applyMs.push(timed(() => apply(source, batch)));
    if (source.seq % CHECKPOINT_INTERVAL !== 0) continue;
    snapshotMs.push(timed(() => source.snapshot()));
    source.release(source.seq - CHECKPOINT_INTERVAL);
    source.commit();
    syncMs.push(timed(() => source.sync()));
  }
  const perOperationUs = ((now() - started) * 1_000) / (batchCount * SESSIONS);
  const digest = source.snapshot();
  source.commit();
  report("apply and commit of a 50-request batch", applyMs);
  report("snapshot after 64 batches", snapshotMs);
  report("sync", syncMs);
  print("all of it, per operation", `${perOperationUs.toFixed(1)} µs`);
  print("entries", String(source.entryCount));
  print("resident memory", `${Math.round(process.memoryUsage().rss / 1e6)} MB`);

  let reopened = source;
  source.close();
  const openMs = timed(() => {
    reopened = new LedgerMachine(openSqliteStore(path));
  });
  print("reopen", `${openMs.toFixed(1)} ms`);
  let again = "";
  const digestMs = timed(() => {
    again = reopened.snapshot();
  });
  print("whole tree after reopening", `${digestMs.toFixed(1)} ms`);
  if (again !== digest) throw new Error(`reopened with digest ${again}, closed with ${digest}`);
  const exportMs = timed(() => exportLedger(path));
  print("export, everything recomputed", `${exportMs.toFixed(0)} ms`);
  restore(reopened, digest);
  print("file", `${(statSync(path).size / 1e6).toFixed(1)} MB`);
  reopened.close();
}

function restore(source: LedgerMachine, digest: string): void {
  const target = new LedgerMachine(openSqliteStore(join(directory, "restored.sqlite")));
  let nodes = 0;
  let bytes = 0;
  const fetchMs = timed(() => {
    target.beginRestore(source.seq, digest);
    for (let missing = target.missingNodes(32); missing.length > 0; ) {
      for (const wanted of missing) {
        const node = source.node(wanted) ?? new Uint8Array();
        nodes += 1;
        bytes += node.length;
        target.putNode(node);
      }
      target.commit();
      missing = target.missingNodes(32);
    }
  });
  const installMs = timed(() => {
    if (target.finishRestore() !== "installed") throw new Error("the restored state is invalid");
    target.commit();
    target.sync();
  });
  print(
    "restore: fetch",
    `${fetchMs.toFixed(0)} ms, ${nodes} nodes, ${(bytes / 1e6).toFixed(1)} MB`,
  );
  print("restore: install", `${installMs.toFixed(0)} ms`);
  if (target.currentDigest() !== digest) throw new Error("the restored state has another digest");
  target.close();
}

function apply(machine: LedgerMachine, batch: readonly Request[]): void {
  machine.apply(machine.seq + 1, batch);
  machine.commit();
}

function openings(): Request[] {
  return Array.from({ length: ACCOUNTS }, (_, index) => {
    return request(index, 1, { kind: "open", account: idOf(index), name: "Ann", address: "Oslo" });
  });
}

/** Writes only, the dear half of a workload: one deposit to two moves, spread over the accounts. */
function batchOf(batch: number): Request[] {
  return Array.from({ length: SESSIONS }, (_, session) => {
    const mixed = Math.imul(batch * SESSIONS + session, 0x9e3779b1) >>> 8;
    const account = idOf(mixed);
    const operation: Operation =
      batch % 3 === 0
        ? { kind: "deposit", account, amount: 10_000 }
        : {
            kind: "move",
            from: account,
            to: idOf(mixed + 1 + (mixed % 7)),
            amount: 1 + (mixed % 5),
          };
    return request(session, batch + 2, operation);
  });
}

function request(session: number, timestamp: number, operation: Operation): Request {
  return {
    kind: "request",
    client: 256 * 65_536 + session,
    timestamp,
    operation: encodeOperation(operation),
    authenticator: new Uint8Array(0),
    signature: new Uint8Array(0),
  };
}

function idOf(index: number): string {
  return `account-${index % ACCOUNTS}`;
}

function now(): number {
  return performance.now();
}

function timed(work: () => void): number {
  const started = now();
  work();
  return now() - started;
}

function report(what: string, milliseconds: number[]): void {
  const sorted = milliseconds.sort((left, right) => left - right);
  const at = (part: number) => (sorted[Math.floor((sorted.length - 1) * part)] ?? 0).toFixed(2);
  print(what, `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`);
}

function print(what: string, value: string): void {
  console.log(`${what.padEnd(42)} ${value}`);
}
