import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import { ARCHIVE_AGENT, archiveBuild, listBuild, packBuild } from "./build-archive.js";
import { tarOf } from "./tar.js";
import { writeFakeBuild } from "./testing/fake-build.js";

const DIST = resolve(fileURLToPath(new URL("../../", import.meta.url)));
const HERE = { os: process.platform, arch: process.arch };

let folder: string;
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), "ordeal-test-"));
});
test.after(() => rmSync(folder, { recursive: true }));

test("tar reads back what was packed, also long names and sizes around a block", () => {
  const long = `${"d".repeat(90)}/${"e".repeat(60)}/f.js`;
  const sizes = [0, 1, 511, 512, 513];
  const entries = [...sizes.map((size) => ({ name: `s${size}`, size })), { name: long, size: 7 }];
  const tar = tarOf(entries.map(({ name, size }) => ({ name, content: Buffer.alloc(size, "x") })));
  mkdirSync(join(folder, "tar"));
  execFileSync("tar", ["-x", "-C", join(folder, "tar")], { input: tar });
  for (const { name, size } of entries) {
    assert.equal(readFileSync(join(folder, "tar", name), "utf8"), "x".repeat(size), name);
  }
  assert.throws(() => tarOf([{ name: "f".repeat(101), content: Buffer.alloc(0) }]), /too long/);
});

test("an unpacked archive has all that an agent and a replica load", () => {
  const archive = listBuild(DIST, HERE);
  const there = join(folder, "there");
  mkdirSync(there);
  execFileSync("tar", ["-xz", "-C", there], { input: packBuild(archive) });
  const run = (main: string) =>
    spawnSync(process.execPath, [join(there, main)], { input: "", encoding: "utf8" });
  assert.match(run(ARCHIVE_AGENT).stdout, /^{"event":"hello"/);
  const load = `new (require("better-sqlite3"))(":memory:").close(); require("sodium-native")`;
  execFileSync(process.execPath, ["-e", load], { cwd: there });
  const replica = run(`${archiveBuild(DIST)}/node/runtime/main.js`);
  assert.equal(replica.status, 254);
  assert.match(replica.stderr, /main --cluster FILE/);
});

test("the same content has the same name, another build another, and it comes beside our agent", () => {
  const ours = listBuild(DIST, HERE);
  assert.equal(listBuild(DIST, HERE).hash, ours.hash);
  assert.ok([...ours.files.keys()].every((name) => !/\.test\.js$|\.ts$|\.map$/.test(name)));
  const build = join(folder, "build");
  writeFakeBuild(build);
  const other = listBuild(build, HERE);
  assert.notEqual(other.hash, ours.hash);
  assert.equal(archiveBuild(build), "build");
  assert.ok(other.files.has("build/node/runtime/main.js") && other.files.has(ARCHIVE_AGENT));
  writeFileSync(join(build, "node", "runtime", "main.js"), "changed");
  assert.notEqual(listBuild(build, HERE).hash, other.hash);
});

test.run();
