// The protocol log on disk: append-only groups of records, each group written at once and synced
// before anything that depends on it leaves the machine. So only the last group can be torn by a
// crash: a bad group with a good one behind it is damage, and is refused, for a replica that
// forgets a vote could cast another: it must rejoin (replica-assembly.ts). (A last group that rotted after its sync looks torn; no log
// alone can tell.)
//
// Space is written ahead of the groups, and a compaction recycles the file that the one before it
// replaced: a sync that changes no size and no block waits for no journal of the file system, and so
// not for what other processes have to write. Bytes behind the last group mean nothing.
//
//   file:  magic 8 · cluster 8 · salt 16 · hollow 1 · crc32 4 · group…
//   group: mark 4 · length 4 · crc32 4 · (length 4 · record)…
// The mark is the group's number masked by the salt, and the salt is in every checksum, so that the
// bytes of a client's operation inside a record cannot pass for a group.

import assert from "node:assert";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { type Disk, type FileHandle, machineDisk } from "./disk.js";
import { messageOf, OrdealError, systemCodeOf } from "./ordeal-error.js";

const MAGIC = "ORDEAL\x00\x01";
const SALT_OFFSET = 16;
const HOLLOW_OFFSET = 32;
const HEADER_BYTES = 37;
const GROUP_HEADER_BYTES = 12;
/** How many groups behind a bad one are looked for. */
const GROUPS_SOUGHT = 64;

export type LogContent = {
  log: LogFile;
  /** Encoded records, in order. */
  records: readonly Uint8Array[];
  /** Whether a last group was begun and not finished: it is cut off. */
  torn: boolean;
  /** Begun on a wiped disk, and a crash came before the first record said so. */
  hollow: boolean;
};

/**
 * An open log. It always ends with a whole group: an append that fails ends the process, by an
 * OrdealError that nobody may swallow, and the next opening cuts what it left.
 */
