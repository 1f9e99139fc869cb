// What may fail without harm to a run's verdict.

import { StoreWriteError } from "./append-file.js";
import type { Output } from "./progress.js";
import { oneLine } from "./usage-error.js";

/** Says a failure in one line and goes on. A full disk is said by its own error, which is thrown. */
export async function attempt(output: Output, what: string, work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof StoreWriteError) throw error;
    output.line(`${what}: ${oneLine(error)}`);
  }
}
