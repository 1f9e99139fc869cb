// What a run amounts to in a few numbers, counted from what it recorded.

import type { SavedRun } from "./judge.js";

export type RunFigures = {
  /** Operations that ended under load, however they ended. */
  operations: number;
  /** Operations that succeeded under load. */
  reads: number;
  writes: number;
  /** From the start of the load to its last answer. */
  seconds: number;
  /** The highest view that any replica was seen in. */
  viewChanges: number;
  /** Replicas killed, each time counted. */
  crashes: number;
};

const READS: ReadonlySet<string> = new Set(["balance", "statement"]);

export function figuresOf({ meta, record, faults }: SavedRun): RunFigures {
  const { loadStart = 0, loadEnd } = meta.phases;
  const figures = { operations: 0, reads: 0, writes: 0, seconds: 0, viewChanges: 0, crashes: 0 };
  for (const { time, type, process, f } of record.history) {
    if (process === "nemesis" || type === "invoke") continue;
    if (time < loadStart || time > loadEnd) continue;
    figures.operations += 1;
    if (type !== "ok") continue;
    figures[READS.has(f) ? "reads" : "writes"] += 1;
    figures.seconds = (time - loadStart) / 1e9;
  }
  for (const { view } of meta.samples) figures.viewChanges = Math.max(figures.viewChanges, view);
  for (const fault of faults) {
    if (fault.type !== "start" || fault.fault.intent.kind !== "kill") continue;
    figures.crashes += fault.fault.nodes.length;
  }
  return figures;
}
