// The disk under a process, with real processes: what was synced survives a power cut, what was not does
// not, and every way for a disk to fail reaches who uses it.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DiskTool, figuresOf } from "./disk-tool.js";
import { localShell } from "./shell.js";

const FOLDER = fileURLToPath(new URL("disk/", import.meta.url));
const PROGRAMS = { preload: join(FOLDER, "disk-faults.so"), tool: join(FOLDER, "disk-tool") };
const SQLITE = createRequire(import.meta.url).resolve("better-sqlite3");
const SOUND = { failing: new Set<never>(), full: false, writeDelayUs: 0, syncDelayUs: 0 };

const test = suite<{ root: string; folder: string; disk: DiskTool }>("the disk under a process");
const isBuilt = existsSync(PROGRAMS.preload) && existsSync(PROGRAMS.tool);
if (!isBuilt) console.log("skipped: the disk under a process: it was not compiled (no C compiler)");
const shown = isBuilt ? test : test.skip;

test.before.each(async (context) => {
  context.root = mkdtempSync(join(tmpdir(), "ordeal-disk-"));
  context.folder = join(context.root, "r0");
  mkdirSync(context.folder);
  context.disk = new DiskTool(localShell(), PROGRAMS, {
    folder: context.folder,
    state: join(context.root, "state"),
  });
  if (isBuilt) await context.disk.prepare();
});

test.after.each(({ root }) => {
  rmSync(root, { recursive: true });
});

/** Runs these statements on this disk, and ends by SIGKILL; what they printed. */
function life({ folder, disk }: { folder: string; disk: DiskTool }, body: string): string {
  const program = `
    const fs = require("node:fs");
    const log = ${JSON.stringify(join(folder, "protocol.log"))};
    const other = log + ".new";
    const fill = (fd, byte, length, at) => fs.writeSync(fd, Buffer.alloc(length, byte), 0, length, at);
    const syncFolder = () => { const fd = fs.openSync(${JSON.stringify(folder)}, "r"); fs.fsyncSync(fd); fs.closeSync(fd); };
    const code = (work) => { try { work(); return "ok"; } catch (error) { return error.code; } };
    const say = (text) => fs.writeSync(1, text + "\\n");
    ${body}
    process.kill(process.pid, "SIGKILL");`;
  const { stdout, stderr, signal } = spawnSync(process.execPath, ["-e", program], {
    // Whoever measures coverage would have it write files of its own.
    env: { ...process.env, NODE_V8_COVERAGE: undefined, ...disk.variables },
    encoding: "utf8",
  });
  assert.is(signal, "SIGKILL", stderr);
  return stdout;
}

/** The file as runs of one byte: "1×5000 2×3000". */
function runsOf(path: string): string {
  const runs: { byte: number; length: number }[] = [];
  for (const byte of readFileSync(path)) {
    const last = runs.at(-1);
    if (last?.byte === byte) last.length += 1;
    else runs.push({ byte, length: 1 });
  }
  return runs.map(({ byte, length }) => `${byte}×${length}`).join(" ");
}

const WRITES = `
  const fd = fs.openSync(log, "w+");
  fill(fd, 1, 5000, 0); fs.fdatasyncSync(fd); syncFolder();
  fill(fd, 2, 6000, 4000); fs.ftruncateSync(fd, 9000);`;

shown("what a power cut would lose is counted before, and stays as it is", async (context) => {
  life(context, WRITES);
  const path = join(context.folder, "protocol.log");
  const before = runsOf(path);
  const found = await context.disk.unsynced();
  assert.is(runsOf(path), before);
  const { writes, bytes } = await context.disk.cut(1, "lost");
  assert.equal(found, { writes, bytes });
  assert.equal(await context.disk.unsynced(), { writes: 0, bytes: 0 });
});

