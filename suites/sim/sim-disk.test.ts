import { test } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "../../nemesis/random.js";
import { LogFile } from "../../node/runtime/log-file.js";
import { SOUND } from "./disk-faults.js";
import { SimDisk } from "./sim-disk.js";

const PATH = "/data/protocol.log";
const CLUSTER = "00112233445566aa";

function diskOf(seed: number): SimDisk {
  return new SimDisk(createRandom(seed), () => undefined);
}

function record(number: number): Uint8Array {
  return Uint8Array.from({ length: 700 }, () => number);
}

function firstBytes(disk: SimDisk): number[] {
  const content = LogFile.open(PATH, CLUSTER, disk);
  return content?.records.map((bytes) => bytes[0] ?? -1) ?? [];
}

test("a killed process loses nothing that it wrote", () => {
  const disk = diskOf(1);
  const log = LogFile.create(PATH, { cluster: CLUSTER, hollow: false }, disk);
  log.append([record(1)]);
  const file = disk.open(PATH, "existing");
  disk.write(file, Uint8Array.of(7), 5_000);
  disk.closeAll();
  assert.is(disk.read(PATH)?.[5_000], 7);
});

test("a power cut leaves every synced group, whatever it makes of the one that was being written", () => {
  let torn = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const disk = diskOf(seed);
    const log = LogFile.create(PATH, { cluster: CLUSTER, hollow: false }, disk);
    log.append([record(1)]);
    log.append([record(2), record(3)]);
    disk.flaws = { ...SOUND, failing: "sync" };
    assert.throws(() => log.append([record(4)]), /EIO/);
    disk.flaws = SOUND;
    disk.powerCut();
    const found = firstBytes(disk);
    assert.equal(found.slice(0, 3), [1, 2, 3]);
    if (found.length === 3) torn += 1;
  }
  assert.is(torn, 200, "a sync that failed has written nothing, as on Linux");
});

test("what a failed sync left unwritten is written by the next process that reads it", () => {
  const disk = diskOf(6);
  const log = LogFile.create(PATH, { cluster: CLUSTER, hollow: false }, disk);
  log.append([record(1)]);
  disk.flaws = { ...SOUND, failing: "sync" };
  assert.throws(() => log.append([record(2)]), /EIO/);
  disk.flaws = SOUND;
  disk.closeAll();
  const file = disk.open(PATH, "existing");
  disk.sync(file);
  assert.not.ok(disk.isClean(PATH), "a sync alone does not bring back what was given up");
  assert.equal(firstBytes(disk), [1, 2]);
  assert.ok(disk.isClean(PATH));
  disk.powerCut();
  assert.equal(firstBytes(disk), [1, 2]);
});

test("room that was made ahead in a failed sync need not be durable (swarm seed 1381)", () => {
  const disk = diskOf(6);
  const log = LogFile.create(PATH, { cluster: CLUSTER, hollow: false }, disk);
  disk.flaws = { ...SOUND, failing: "sync" };
  assert.throws(() => log.append([record(1)]), /EIO/, "the first record comes with the room");
  disk.flaws = SOUND;
  disk.closeAll();
  assert.not.ok(disk.isClean(PATH));
  assert.equal(firstBytes(disk), [1]);
  assert.ok(disk.isClean(PATH));
  disk.powerCut();
  assert.equal(firstBytes(disk), [1]);
});

test("a write that nobody synced may be lost, kept or torn", () => {
  const fates = new Set<string>();
  for (let seed = 1; seed <= 60; seed++) {
    const disk = diskOf(seed);
    const file = disk.open("/f", "create");
    disk.write(file, new Uint8Array(2_048), 0);
    disk.sync(file);
    disk.syncFolder();
    disk.write(
      file,
      Uint8Array.from({ length: 2_048 }, () => 9),
      0,
    );
    disk.powerCut();
    const nines = disk.read("/f")?.filter((byte) => byte === 9).length ?? 0;
    assert.is(nines % 512, 0, "a sector is whole or not there");
    fates.add(nines === 0 ? "lost" : nines === 2_048 ? "kept" : "torn");
  }
  assert.equal([...fates].sort(), ["kept", "lost", "torn"]);
});

test("a compaction is all or nothing, at whichever of its steps the power goes", () => {
  for (let boundary = 0; boundary < 12; boundary++) {
    for (let seed = 1; seed <= 20; seed++) {
      let left = Number.POSITIVE_INFINITY;
      const disk = new SimDisk(createRandom(seed), () => {
        if (left === 0) throw new Error("power cut");
        left -= 1;
      });
      const log = LogFile.create(PATH, { cluster: CLUSTER, hollow: false }, disk);
      log.append([record(1), record(2)]);
      log.replace([record(2)]);
      log.append([record(3)]);
      left = boundary;
      try {
        log.replace([record(3)]);
        log.append([record(4)]);
      } catch {
        disk.powerCut();
      }
      left = Number.POSITIVE_INFINITY;
      const found = firstBytes(disk).join(",");
      assert.ok(["2,3", "3", "3,4"].includes(found), `boundary ${boundary}: ${found}`);
    }
  }
});

test("a full disk takes no new byte, and one that was written ahead", () => {
  const disk = diskOf(3);
  const file = disk.open("/f", "create");
  disk.write(file, new Uint8Array(100), 0);
  disk.flaws = { ...SOUND, full: true };
  disk.write(file, Uint8Array.of(1), 99);
  assert.throws(() => disk.write(file, Uint8Array.of(1), 100), /ENOSPC/);
});

test("damage changes what is there, a roll-back brings back what was", () => {
  const disk = diskOf(4);
  const log = LogFile.create(PATH, { cluster: CLUSTER, hollow: false }, disk);
  log.append([record(1)]);
  const restore = disk.image();
  log.append([record(2)]);
  const before = disk.read(PATH);
  assert.type(disk.damage(PATH, "bit-flip"), "number");
  assert.not.equal(disk.read(PATH), before);
  restore();
  assert.equal(firstBytes(disk), [1]);
  disk.wipe();
  assert.is(disk.read(PATH), undefined);
});

test("bytes at rest are damaged where not all of them are durable yet (swarm seed 668)", () => {
  for (const how of ["bit-flip", "truncated", "torn", "misdirected"] as const) {
    for (let seed = 1; seed <= 20; seed++) {
      const disk = diskOf(seed);
      const file = disk.open(PATH, "create");
      disk.write(file, new Uint8Array(100).fill(1), 0);
      disk.sync(file);
      disk.syncFolder();
      disk.write(file, new Uint8Array(5_000).fill(2), 100);
      assert.type(disk.damage(PATH, how), "number");
      disk.powerCut("lost");
      const left = disk.read(PATH)?.length ?? 0;
      assert.ok(how === "truncated" ? left <= 100 : left === 100, `${how}: ${left} bytes`);
    }
  }
});

test.run();
