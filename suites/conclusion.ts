// What a run that has just ended amounts to, beside its verdict: its figures, and the report.

import type { Verdict } from "../checker/verdict.js";
import { figuresOf, type RunFigures } from "./figures.js";
import type { SavedRun } from "./judge.js";
import { oneLine } from "./usage-error.js";

export type Conclusion = {
  figures: RunFigures;
  /** The document, or why there is none. */
  report: { html: string } | { problem: string };
};

export async function conclusionOf(saved: SavedRun, verdict: Verdict): Promise<Conclusion> {
  return { figures: figuresOf(saved), report: await reportOf(saved, verdict) };
}

async function reportOf(saved: SavedRun, verdict: Verdict): Promise<Conclusion["report"]> {
  try {
    const { renderReport } = await import("./report/render.js");
    return { html: renderReport({ ...saved, verdict }) };
  } catch (error) {
    return { problem: oneLine(error) };
  }
}
