// A file system in memory that keeps two truths: what a reader sees, and what a power cut would leave.
// A write is seen at once and durable after a sync; a cut leaves any of the unsynced sectors, so that
// writes may be lost, torn, or durable in another order. Names change at once, too, and are durable
// after their folder's sync; a cut leaves a first part of those changes, as a journal does.

import type { DiskDamage } from "../../nemesis/faults.js";
import type { Random } from "../../nemesis/random.js";
import type { Disk, FileHandle } from "../../node/runtime/disk.js";
import { type DiskBites, type DiskFlaws, NO_BITES, SOUND, systemError } from "./disk-faults.js";
import { GrowingBytes } from "./growing-bytes.js";

const SECTOR_BYTES = 512;
/** Little, so that a log that grows needs space often. */
const ALLOCATION_BYTES = 2_048;

/** What can become of the bytes of one file. */
export type DamageAtRest = Exclude<DiskDamage, "wiped" | "rolled-back">;

type Inode = {
  /** As read now. */
  content: GrowingBytes;
  /** As a power cut would leave it if no unsynced sector survives. */
  durable: GrowingBytes;
  pending: { position: number; bytes: Buffer }[];
  /** A sync failed: some of what is read is not durable, and no later sync will make it so. */
  forsaken: boolean;
};

/** Every operation passes here first; it may spend the node's time, or end its process by throwing. */
export type DiskHook = (what: "write" | "sync" | "folder", costUs: number) => void;

export class SimDisk implements Disk {
  readonly allocationBytes = ALLOCATION_BYTES;
  flaws: DiskFlaws = SOUND;
  readonly bites: DiskBites = { ...NO_BITES };
  /** By writes that succeeded, of all files. */
  bytesWritten = 0;
  readonly #random: Random;
  readonly #hook: DiskHook;
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  /** Changes of names since the last sync of the folder, oldest first. */
  #nameChanges: ((names: Map<string, Inode>) => void)[] = [];
  readonly #open = new Map<FileHandle, Inode>();
  #handles = 0;

  constructor(random: Random, hook: DiskHook) {
    this.#random = random;
    this.#hook = hook;
  }

  open(path: string, how: "create" | "existing"): FileHandle {
    if (this.flaws.noneOpens) throw systemError("EMFILE", `open ${path}`);
    let inode = this.#names.get(path);
    if (how === "create") {
      const fresh: Inode = {
        content: new GrowingBytes(),
        durable: new GrowingBytes(),
        pending: [],
        forsaken: false,
      };
      this.#rename((names) => names.set(path, fresh));
      inode = fresh;
    }
    if (inode === undefined) throw systemError("ENOENT", `open ${path}`);
    const handle = ++this.#handles;
    this.#open.set(handle, inode);
    return handle;
  }

  read(path: string): Buffer | undefined {
    const inode = this.#names.get(path);
    if (inode !== undefined && this.flaws.failing === "read") {
      this.bites.readsFailed += 1;
      throw systemError("EIO", "read");
    }
    return inode === undefined ? undefined : Buffer.from(inode.content.bytes);
  }

  write(file: FileHandle, bytes: Uint8Array, position: number): void {
    const inode = this.#inode(file);
    this.#wait("write", this.flaws.writeUs);
    this.refuse("write", position + bytes.length > inode.content.length);
    inode.content.write(bytes, position);
    inode.pending.push({ position, bytes: Buffer.from(bytes) });
    this.bytesWritten += bytes.length;
  }

  sync(file: FileHandle): void {
    const inode = this.#inode(file);
    this.#wait("sync", this.flaws.syncUs);
    if (this.flaws.failing === "sync") {
      this.bites.syncsFailed += 1;
      // As Linux does: the pages are clean now, and were not written.
      inode.forsaken ||= inode.pending.length > 0;
      inode.pending = [];
      throw systemError("EIO", "fsync");
    }
    for (const { position, bytes } of inode.pending) inode.durable.write(bytes, position);
    inode.pending = [];
  }

  syncData(file: FileHandle): void {
    this.sync(file);
  }

