// One cycle: its steps, and the anomaly that it is.

import type { CycleKind, CycleName } from "./anomalies.js";
import { PROCESS, REALTIME, RW, WR } from "./edges.js";

/** Transaction `from` precedes transaction `to`; `reason` as in Edges, -1 where there is none. */
export type Step = { from: number; to: number; kind: number; reason: number };

/** The name of the anomaly, from the kinds of its edges alone. */
export function classify(steps: readonly Step[]): CycleName {
  const suffix = has(steps, REALTIME) ? "-realtime" : has(steps, PROCESS) ? "-process" : "";
  return `${kindOf(steps)}${suffix}`;
}

function kindOf(steps: readonly Step[]): CycleKind {
  const rw = steps.filter(({ kind }) => kind === RW).length;
  if (rw === 0) return has(steps, WR) ? "G1c" : "G0";
  if (rw === 1) return "G-single";
  const adjacent = steps.some(
    ({ kind }, position) => kind === RW && steps.at(position - 1)?.kind === RW,
  );
  return adjacent ? "G2-item" : "G-nonadjacent";
}

function has(steps: readonly Step[], kind: number): boolean {
  return steps.some((step) => step.kind === kind);
}

/** A closed walk cut where it meets itself: cycles that visit no transaction twice. */
export function simpleCycles(walk: readonly Step[]): Step[][] {
  const cycles: Step[][] = [];
  const open: Step[] = [];
  const positions = new Map<number, number>();
  for (const step of walk) {
    positions.set(step.from, open.length);
    open.push(step);
    const begin = positions.get(step.to);
    if (begin === undefined) continue;
    const cycle = open.splice(begin);
    for (const { from } of cycle) positions.delete(from);
    cycles.push(cycle);
  }
  return cycles;
}
