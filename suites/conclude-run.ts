// From what a run has left in its folder to the verdict and the report beside it.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Verdict } from "../checker/verdict.js";
import { replaceFile } from "./append-file.js";
import { attempt } from "./attempt.js";
import { conclusionOf } from "./conclusion.js";
import type { RunFigures } from "./figures.js";
import { readRun } from "./judge.js";
import { Judging } from "./judging.js";
import { keepMinimalHistory } from "./minimal-history.js";
import type { Output } from "./progress.js";
import { verdictText } from "./store.js";

/** To begin as soon as a run's history is there. */
export function beginConcluding(directory: string): Judging {
  return new Judging({ what: "run", path: directory, concluding: true });
}

/** Judges a run whose files are all there. A report that cannot be made is said, and missing. */
export async function concludeRun(
  directory: string,
  output: Output,
  judging = beginConcluding(directory),
): Promise<{ verdict: Verdict; figures: RunFigures }> {
  try {
    const { verdict } = await judging.judged();
    replaceFile(join(directory, "verdict.json"), verdictText(verdict));
    keepMinimalHistory(directory, verdict);
    // Where a budget ended the thread, the rest is done here.
    const concluded = await judging.concluded;
    const { figures, report } = concluded ?? (await conclusionOf(readRun(directory), verdict));
    if ("problem" in report) output.line(`report: ${report.problem}`);
    else {
      const { html } = report;
      await attempt(output, "report", () => writeFileSync(join(directory, "report.html"), html));
    }
    return { verdict, figures };
  } finally {
    await judging.end();
  }
}