shown("a kill loses nothing, a power cut what was not synced", async (context) => {
  life(context, WRITES);
  const path = join(context.folder, "protocol.log");
  assert.is(runsOf(path), "1×4000 2×5000");
  // Another life, which syncs nothing: the page cache has outlived the first.
  life(context, `const fd = fs.openSync(log, "r+"); fill(fd, 3, 10, 0);`);
  const loss = await context.disk.cut(1, "lost");
  assert.is(runsOf(path), "1×5000");
  assert.is(loss.writes, 3);
  assert.is(loss.bytes, 6010);
  assert.ok(loss.sectorsLost > 0 && loss.sectorsKept === 0);
  const { unseen, lives } = await context.disk.counters();
  assert.equal([unseen, lives], [0, 2]);
});

shown("a torn write keeps some sectors, the same for the same seed", async (context) => {
  const outcomes = new Set<string>();
  for (const seed of [1, 1, 2, 3]) {
    life(context, WRITES);
    const { sectorsLost, sectorsKept } = await context.disk.cut(seed, "torn");
    assert.ok(sectorsLost > 0 && sectorsKept > 0);
    const runs = runsOf(join(context.folder, "protocol.log"));
    assert.match(runs, /1×\d+ 2×\d+/);
    outcomes.add(runs);
  }
  assert.is(outcomes.size, 3);
});

shown(
  "what a failed sync gave up, no later sync saves, but a write of the same does",
  async (context) => {
    const path = join(context.folder, "protocol.log");
    life(
      context,
      `const fd = fs.openSync(log, "w+"); fill(fd, 1, 4096, 0); fs.fsyncSync(fd); syncFolder();`,
    );
    await context.disk.set({ ...SOUND, failing: new Set(["sync"]) });
    const body = `const fd = fs.openSync(log, "r+"); fill(fd, 2, 4096, 0); say(code(() => fs.fdatasyncSync(fd)));`;
    assert.is(life(context, body), "EIO\n");
    await context.disk.set(SOUND);
    life(context, `const fd = fs.openSync(log, "r+"); fs.fsyncSync(fd);`);
    assert.is(runsOf(path), "2×4096");
    await context.disk.cut(1, "lost");
    assert.is(runsOf(path), "1×4096");

    await context.disk.set({ ...SOUND, failing: new Set(["sync"]) });
    life(context, body);
    await context.disk.set(SOUND);
    life(context, `const fd = fs.openSync(log, "r+"); fill(fd, 2, 4096, 0); fs.fsyncSync(fd);`);
    await context.disk.cut(1, "lost");
    assert.is(runsOf(path), "2×4096");
    assert.is((await context.disk.counters()).syncsFailed, 2);
  },
);

shown("names come back as they were at the last sync of their folder", async (context) => {
  const { folder, disk } = context;
  const begin = `
    const a = fs.openSync(log, "w+"); fill(a, 1, 10, 0); fs.fsyncSync(a);
    const b = fs.openSync(other, "w+"); fill(b, 2, 10, 0); fs.fsyncSync(b);`;
  const swap = `fs.linkSync(log, log + ".replaced"); fs.renameSync(other, log); fs.renameSync(log + ".replaced", other);`;
  const files = () =>
    readdirSync(folder)
      .filter((name) => name.startsWith("protocol"))
      .sort()
      .map((name) => `${name} ${runsOf(join(folder, name))}`);
  life(context, begin);
  await disk.cut(1, "lost");
  assert.equal(files(), []);
  life(context, `${begin} syncFolder(); ${swap}`);
  assert.equal(files().slice(-2), ["protocol.log 2×10", "protocol.log.new 1×10"]);
  assert.is((await disk.cut(1, "lost")).namesUndone, 3);
  assert.equal(files(), ["protocol.log 1×10", "protocol.log.new 2×10"]);
  life(context, `${swap} syncFolder(); fs.unlinkSync(log); fs.rmSync(other);`);
  await disk.cut(1, "lost");
  assert.equal(files(), ["protocol.log 2×10", "protocol.log.new 1×10"]);
  life(context, `fs.unlinkSync(log); syncFolder();`);
  await disk.cut(1, "lost");
  assert.equal(files(), ["protocol.log.new 1×10"]);
});

