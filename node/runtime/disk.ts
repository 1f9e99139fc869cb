// What the protocol log asks of a disk, so that the same log runs on a real file system and on a
// modelled one. All calls are synchronous and throw errors that carry a system code (ENOSPC, EIO).

import { randomBytes } from "node:crypto";
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { systemCodeOf } from "./ordeal-error.js";

/** An open file: a descriptor. */
export type FileHandle = number;

export interface Disk {
  /** Bytes by which a file is extended ahead of what is written. */
  readonly allocationBytes: number;
  /** "create": empty, in place of whatever is there; "existing": throws where there is none. */
  open(path: string, how: "create" | "existing"): FileHandle;
  /** The whole file; undefined where there is none. */
  read(path: string): Buffer | undefined;
  /** Writes all of the bytes at a position. */
  write(file: FileHandle, bytes: Uint8Array, position: number): void;
  /** Content and size are durable afterwards. */
  sync(file: FileHandle): void;
  /** Content is durable afterwards, and what is needed to read it. */
  syncData(file: FileHandle): void;
  /** Names in this folder are durable afterwards. */
  syncFolder(folder: string): void;
  close(file: FileHandle): void;
  /** Replaces what has the new name. */
  rename(from: string, to: string): void;
  /** A second name of one file. */
  link(from: string, to: string): void;
  /** Nothing happens where there is no such file. */
  remove(path: string): void;
  /** Bytes that nobody can guess. */
  random(length: number): Buffer;
}

export const machineDisk: Disk = {
  allocationBytes: 1024 * 1024,
  open: (path, how) => openSync(path, how === "create" ? "w+" : "r+", 0o600),
  read(path) {
    try {
      return readFileSync(path);
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  },
  write(file, bytes, position) {
    let done = 0;
    while (done < bytes.length) {
      done += writeSync(file, bytes, done, bytes.length - done, position + done);
    }
  },
  sync: fsyncSync,
  syncData: fdatasyncSync,
  syncFolder(folder) {
    const directory = openSync(folder, "r");
    fsyncSync(directory);
    closeSync(directory);
  },
  close: closeSync,
  rename: renameSync,
  link: linkSync,
  remove: (path) => rmSync(path, { force: true }),
  random: randomBytes,
};
