// The folder that a run of a simulated bank would leave: run.json, the history, and four ledgers alike.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readHistory } from "../checker/read-history.js";
import { ledgerText } from "../suites/ledger-file.js";
import { RUN_META_FIXTURE } from "../suites/run-meta-fixture.js";
import { writeMeta } from "../suites/store.js";
import { writeLoad } from "./load-file.js";
import { ledgersOf } from "./run-ledgers.js";

const REPLICAS = ["r0", "r1", "r2", "r3"];
/** The last tenth of the operations are those after healing. */
const HEALED_SHARE = 0.9;

/** Without faults, and without operations of unknown outcome: a run that must be judged valid. */
export function writeRun(directory: string, operations: number): void {
  mkdirSync(directory);
  const path = join(directory, "history.jsonl");
  writeLoad(path, { operations, concurrency: 5 });
  const history = readHistory(path);
  for (const ledger of ledgersOf(history, REPLICAS)) {
    const folder = join(directory, "replicas", ledger.node);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "ledger.jsonl"), ledgerText(ledger));
  }
  const healed = history[Math.floor(HEALED_SHARE * history.length)]?.time ?? 0;
  const end = history.at(-1)?.time ?? 0;
  writeMeta(directory, {
    ...RUN_META_FIXTURE,
    suite: "bench",
    phases: { loadStart: 0, loadEnd: healed, healed, quiescent: end, end },
    recoveryBoundNs: 1e9,
    correctReplicas: REPLICAS,
  });
}
