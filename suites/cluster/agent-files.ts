// Reading back what nodes wrote on another machine: the agent's end lists and reads, the runner's end
// writes the same files here.

import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

export type RemoteFile = { path: string; bytes: number };
/** A part of a file, in base64; shorter than asked for at the file's end. */
export type FilePart = string;

/** Bytes read at a time: a line of JSON that holds them is short enough to pass between others. */
const PART_BYTES = 1 << 18;

/** All plain files below the folder, by their paths in it. */
export function listFiles(folder: string): readonly RemoteFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: path.slice(folder.length + 1), bytes: statSync(path).size }));
}

export function readPart(path: string, offset: number, bytes: number): FilePart {
  const buffer = Buffer.alloc(bytes);
  const file = openSync(path, "r");
  try {
    return buffer.subarray(0, readSync(file, buffer, 0, bytes, offset)).toString("base64");
  } finally {
    closeSync(file);
  }
}

/** Copies these files into the folder, part by part. */
export async function writeFiles(
  folder: string,
  files: readonly RemoteFile[],
  read: (path: string, offset: number, bytes: number) => Promise<FilePart>,
): Promise<void> {
  for (const { path, bytes } of files) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    const file = openSync(target, "w", 0o600);
    try {
      for (let offset = 0; offset < bytes; ) {
        const part = Buffer.from(await read(path, offset, PART_BYTES), "base64");
        if (part.length === 0) break; // It has become shorter meanwhile.
        writeSync(file, part);
        offset += part.length;
      }
    } finally {
      closeSync(file);
    }
  }
}
