import {
  copyFileSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { LogFile } from "./log-file.js";
import { OrdealError } from "./ordeal-error.js";

const CLUSTER = "00000000000000aa";
let directory = "";
let path = "";

test.before.each(() => {
  directory = mkdtempSync(join(tmpdir(), "ordeal-log-"));
  path = join(directory, "protocol.log");
});
test.after.each(() => rmSync(directory, { recursive: true }));

function records(...texts: string[]): Uint8Array[] {
  return texts.map((text) => Buffer.from(text));
}

/** Writes groups to a new log and gives where each ends. */
function written(groups: readonly string[][]): number[] {
  const log = LogFile.create(path, { cluster: CLUSTER, hollow: false });
  const ends = groups.map((texts) => {
    log.append(records(...texts));
    return log.bytes;
  });
  log.close();
  return ends;
}

function read(): { texts: string[]; torn: boolean; hollow: boolean } {
  const content = LogFile.open(path, CLUSTER);
  assert.ok(content);
  const texts = (content?.records ?? []).map((record) => Buffer.from(record).toString());
  content?.log.close();
  return { texts, torn: content?.torn ?? false, hollow: content?.hollow ?? false };
}

const GROUPS = [["a", "bb"], ["ccc"], ["", "dddd", "e"]];
const TEXTS = ["a", "bb", "ccc", "", "dddd", "e"];

test("what was appended is read back in order, and appending goes on where it ended", () => {
  written(GROUPS);
  assert.equal(read(), { texts: TEXTS, torn: false, hollow: false });
  const content = LogFile.open(path, CLUSTER);
  content?.log.append(records("f"));
  content?.log.append([]);
  content?.log.close();
  assert.equal(read().texts, [...TEXTS, "f"]);
});

test("a log that is not there is undefined, and an empty one is none of ours", () => {
  assert.is(LogFile.open(path, CLUSTER), undefined);
  writeFileSync(path, "");
  assert.throws(() => LogFile.open(path, CLUSTER), /its header is damaged/);
});

test("a last group torn at any byte is cut, and the log goes on from there", () => {
  const ends = written(GROUPS);
  const whole = readFileSync(path);
  const [, second = 0, third = 0] = ends;
  for (let length = second; length < third; length++) {
    // Cut off by the file's end, or by zeros that were there before.
    for (const rest of [0, 100]) {
      const cut = Buffer.concat([whole.subarray(0, length), Buffer.alloc(rest)]);
      writeFileSync(path, cut);
      // A mark is random, and may end with the zeros that are there.
      const torn = cut.subarray(second, second + 4).equals(whole.subarray(second, second + 4));
      assert.equal(read(), { texts: ["a", "bb", "ccc"], torn, hollow: false });
      if (length % 16 !== 0) continue; // adding space anew costs a millisecond each time
      const content = LogFile.open(path, CLUSTER);
      content?.log.append(records("again"));
      content?.log.close();
      assert.equal(read(), { texts: ["a", "bb", "ccc", "again"], torn: false, hollow: false });
    }
  }
});

test("a last group whose pages reached the disk in another order is cut", () => {
  const [, second = 0] = written(GROUPS);
  const bytes = readFileSync(path);
  bytes.fill(0, second, second + 8);
  writeFileSync(path, bytes);
  assert.equal(read().texts, ["a", "bb", "ccc"]);
});

test("any flipped byte before the last group is refused by name, and the file is not touched", () => {
  const [, second = 0, third = 0] = written(GROUPS);
  const whole = readFileSync(path).subarray(0, third + 10);
  for (let offset = 0; offset < second; offset++) {
    const damaged = Buffer.from(whole);
    damaged[offset] = (damaged[offset] ?? 0) ^ 0x10;
    writeFileSync(path, damaged);
    try {
      LogFile.open(path, CLUSTER);
      assert.unreachable(`byte ${offset} was accepted`);
    } catch (error) {
      assert.instance(error, OrdealError);
      if (!(error instanceof OrdealError)) return;
      assert.is(error.code, "corrupt-log");
      assert.is(error.exitCode, 253);
      assert.match(error.message, /protocol\.log: .*damaged/);
    }
    assert.equal(readFileSync(path), damaged);
  }
});

test("a record cannot pass for a group: a torn tail that holds another log is cut", () => {
  const [end = 0] = written([["x"]]);
  const other = readFileSync(path).subarray(0, end);
  const log = LogFile.create(path, { cluster: CLUSTER, hollow: false });
  log.append(records("kept"));
  log.append([other, other]);
  const whole = log.bytes;
  log.close();
  truncateSync(path, whole - 1);
  assert.equal(read().texts, ["kept"]);
});

test("a recycled file's old groups are none of the log", () => {
  const log = LogFile.create(path, { cluster: CLUSTER, hollow: false });
  for (let round = 0; round < 6; round++) {
    for (let index = 0; index < 20 - 3 * round; index++)
      log.append(records(`old ${round}.${index}`));
    log.replace(records(`base ${round}`));
  }
  log.append(records("last"));
  log.close();
  assert.equal(read().texts, ["base 5", "last"]);
  assert.equal(readdirSync(directory), ["protocol.log"]);
});

test("a crash between any two steps of a compaction leaves one whole log", () => {
  written([["old"]]);
  const next = `${path}.new`;
  const replaced = `${path}.replaced`;
  copyFileSync(path, next);
  linkSync(path, replaced);
  assert.equal(read().texts, ["old"], "before the rename");
  copyFileSync(path, replaced);
  assert.equal(read().texts, ["old"], "after it");
  const content = LogFile.open(path, CLUSTER);
  content?.log.replace(records("new"));
  content?.log.close();
  assert.equal(read().texts, ["new"]);
});

test("groups larger than the space ahead are written and read", () => {
  const large = "x".repeat(700_000);
  const log = LogFile.create(path, { cluster: CLUSTER, hollow: false });
  for (let index = 0; index < 3; index++) log.append(records(large));
  log.replace(records(large, large, large));
  log.append(records("after"));
  log.close();
  assert.equal(
    read().texts.map((text) => text.length),
    [700_000, 700_000, 700_000, 5],
  );
});

test("compaction replaces everything at once and survives a leftover of its own", () => {
  written(GROUPS);
  const content = LogFile.open(path, CLUSTER);
  content?.log.replace(records("stable"));
  content?.log.append(records("after"));
  content?.log.close();
  writeFileSync(`${path}.new`, "a compaction that a crash cut short");
  assert.equal(read().texts, ["stable", "after"]);
  assert.throws(() => statSync(`${path}.new`), /ENOENT/);
  const again = LogFile.open(path, CLUSTER);
  again?.log.replace([]);
  again?.log.close();
  assert.equal(read(), { texts: [], torn: false, hollow: false });
});

test("a log begun on a wiped disk says so until its first record does", () => {
  const log = LogFile.create(path, { cluster: CLUSTER, hollow: true });
  log.close();
  assert.equal(read(), { texts: [], torn: false, hollow: true });
  const content = LogFile.open(path, CLUSTER);
  content?.log.append(records("rejoin"));
  content?.log.close();
  assert.equal(read(), { texts: ["rejoin"], torn: false, hollow: false });
});

test("the log of another cluster is refused", () => {
  written(GROUPS);
  assert.throws(
    () => LogFile.open(path, "00000000000000bb"),
    /the log of cluster 00000000000000aa, not of/,
  );
});

test("a directory that is not there is one clear line", () => {
  const options = { cluster: CLUSTER, hollow: false };
  assert.throws(
    () => LogFile.create(join(directory, "missing", "protocol.log"), options),
    /^cannot create .*protocol\.log: ENOENT/,
  );
});

test("a full disk is fatal and named, and leaves the old log whole", () => {
  written(GROUPS);
  const content = LogFile.open(path, CLUSTER);
  // /dev/full answers every write with ENOSPC.
  symlinkSync("/dev/full", `${path}.new`);
  try {
    content?.log.replace(records("new"));
    assert.unreachable("written to a full disk");
  } catch (error) {
    assert.instance(error, OrdealError);
    assert.is(error instanceof OrdealError ? error.code : "", "disk-full");
    assert.match(String(error), /cannot compact .*ENOSPC.*free some space/);
  }
  content?.log.close();
  assert.equal(read().texts, TEXTS);
});

test.run();