shown("reads, writes and space fail as asked, and are counted", async (context) => {
  const { disk } = context;
  life(context, `const fd = fs.openSync(log, "w+"); fill(fd, 1, 100, 0); fs.fsyncSync(fd);`);
  const all = `
    const fd = fs.openSync(log, "r+");
    say([code(() => fs.readFileSync(log)), code(() => fill(fd, 2, 10, 0)), code(() => fill(fd, 2, 10, 100))].join(" "));`;
  const said = async (settings: Partial<Parameters<DiskTool["set"]>[0]>) => {
    await disk.set({ ...SOUND, ...settings });
    return life(context, all);
  };
  assert.is(await said({ failing: new Set(["read"]) }), "EIO ok ok\n");
  life(context, `fs.truncateSync(log, 100);`);
  assert.is(await said({ failing: new Set(["write"]) }), "ok EIO EIO\n");
  assert.is(await said({ full: true }), "ok ok ENOSPC\n");
  assert.is(await said({ writeDelayUs: 1_000 }), "ok ok ok\n");
  const { readsFailed, writesFailed, refusedForSpace, slowed } = await disk.counters();
  assert.equal([readsFailed, writesFailed, refusedForSpace, slowed], [1, 2, 1, 2]);
});

shown(
  "SQLite's synchronous=FULL keeps every commit through a power cut, NORMAL none",
  async (context) => {
    const { folder, disk } = context;
    const path = JSON.stringify(join(folder, "ledger.sqlite"));
    const open = `const db = new (require(${JSON.stringify(SQLITE)}))(${path});`;
    const insert = (synchronous: string) => `
    ${open} db.pragma("synchronous = ${synchronous}");
    for (let index = 0; index < 20; index++) db.prepare("INSERT INTO t VALUES (1)").run();`;
    const count = () =>
      life(context, `${open} say(String(db.prepare("SELECT count(*) AS n FROM t").get().n));`);
    life(
      context,
      `${open} db.exec("CREATE TABLE t (a)"); db.pragma("journal_mode = WAL"); syncFolder();`,
    );
    life(context, insert("FULL"));
    await disk.cut(1, "lost");
    assert.is(count(), "20\n");
    life(context, insert("NORMAL"));
    assert.is(count(), "40\n");
    await disk.cut(1, "lost");
    assert.is(count(), "20\n");
    assert.is((await disk.counters()).unseen, 0);
  },
);

shown(
  "damage changes what is used of a file, by the seed, and skips what it is told to",
  async (context) => {
    const { folder, disk } = context;
    const body = `const fd = fs.openSync(log, "w+"); fill(fd, 255, 3000, 0); fs.ftruncateSync(fd, 9000); fs.fsyncSync(fd);`;
    const path = join(folder, "protocol.log");
    const harm = async (how: string, seed: number) => {
      life(context, body);
      return disk.damage("protocol.log", how, { seed, skip: 1_000 });
    };
    const flip = await harm("bit-flip", 1);
    assert.equal([flip.used, flip.length], [3_000, 1]);
    assert.match(runsOf(path), new RegExp(`^255×${flip.at} \\d+×1 255×${2_999 - flip.at} 0×6000$`));
    const cut = await harm("truncated", 2);
    assert.ok(cut.at >= 1_000 && cut.at + cut.length === 3_000);
    assert.is(runsOf(path), `255×${cut.at}`);
    const torn = await harm("torn", 3);
    assert.ok(torn.length <= 512 && torn.at + torn.length === 3_000);
    assert.is(runsOf(path), `255×${torn.at} 0×${9_000 - torn.at}`);
  },
);

test("a figure that the tool did not say is an error", () => {
  const figure = figuresOf("writes 3\nbytes x\n");
  assert.is(figure("writes"), 3);
  assert.throws(() => figure("bytes"), /disk-tool says no bytes/);
  assert.throws(() => figure("syncs"), /disk-tool says no syncs/);
});

test.run();
