// A short folder for control sockets: a Unix socket's path is limited to 107 bytes, and a run's
// folder may lie anywhere.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SOCKET_PATH_BYTES_MAX } from "./control.js";

/** Room for "/c65535.sock". */
const NAME_BYTES_MAX = 12;

/** Makes a fresh folder in the first of these that exists and is short enough. */
export function makeRuntimeFolder(parents: readonly string[] = [tmpdir(), "/tmp"]): string {
  for (const parent of parents) {
    const prefix = join(parent, "ordeal-");
    // mkdtemp adds six characters.
    if (Buffer.byteLength(prefix) + 6 + NAME_BYTES_MAX > SOCKET_PATH_BYTES_MAX) continue;
    return mkdtempSync(prefix);
  }
  throw new Error(
    `no folder for sockets: want one with a path below 80 bytes, found ${parents.join(", ")}; set TMPDIR`,
  );
}
