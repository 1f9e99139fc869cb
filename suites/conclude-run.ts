// From what a run has left in its folder to the verdict and the report beside it.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Verdict } from "../checker/verdict.js";
import { replaceFile } from "./append-file.js";
import { attempt } from "./attempt.js";
import { readRun, type SavedRun } from "./judge.js";
import { judgeInThread } from "./judging.js";
import { keepMinimalHistory } from "./minimal-history.js";
import type { Output } from "./progress.js";
import { prepareReport } from "./report/render.js";
import { verdictText } from "./store.js";

/** Judges a run whose files are all there. A report that cannot be made is said, and missing. */
export async function concludeRun(
  directory: string,
  output: Output,
): Promise<{ verdict: Verdict; saved: SavedRun }> {
  const judging = judgeInThread({ what: "run", path: directory });
  const reading = Promise.resolve().then(() => readRun(directory));
  // Prepared beside the judging, so that the report is there soon after the verdict.
  const preparing = reading.then(prepareReport);
  preparing.catch(() => undefined); // Said below, where the report would be written.
  const [{ verdict }, saved] = await Promise.all([judging, reading]);
  replaceFile(join(directory, "verdict.json"), verdictText(verdict));
  keepMinimalHistory(directory, verdict);
  await attempt(output, "report", async () =>
    writeFileSync(join(directory, "report.html"), (await preparing)(verdict)),
  );
  return { verdict, saved };
}
