// A verdict for people: one line a check, the explanation under what is wrong, and at the end how to
// see the run again.

import type { CheckResult, Valid, Verdict } from "../checker/verdict.js";
import { minimalHistoryLines } from "./minimal-history.js";
import type { RunOutcome } from "./run.js";

const MARKS = new Map<Valid, string>([
  [true, "valid  "],
  [false, "INVALID"],
  ["unknown", "unknown"],
]);

const EXPLANATION_LINES_MAX = 20;

export function verdictLines(verdict: Verdict): string[] {
  const lines: string[] = [];
  for (const [name, check] of Object.entries(verdict.checks)) {
    lines.push(`  ${MARKS.get(check.valid)}  ${name}: ${summaryOf(check)}`);
    if (check.valid === true) continue;
    const explanation = check.explanation ?? [];
    const shown = explanation.slice(0, EXPLANATION_LINES_MAX);
    lines.push(...shown.map((line) => `           ${line}`));
    const more = explanation.length - shown.length;
    if (more > 0) lines.push(`           and ${more} lines more in verdict.json`);
  }
  return lines;
}

/** After a run: the verdict, where it is kept, and how to repeat it where it is not valid. */
export function outcomeLines({ directory, meta, verdict, crashed }: RunOutcome): string[] {
  const valid = verdict["valid?"];
  const lines = [...verdictLines(verdict), `${meta.suite}: ${wordOf(valid)}  ${directory}`];
  if (meta.expectedUnsafe !== undefined) {
    const { faultyMax } = meta.expectedUnsafe;
    const word = valid === false ? "caught" : "NOT caught";
    lines.push(`expected-unsafe: ${word} (${faultyMax} replicas may be faulty, f is ${meta.f})`);
  }
  lines.push(...minimalHistoryLines(directory));
  if (crashed !== undefined) lines.push(`the run crashed: ${crashed}`);
  if (valid !== true || crashed !== undefined) {
    lines.push(
      `reproduce: ${meta.reproduce}  (suite ${meta.suite}, seed ${meta.seed}, ` +
        `commit ${meta.commit})`,
    );
  }
  return lines;
}

export function wordOf(valid: Valid): string {
  return valid === "unknown" ? "unknown" : valid ? "valid" : "invalid";
}

function summaryOf({ summary, crashed }: CheckResult): string {
  return crashed === undefined ? summary : `the check crashed: ${crashed}`;
}
