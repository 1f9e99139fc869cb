// A short folder for control sockets: a Unix socket's path is limited to 107 bytes, and a run's
// folder may lie anywhere.

import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SOCKET_PATH_BYTES_MAX } from "./control.js";
import { register } from "./registry.js";

/** Room for "/c65535.sock". */
const NAME_BYTES_MAX = 12;

export type RuntimeFolder = {
  path: string;
  /** Removes it with all that is in it. */
  remove(): void;
};

/** Makes a fresh folder, registered, in the first of these that is short enough. */
export function makeRuntimeFolder(parents: readonly string[] = [tmpdir(), "/tmp"]): RuntimeFolder {
  const name = `ordeal-${randomBytes(4).toString("hex")}`;
  const path = parents
    .map((parent) => join(parent, name))
    .find((each) => Buffer.byteLength(each) + NAME_BYTES_MAX <= SOCKET_PATH_BYTES_MAX);
  if (path === undefined) {
    throw new Error(
      `no folder for sockets: want one with a path below 80 bytes, found ${parents.join(", ")}; set TMPDIR`,
    );
  }
  const registration = register({ kind: "folder", path });
  mkdirSync(path, { mode: 0o700 });
  return {
    path,
    remove() {
      rmSync(path, { recursive: true, force: true });
      registration.release();
    },
  };
}