  syncFolder(): void {
    this.#wait("folder", this.flaws.syncUs);
    if (this.flaws.failing === "sync") {
      this.bites.syncsFailed += 1;
      throw systemError("EIO", "fsync");
    }
    for (const change of this.#nameChanges.splice(0)) change(this.#durableNames);
  }

  close(file: FileHandle): void {
    this.#open.delete(file);
  }

  rename(from: string, to: string): void {
    const inode = this.#names.get(from);
    if (inode === undefined) throw systemError("ENOENT", `rename ${from}`);
    this.#rename((names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  link(from: string, to: string): void {
    const inode = this.#names.get(from);
    if (inode === undefined) throw systemError("ENOENT", `link ${from}`);
    this.#rename((names) => names.set(to, inode));
  }

  remove(path: string): void {
    this.#rename((names) => names.delete(path));
  }

  random(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.#random.int(256)));
  }

  /** Throws as a write or a sync of another file of this disk would just now; `grows`: it needs space. */
  refuse(what: "write" | "sync", grows: boolean): void {
    const { failing, full } = this.flaws;
    if (failing === what) {
      this.bites[what === "write" ? "writesFailed" : "syncsFailed"] += 1;
      throw systemError("EIO", what);
    }
    if (!full || !grows) return;
    this.bites.refusedForSpace += 1;
    throw systemError("ENOSPC", what);
  }

  /** True where every written byte of this file is durable; zeros at its end need not be. */
  isClean(path: string): boolean {
    const inode = this.#names.get(path);
    if (inode === undefined || inode.pending.length > 0) return false;
    const { content, durable } = inode;
    if (inode.forsaken) inode.forsaken = !inUse(content.bytes).equals(inUse(durable.bytes));
    return !inode.forsaken;
  }

  /** The process is gone; the machine, and what was written, stays. */
  closeAll(): void {
    this.#open.clear();
  }

  /**
   * The machine is gone: of what was not synced nothing is left, or ("torn") whatever the disk had
   * reached.
   */
  powerCut(unsynced: "lost" | "torn" = "torn"): void {
    this.closeAll();
    const kept = unsynced === "lost" ? 0 : this.#random.int(this.#nameChanges.length + 1);
    for (const change of this.#nameChanges.slice(0, kept)) change(this.#durableNames);
    this.#nameChanges = [];
    this.#names = new Map(this.#durableNames);
    for (const inode of new Set(this.#names.values())) this.#cut(inode, unsynced);
  }

  /** A copy of what is durable, to roll back to. */
  image(): () => void {
    const kept = [...this.#durableNames].map(([path, { durable }]) => ({
      path,
      bytes: Buffer.from(durable.bytes),
    }));
    return () => {
      this.closeAll();
      this.#nameChanges = [];
      this.#names = new Map(
        kept.map(({ path, bytes }) => [
          path,
          {
            content: new GrowingBytes(bytes),
            durable: new GrowingBytes(bytes),
            pending: [],
            forsaken: false,
          },
        ]),
      );
      this.#durableNames = new Map(this.#names);
    };
  }

  /** Nothing is left. */
  wipe(): void {
    this.closeAll();
    this.#nameChanges = [];
    this.#names = new Map();
    this.#durableNames = new Map();
  }

  /**
   * Changes bytes at rest, as nemesis/host/disk/disk-tool.c does, and says at which of them it began;
   * undefined for an empty file.
   */
  damage(path: string, how: DamageAtRest): number | undefined {
    const inode = this.#names.get(path);
    const used = inode === undefined ? 0 : inUse(inode.content.bytes).length;
    if (inode === undefined || used === 0) return undefined;
    const at = this.#random.int(used);
    const change = this.#damage(how, used, at);
    inode.content = new GrowingBytes(change(inode.content.bytes));
    inode.durable = new GrowingBytes(change(inode.durable.bytes));
    return at;
  }

  #damage(how: DamageAtRest, used: number, at: number): (bytes: Buffer) => Buffer {
    switch (how) {
      case "bit-flip": {
        const mask = 1 << this.#random.int(8);
        return (bytes) =>
          edited(bytes, () => {
            if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ mask;
          });
      }
      case "truncated":
        return (bytes) => bytes.subarray(0, at);
      case "torn": {
        const length = 1 + this.#random.int(Math.min(used, SECTOR_BYTES));
        return (bytes) => {
          const within = bytes.subarray(used - length, used); // What is durable may be shorter.
          return edited(bytes, () => within.fill(0));
        };
      }
      case "misdirected": {
        const from = SECTOR_BYTES * this.#random.int(Math.ceil(used / SECTOR_BYTES));
        const to = SECTOR_BYTES * Math.floor(at / SECTOR_BYTES);
        return (bytes) => edited(bytes, () => bytes.copyWithin(to, from, from + SECTOR_BYTES));
      }
      default:
        return how satisfies never;
    }
  }

  #cut(inode: Inode, unsynced: "lost" | "torn"): void {
    const after = new GrowingBytes(inode.durable.bytes);
    for (const { position, bytes: wanted } of unsynced === "lost" ? [] : inode.pending) {
      const fate = this.#random.int(3);
      if (fate === 0) continue;
      if (fate === 1) {
        after.write(wanted, position);
        continue;
      }
      for (let at = 0; at < wanted.length; ) {
        const sectorEnd = SECTOR_BYTES * (Math.floor((position + at) / SECTOR_BYTES) + 1);
        const end = Math.min(wanted.length, sectorEnd - position);
        if (this.#random.chance(0.5)) after.write(wanted.subarray(at, end), position + at);
        at = end;
      }
    }
    inode.content = after;
    inode.durable = new GrowingBytes(after.bytes);
    inode.pending = [];
    inode.forsaken = false;
  }

  #wait(what: "write" | "sync" | "folder", meanUs: number): void {
    if (this.flaws.syncUs > SOUND.syncUs) this.bites.slowed += 1;
    this.#hook(what, this.#random.exponential(meanUs));
  }

  #rename(change: (names: Map<string, Inode>) => void): void {
    change(this.#names);
    this.#nameChanges.push(change);
  }

  #inode(file: FileHandle): Inode {
    const inode = this.#open.get(file);
    if (inode === undefined) throw systemError("EIO", `no open file ${file}`);
    return inode;
  }
}

function edited(bytes: Buffer, edit: () => void): Buffer {
  edit();
  return bytes;
}

/** Up to the last byte that is not zero: what comes behind is room that was made ahead. */
function inUse(bytes: Buffer): Buffer {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0) length -= 1;
  return bytes.subarray(0, length);
}
