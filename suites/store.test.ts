import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { LedgerDump } from "../checker/run-record.js";
import { createAppendFile, replaceFile, StoreWriteError } from "./append-file.js";
import { readJsonLines } from "./json-lines.js";
import { ledgerText, readLedgerFiles } from "./ledger-file.js";
import { openIndex } from "./run-index.js";
import { createRunDirectory, findRun, openStore, readFaults, readMeta } from "./store.js";
import { UsageError } from "./usage-error.js";

let folder = "";
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "ordeal-store-"));
});
test.after.each(() => rmSync(folder, { recursive: true }));

function refuses(work: () => unknown, message: RegExp): void {
  try {
    work();
  } catch (error) {
    assert.instance(error, UsageError);
    assert.match(String(error), message);
    return;
  }
  assert.unreachable("accepted");
}

const DUMP: LedgerDump = {
  node: "r0",
  seq: 3,
  digest: "d",
  chain: "c",
  accounts: [{ id: "a", name: "A", address: "Lane", balance: 7 }],
  entries: [
    {
      index: 0,
      seq: 1,
      client: 9,
      timestamp: 1,
      kind: "open",
      debit: "@cash",
      credit: "a",
      amount: 0,
    },
  ],
  sessions: [{ client: 9, timestamp: 1, seq: 1, resultDigest: "e" }],
};

test("a ledger is read as it was written", () => {
  const path = join(folder, "ledger.jsonl");
  writeFileSync(path, ledgerText(DUMP));
  assert.equal(readLedgerFiles([path]), [DUMP]);
});

test("a ledger line that is none is named", () => {
  const path = join(folder, "ledger.jsonl");
  writeFileSync(path, `${ledgerText(DUMP)}{"what":1}\n`);
  refuses(
    () => readLedgerFiles([path]),
    /ledger.jsonl line 5: wanted an account, an entry or a session/,
  );
});

test("ledgers share the rows that are alike, and no others", () => {
  const other = { ...DUMP, accounts: [{ id: "a", name: "A", address: "Lane", balance: 8 }] };
  const dumps = [DUMP, { ...DUMP, node: "r1", digest: "x" }, other, { ...DUMP, node: "r3" }];
  const paths = dumps.map((dump, index) => {
    const path = join(folder, `${index}.jsonl`);
    writeFileSync(path, ledgerText(dump));
    return path;
  });
  const read = readLedgerFiles(paths);
  assert.equal(read, dumps);
  assert.ok(read[0]?.entries === read[1]?.entries);
  assert.ok(read[1]?.entries !== read[2]?.entries);
  writeFileSync(join(folder, "1.jsonl"), ledgerText(DUMP).replace('"version":1', '"version":2'));
  refuses(() => readLedgerFiles(paths), /1.jsonl: ledger file of version 2/);
});

test("only the last line may be torn", () => {
  const { values, torn } = readJsonLines('{"a":1}\n{"b"', "x.jsonl");
  assert.equal(values, [{ a: 1 }]);
  assert.match(String(torn), "x.jsonl line 2 is torn");
  refuses(() => readJsonLines('{"a":1}\n{"b"\n{"c":1}\n', "x.jsonl"), /x.jsonl line 2: not JSON/);
  refuses(() => readJsonLines("[1]\n", "x.jsonl"), /line 1: wanted a JSON object, found "\[1\]"/);
});

test("a run of a newer version is refused by name", () => {
  writeFileSync(join(folder, "run.json"), '{"version":2}');
  refuses(() => readMeta(folder), /run.json: version 2; this ordeal reads up to 1: upgrade it/);
});

test("a malformed run.json is refused with the field", () => {
  writeFileSync(join(folder, "run.json"), '{"version":1,"suite":"smoke","seed":"x"}');
  refuses(() => readMeta(folder), /run.json: "seed" wants number, found string/);
  writeFileSync(join(folder, "run.json"), "{");
  refuses(() => readMeta(folder), /run.json: not JSON/);
});

test("a folder that is no run says what it holds instead", () => {
  mkdirSync(join(folder, "smoke"));
  refuses(() => findRun(folder), /wanted a folder with run.json, found smoke/);
  refuses(() => findRun(join(folder, "nowhere")), /nowhere does not exist/);
});

test("an index of a newer version is refused, and so is one that is no database", () => {
  openIndex(folder).close();
  const database = new Database(join(folder, "index.sqlite"));
  database.pragma("user_version = 2");
  database.close();
  refuses(() => openIndex(folder), /index.sqlite: version 2; this ordeal writes version 1/);
  writeFileSync(
    join(folder, "index.sqlite"),
    "not a database, but long enough to be read as one".repeat(40),
  );
  refuses(() => openIndex(folder), /index.sqlite is no index of runs/);
});

test("a store that cannot be made is one line", () => {
  writeFileSync(join(folder, "file"), "");
  refuses(
    () => openStore(join(folder, "file", "store")),
    /cannot be written \(ENOTDIR\): pass another/,
  );
});

test("a run's folder is named by time and seed", () => {
  const startedAt = "2026-11-22T09:55:51.123Z";
  const directory = createRunDirectory(folder, { suite: "smoke", startedAt, seed: 42 });
  assert.is(directory, join(folder, "smoke", "20261122T095551.123Z-42"));
});

test("no faults file means no faults; a line that is no fault is named", () => {
  assert.equal(readFaults(folder).faults, []);
  writeFileSync(join(folder, "faults.jsonl"), '{"type":"start","fault":null}\n');
  refuses(() => readFaults(folder), /faults.jsonl line 1: wanted a fault's start or stop/);
});

test("lines are on disk as soon as they are appended", () => {
  const path = join(folder, "lines.jsonl");
  const file = createAppendFile(path);
  file.append({ a: 1 });
  assert.is(readFileSync(path, "utf8"), '{"a":1}\n');
  file.append({ b: "ü" });
  assert.is(readFileSync(path, "utf8"), '{"a":1}\n{"b":"ü"}\n');
  file.close();
});

test("a full disk leaves the file that was there, and says so in one line", () => {
  const path = join(folder, "history.jsonl");
  writeFileSync(path, "recorded\n");
  symlinkSync("/dev/full", `${path}.new`);
  try {
    replaceFile(path, "more\n");
    assert.unreachable("written to a full disk");
  } catch (error) {
    assert.instance(error, StoreWriteError);
    assert.match(
      String(error),
      "history.jsonl: the disk is full (ENOSPC); what was recorded before",
    );
  }
  assert.is(readFileSync(path, "utf8"), "recorded\n");
});

test.run();