export class LogFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #cluster: string;
  readonly #hollow: boolean;
  #file: Allocated;
  /** What the last compaction replaced. */
  #spare: Allocated | undefined;
  #salt: Buffer;
  #groups: number;
  #bytes: number;

  private constructor(disk: Disk, path: string, cluster: string, file: Allocated, start: Start) {
    this.#disk = disk;
    this.#path = path;
    this.#cluster = cluster;
    this.#file = file;
    this.#hollow = start.hollow;
    this.#salt = start.salt;
    this.#groups = start.groups;
    this.#bytes = start.bytes;
  }

  /**
   * A new, empty log in place of whatever is there. `hollow`: it replaces one that was lost, so what
   * was promised before is not known; the first record appended must say so.
   */
  static create(
    path: string,
    { cluster, hollow }: { cluster: string; hollow: boolean },
    disk: Disk = machineDisk,
  ): LogFile {
    return guarded(path, "create", () => {
      const salt = disk.random(16);
      const content = header(cluster, salt, hollow);
      const file = { fd: disk.open(temporaryOf(path), "create"), bytes: 0 };
      writeAllocated(disk, file, content, 0);
      disk.sync(file.fd);
      disk.rename(temporaryOf(path), path);
      disk.syncFolder(dirname(path));
      return new LogFile(disk, path, cluster, file, {
        hollow,
        salt,
        groups: 0,
        bytes: content.length,
      });
    });
  }

  /** Undefined where there is none; throws OrdealError where it is damaged or not ours. */
  static open(path: string, cluster: string, disk: Disk = machineDisk): LogContent | undefined {
    const bytes = readIfThere(disk, path);
    if (bytes === undefined) return undefined;
    const { salt, hollow } = readHeader(path, bytes, cluster);
    const { records, groups, end, torn } = readGroups(path, bytes, salt);
    return guarded(path, "open", () => {
      disk.remove(temporaryOf(path));
      disk.remove(replacedOf(path));
      const file = { fd: disk.open(path, "existing"), bytes: bytes.length };
      // What was read may be in memory only: a crash of the process left it unsynced, or its sync
      // failed, and then Linux calls the pages clean and no later sync writes them. So it is written
      // again, the same bytes in the same place. Source: "fsyncgate", lwn.net/Articles/752063.
      disk.write(file.fd, bytes.subarray(0, end), 0);
      disk.sync(file.fd);
      const log = new LogFile(disk, path, cluster, file, { salt, hollow, groups, bytes: end });
      return { log, records, torn, hollow: hollow && records.length === 0 };
    });
  }

  /** Takes a damaged log out of the way; it is kept for inspection, under the name returned. */
  static setAside(path: string, disk: Disk = machineDisk): string {
    const kept = `${path}.damaged`;
    guarded(path, "set aside", () => disk.rename(path, kept));
    return kept;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Makes the records durable with one write and one fdatasync. */
  append(records: readonly Uint8Array[]): void {
    if (records.length === 0) return;
    const bytes = group(this.#salt, this.#groups, records);
    guarded(this.#path, "append to", () => {
      writeAllocated(this.#disk, this.#file, bytes, this.#bytes);
      this.#disk.syncData(this.#file.fd);
    });
    this.#groups += 1;
    this.#bytes += bytes.length;
  }

  /** Puts these records in the place of all, at once or not at all. */
  replace(records: readonly Uint8Array[]): void {
    const disk = this.#disk;
    const salt = disk.random(16);
    const parts = [header(this.#cluster, salt, this.#hollow)];
    if (records.length > 0) parts.push(group(salt, 0, records));
    const content = Buffer.concat(parts);
    const fresh = guarded(this.#path, "compact", () => {
      const temporary = temporaryOf(this.#path);
      const file = this.#spare ?? { fd: disk.open(temporary, "create"), bytes: 0 };
      writeAllocated(disk, file, content, 0);
      disk.syncData(file.fd);
      // The second name keeps the replaced file for the next time; the rename alone is what counts.
      disk.link(this.#path, replacedOf(this.#path));
      disk.rename(temporary, this.#path);
      disk.rename(replacedOf(this.#path), temporary);
      disk.syncFolder(dirname(this.#path));
      return file;
    });
    this.#spare = this.#file;
    this.#file = fresh;
    this.#salt = salt;
    this.#groups = parts.length - 1;
    this.#bytes = content.length;
  }

  close(): void {
    guarded(this.#path, "close", () => {
      this.#disk.close(this.#file.fd);
      if (this.#spare === undefined) return;
      this.#disk.close(this.#spare.fd);
      this.#disk.remove(temporaryOf(this.#path));
    });
  }
}

/** An open file and its size, space ahead included. */
type Allocated = { readonly fd: FileHandle; bytes: number };
type Start = { hollow: boolean; salt: Buffer; groups: number; bytes: number };

function header(cluster: string, salt: Buffer, hollow: boolean): Buffer {
  assert(/^[0-9a-f]{16}$/.test(cluster), "log: a cluster id is 16 hexadecimal characters");
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write(MAGIC, 0, "latin1");
  bytes.write(cluster, 8, "hex");
  salt.copy(bytes, SALT_OFFSET);
  bytes[HOLLOW_OFFSET] = hollow ? 1 : 0;
  bytes.writeUInt32BE(crc32(bytes.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
  return bytes;
}

function readHeader(
  path: string,
  bytes: Buffer,
  cluster: string,
): { salt: Buffer; hollow: boolean } {
  if (
    bytes.length < HEADER_BYTES ||
    bytes.toString("latin1", 0, 8) !== MAGIC ||
    bytes.readUInt32BE(HEADER_BYTES - 4) !== crc32(bytes.subarray(0, HEADER_BYTES - 4))
  ) {
    throw corrupt(path, "its header is damaged");
  }
  const found = bytes.toString("hex", 8, 16);
  if (found !== cluster) {
    throw new OrdealError(
      "foreign-log",
      `${path}: the log of cluster ${found}, not of ${cluster}: give each cluster its own --data`,
    );
  }
  const salt = Buffer.from(bytes.subarray(SALT_OFFSET, HOLLOW_OFFSET));
  return { salt, hollow: bytes[HOLLOW_OFFSET] === 1 };
}

function group(salt: Buffer, index: number, records: readonly Uint8Array[]): Buffer {
  const length = records.reduce((sum, record) => sum + 4 + record.length, 0);
  const bytes = Buffer.allocUnsafe(GROUP_HEADER_BYTES + length);
  bytes.writeUInt32BE(markOf(salt, index), 0);
  bytes.writeUInt32BE(length, 4);
  let offset = GROUP_HEADER_BYTES;
  for (const record of records) {
    bytes.writeUInt32BE(record.length, offset);
    bytes.set(record, offset + 4);
    offset += 4 + record.length;
  }
  bytes.writeUInt32BE(checksum(salt, bytes), 8);
  return bytes;
}

function readGroups(
  path: string,
  bytes: Buffer,
  salt: Buffer,
): { records: Uint8Array[]; groups: number; end: number; torn: boolean } {
  const records: Uint8Array[] = [];
  let groups = 0;
  let end = HEADER_BYTES;
  for (;;) {
    const length = groupLengthAt(bytes, end, salt, groups);
    if (length === undefined) break;
    for (let offset = end + GROUP_HEADER_BYTES; offset < end + length; ) {
      const recordEnd = offset + 4 + bytes.readUInt32BE(offset);
      records.push(bytes.subarray(offset + 4, recordEnd));
      offset = recordEnd;
    }
    end += length;
    groups += 1;
  }
  refuseDamage(path, bytes, end, salt, groups);
  const torn = end + 4 <= bytes.length && bytes.readUInt32BE(end) === markOf(salt, groups);
  return { records, groups, end, torn };
}

/** Throws where a later group is found at or behind `start`, where this one should have been. */
function refuseDamage(path: string, bytes: Buffer, start: number, salt: Buffer, index: number) {
  const mask = markOf(salt, 0);
  let mark = 0;
  for (let offset = start; offset < bytes.length; offset++) {
    mark = ((mark << 8) | (bytes[offset] ?? 0)) >>> 0;
    const found = (mark ^ mask) >>> 0;
    if (found <= index || found > index + GROUPS_SOUGHT) continue;
    if (groupLengthAt(bytes, offset - 3, salt, found) === undefined) continue;
    throw corrupt(path, `group ${index} at byte ${start} is damaged, and later ones are not`);
  }
}

/** Bytes of the good group that starts here, or undefined. */
function groupLengthAt(
  bytes: Buffer,
  start: number,
  salt: Buffer,
  index: number,
): number | undefined {
  if (start + GROUP_HEADER_BYTES > bytes.length) return undefined;
  if (bytes.readUInt32BE(start) !== markOf(salt, index)) return undefined;
  const length = GROUP_HEADER_BYTES + bytes.readUInt32BE(start + 4);
  if (start + length > bytes.length) return undefined;
  const found = bytes.subarray(start, start + length);
  return found.readUInt32BE(8) === checksum(salt, found) ? length : undefined;
}

function markOf(salt: Buffer, index: number): number {
  return (salt.readUInt32BE(0) ^ index) >>> 0;
}

function checksum(salt: Buffer, groupBytes: Buffer): number {
  return crc32(
    groupBytes.subarray(GROUP_HEADER_BYTES),
    crc32(groupBytes.subarray(0, 8), crc32(salt)),
  );
}

/** Writes at a position, after adding zeros ahead where the file is too short for it. */
function writeAllocated(disk: Disk, file: Allocated, bytes: Buffer, position: number): void {
  const end = position + bytes.length;
  if (end > file.bytes) {
    const step = disk.allocationBytes;
    const size = Math.ceil((end + 1) / step) * step;
    disk.write(file.fd, Buffer.alloc(size - file.bytes), file.bytes);
    file.bytes = size;
  }
  disk.write(file.fd, bytes, position);
}

/** The next log while it is written, and the spare one between compactions. */
function temporaryOf(path: string): string {
  return `${path}.new`;
}

function replacedOf(path: string): string {
  return `${path}.replaced`;
}

function readIfThere(disk: Disk, path: string): Buffer | undefined {
  try {
    return disk.read(path);
  } catch (error) {
    throw new OrdealError("disk", `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function guarded<T>(path: string, what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = systemCodeOf(error);
    const full = code === "ENOSPC" || code === "EDQUOT";
    const advice = full ? "; free some space and start again: nothing acknowledged is lost" : "";
    throw new OrdealError(
      full ? "disk-full" : "disk",
      `cannot ${what} ${path}: ${messageOf(error)}${advice}`,
      { cause: error },
    );
  }
}

function corrupt(path: string, detail: string): OrdealError {
  return new OrdealError("corrupt-log", `${path}: ${detail}`);
}
