// The protocol log on disk: append-only groups of records, each group written at once and synced
// before anything that depends on it leaves the machine. So only the last group can be torn by a
// crash: a bad group with a good one behind it is damage, and is refused, for a replica that
// forgets a vote could cast another. (A last group that rotted after its sync looks torn; no log
// alone can tell.)
//
//   file:  magic 8 · cluster 8 · salt 16 · hollow 1 · crc32 4 · group…
//   group: mark 4 · length 4 · crc32 4 · (length 4 · record)…
// The mark is the group's number masked by the salt, and the salt is in every checksum, so that the
// bytes of a client's operation inside a record cannot pass for a group.

import assert from "node:assert";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
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
  /** Bytes of a torn last group that were cut off. */
  bytesCut: number;
  /** Begun on a wiped disk, and a crash came before the first record said so. */
  hollow: boolean;
};

/**
 * An open log. It always ends with a whole group: an append that fails ends the process, by an
 * OrdealError that nobody may swallow, and the next opening cuts what it left.
 */
export class LogFile {
  readonly #path: string;
  readonly #cluster: string;
  #fd: number;
  readonly #hollow: boolean;
  #salt: Buffer;
  #groups: number;
  #bytes: number;

  private constructor(path: string, cluster: string, fd: number, start: Start) {
    this.#path = path;
    this.#cluster = cluster;
    this.#fd = fd;
    this.#hollow = start.hollow;
    this.#salt = start.salt;
    this.#groups = start.groups;
    this.#bytes = start.bytes;
  }

  /**
   * A new, empty log in place of whatever is there. `hollow`: it replaces one that was lost, so what
   * was promised before is not known; the first record appended must say so.
   */
  static create(path: string, options: { cluster: string; hollow: boolean }): LogFile {
    const salt = randomBytes(16);
    const { fd, bytes } = written(path, header(options.cluster, salt, options.hollow));
    return new LogFile(path, options.cluster, fd, { ...options, salt, groups: 0, bytes });
  }

  /** Undefined where there is none; throws OrdealError where it is damaged or not ours. */
  static open(path: string, cluster: string): LogContent | undefined {
    const bytes = readIfThere(path);
    if (bytes === undefined) return undefined;
    const { salt, hollow } = readHeader(path, bytes, cluster);
    const { records, groups, end } = readGroups(path, bytes, salt);
    return guarded(path, "open", () => {
      rmSync(temporaryOf(path), { force: true });
      const fd = openSync(path, "r+");
      if (end < bytes.length) {
        ftruncateSync(fd, end);
        fsyncSync(fd);
      }
      const log = new LogFile(path, cluster, fd, { salt, hollow, groups, bytes: end });
      const bytesCut = bytes.length - end;
      return { log, records, bytesCut, hollow: hollow && records.length === 0 };
    });
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Makes the records durable with one write and one fdatasync. */
  append(records: readonly Uint8Array[]): void {
    if (records.length === 0) return;
    const bytes = group(this.#salt, this.#groups, records);
    guarded(this.#path, "append to", () => {
      writeAll(this.#fd, bytes, this.#bytes);
      fdatasyncSync(this.#fd);
    });
    this.#groups += 1;
    this.#bytes += bytes.length;
  }

  /** Puts these records in the place of all, at once or not at all. */
  replace(records: readonly Uint8Array[]): void {
    const salt = randomBytes(16);
    const parts = [header(this.#cluster, salt, this.#hollow)];
    if (records.length > 0) parts.push(group(salt, 0, records));
    const { fd, bytes } = written(this.#path, Buffer.concat(parts));
    const replaced = this.#fd;
    this.#fd = fd;
    this.#salt = salt;
    this.#groups = parts.length - 1;
    this.#bytes = bytes;
    guarded(this.#path, "close", () => closeSync(replaced));
  }

  close(): void {
    guarded(this.#path, "close", () => closeSync(this.#fd));
  }
}

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
): { records: Uint8Array[]; groups: number; end: number } {
  const records: Uint8Array[] = [];
  let groups = 0;
  let end = HEADER_BYTES;
  while (end < bytes.length) {
    const length = groupLengthAt(bytes, end, salt, groups);
    if (length === undefined) {
      refuseDamage(path, bytes, end, salt, groups);
      break;
    }
    for (let offset = end + GROUP_HEADER_BYTES; offset < end + length; ) {
      const recordEnd = offset + 4 + bytes.readUInt32BE(offset);
      records.push(bytes.subarray(offset + 4, recordEnd));
      offset = recordEnd;
    }
    end += length;
    groups += 1;
  }
  return { records, groups, end };
}

/** Throws where a good group follows the bad one at `start`. */
function refuseDamage(path: string, bytes: Buffer, start: number, salt: Buffer, index: number) {
  const marks = new Map(
    Array.from({ length: GROUPS_SOUGHT }, (_, step) => {
      const sought = index + 1 + step;
      return [markOf(salt, sought), sought];
    }),
  );
  for (let offset = start + 1; offset + GROUP_HEADER_BYTES <= bytes.length; offset++) {
    const sought = marks.get(bytes.readUInt32BE(offset));
    if (sought === undefined || groupLengthAt(bytes, offset, salt, sought) === undefined) continue;
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

/** The open file with this content, under its name, durable, or the old one untouched. */
function written(path: string, content: Buffer): { fd: number; bytes: number } {
  return guarded(path, "write", () => {
    const temporary = temporaryOf(path);
    const fd = openSync(temporary, "w+", 0o600);
    writeAll(fd, content, 0);
    fsyncSync(fd);
    renameSync(temporary, path);
    const directory = openSync(dirname(path), "r");
    fsyncSync(directory);
    closeSync(directory);
    return { fd, bytes: content.length };
  });
}

function temporaryOf(path: string): string {
  return `${path}.new`;
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  let done = 0;
  while (done < bytes.length) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
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
  return new OrdealError(
    "corrupt-log",
    `${path}: ${detail}; a replica that forgot votes is unsafe: ` +
      "wipe this data directory and start without --init to rejoin from the peers",
  );
}
