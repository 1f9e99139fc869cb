// Ends what a killed runner would leave behind, at once. It does nothing until its stdin ends; without a
// word before that, the runner has died, and what it had registered is removed as at the next start.
// Usage: node reaper-main.js <registry file>

import { basename, dirname } from "node:path";
import { sleep } from "./deadline.js";
import { registeredRuns, sweepRun } from "./sweep.js";

/** The kernel closes the pipes of a process that it ends shortly before the process is gone. */
const GONE_MS_MAX = 30_000;
const POLL_MS = 10;

const [, , file = ""] = process.argv;
let isDismissed = false;

process.stdin.on("data", () => {
  isDismissed = true;
});

process.stdin.on("end", async () => {
  for (let waitedMs = 0; !isDismissed && waitedMs < GONE_MS_MAX; waitedMs += POLL_MS) {
    const run = registeredRuns(dirname(file)).find(
      (each) => basename(each.file) === basename(file),
    );
    if (run?.state !== "alive") {
      if (run?.state === "dead")
        for (const line of (await sweepRun(run)).failed) console.error(line);
      break;
    }
    await sleep(POLL_MS);
  }
  process.exit(0);
});
