import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HistoryError } from "./history-error.js";
import { readHistoryFile } from "./read-file.js";

let folder = "";
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "ordeal-read-"));
});
test.after.each(() => rmSync(folder, { recursive: true }));

const OPS = Array.from({ length: 30_000 }, (_, at) => {
  const process = Math.floor(at / 2) % 7;
  const type = at % 2 === 0 ? "invoke" : "ok";
  return `{:process ${process}, :type :${type}, :f :write, :value "${"ä".repeat(at % 40)}"}`;
});

async function errorOf(path: string): Promise<string> {
  try {
    await readHistoryFile(path);
  } catch (error) {
    if (error instanceof HistoryError) return error.message;
    throw error;
  }
  return "";
}

test("a file of several pieces is read alike plain and gzipped", async () => {
  const text = `[${OPS.join("\n")}]`;
  writeFileSync(join(folder, "a.edn"), text);
  writeFileSync(join(folder, "a.edn.gz"), gzipSync(text));
  const plain = await readHistoryFile(join(folder, "a.edn"));
  const zipped = await readHistoryFile(join(folder, "a.edn.gz"));
  assert.is(plain.ops.length, 30_000);
  assert.equal(zipped, plain);
});

test("a format that is given overrides what the file looks like", async () => {
  writeFileSync(join(folder, "a.edn"), '{"type":"invoke","f":"read","process":0}\n');
  const { format } = await readHistoryFile(join(folder, "a.edn"), "json-lines");
  assert.is(format, "json-lines");
});

test("what cannot be read is one line that names the file", async () => {
  const cut = join(folder, "cut.gz");
  writeFileSync(cut, gzipSync(OPS.join("\n")).subarray(0, 500));
  assert.match(await errorOf(cut), /cut\.gz: cannot be read: unexpected end of file$/);
  assert.match(await errorOf(join(folder, "none")), /none: cannot be read: ENOENT/);
  assert.match(await errorOf(folder), /cannot be read: EISDIR/);
  writeFileSync(join(folder, "half.edn"), `[${OPS.join("\n").slice(0, 1_500_000)}`);
  assert.match(await errorOf(join(folder, "half.edn")), /half\.edn:\d+: the file ends inside/);
});

test.run();
