// The runner's end of the reaper process: see reaper-main.ts.

import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { registryFile } from "./registry.js";

const MAIN = fileURLToPath(new URL("./reaper-main.js", import.meta.url));

export class Reaper {
  readonly #stdin: Writable;
  readonly #exited: Promise<unknown>;

  constructor() {
    const subprocess = execa(process.execPath, [MAIN, registryFile()], {
      stdin: "pipe",
      stdout: "ignore",
      stderr: "inherit",
      reject: false,
      cleanup: false,
      // A session of its own: it must outlive whatever kills the runner's process group.
      detached: true,
    });
    if (subprocess.pid === undefined) throw new Error("reaper: could not start its process");
    this.#stdin = subprocess.stdin;
    // Its end shows in `stop`; a broken pipe before that only means that it cannot help.
    this.#stdin.on("error", (error) => process.emitWarning(`reaper: ${error.message}`));
    this.#exited = subprocess;
  }

  /** It is not needed any more: the runner has removed everything itself. */
  async stop(): Promise<void> {
    this.#stdin.end("dismissed\n");
    await this.#exited;
  }
}
