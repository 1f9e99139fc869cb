// A file of JSON lines that grows by whole lines, each handed to the kernel before the next thing
// happens: what was recorded outlives the runner.

import { closeSync, openSync, renameSync, writeFileSync, writeSync } from "node:fs";

/** The store could not take a line: the disk is full, or gone. What it took before stays. */
export class StoreWriteError extends Error {
  override readonly name = "StoreWriteError";

  constructor(path: string, cause: unknown) {
    const code = errorCode(cause);
    const reason = code === "ENOSPC" ? "the disk is full (ENOSPC)" : `write failed (${code})`;
    super(`${path}: ${reason}; what was recorded before stays; free space or pass --store`);
  }
}

export type AppendFile = {
  readonly path: string;
  /** Writes one line; throws StoreWriteError. */
  append(value: unknown): void;
  close(): void;
};

/** Creates the file, which must not exist yet. */
export function createAppendFile(path: string): AppendFile {
  const file = openSync(path, "ax");
  let open = true;
  return {
    path,
    append(value) {
      const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
      try {
        let written = 0;
        while (written < bytes.length) written += writeSync(file, bytes, written);
      } catch (error) {
        throw new StoreWriteError(path, error);
      }
    },
    close() {
      if (open) closeSync(file);
      open = false;
    },
  };
}

/** Puts a whole file in place of an older one, or leaves the older one as it was. */
export function replaceFile(path: string, text: string): void {
  const fresh = `${path}.new`;
  try {
    writeFileSync(fresh, text);
    renameSync(fresh, path);
  } catch (error) {
    throw new StoreWriteError(path, error);
  }
}

/** The system's code of an error ("ENOSPC"), else its message. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return error instanceof Error ? error.message : String(error);
}
