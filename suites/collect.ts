// After a run: each replica's ledger, read from its own database, as a file of the store.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { NodeName } from "../nemesis/faults.js";
import { exportLedger } from "../node/ledger/export.js";
import { replaceFile, StoreWriteError } from "./append-file.js";
import { ledgerText } from "./ledger-file.js";
import type { Output } from "./progress.js";
import { oneLine } from "./usage-error.js";

/** A ledger that cannot be read is said, and missing from what is judged. */
export function collectLedgers(
  directory: string,
  replicas: readonly NodeName[],
  output: Output,
): void {
  for (const node of replicas) {
    const folder = join(directory, "replicas", node);
    const database = join(folder, "ledger.sqlite");
    if (!existsSync(database)) continue;
    try {
      const ledger = exportLedger(database);
      replaceFile(join(folder, "ledger.jsonl"), ledgerText({ node, ...ledger }));
    } catch (error) {
      if (error instanceof StoreWriteError) throw error;
      output.line(`collect ${node}: ${oneLine(error)}`);
    }
  }
}
