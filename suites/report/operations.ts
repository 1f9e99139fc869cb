// A history's events paired into operations, each with its place in the timeline.

import type { HistoryOp } from "../../checker/history.js";

/** `open`: invoked and never completed. */
export type Outcome = "ok" | "fail" | "info" | "open";

export const OUTCOMES: readonly Outcome[] = ["ok", "fail", "info", "open"];

export type Operation = {
  process: number;
  f: string;
  outcome: Outcome;
  /** ns since the start of the run; `stop` is absent where the operation never completed. */
  start: number;
  stop: number | undefined;
  /** What the completion said, or, where it said nothing, what was asked. */
  value: unknown;
  error: string | undefined;
  node: string | undefined;
  seq: number | undefined;
};

/**
 * Clients' operations in the order of their invocations. A completion without an invocation stands
 * as an operation of no length: judging such a history is the checker's part.
 */
export function operationsOf(history: readonly HistoryOp[]): Operation[] {
  const operations: Operation[] = [];
  const pending = new Map<number, Operation>();
  for (const event of history) {
    const { process } = event;
    if (process === "nemesis") continue;
    if (event.type === "invoke") {
      const operation = begin(event, process);
      operations.push(operation);
      pending.set(process, operation);
      continue;
    }
    const operation = pending.get(process) ?? begin(event, process);
    if (!pending.delete(process)) operations.push(operation);
    complete(operation, event);
  }
  return operations;
}

function begin(event: HistoryOp, process: number): Operation {
  const { f, value, time, error, node, seq } = event;
  return { process, f, outcome: "open", start: time, stop: undefined, value, error, node, seq };
}

function complete(operation: Operation, event: HistoryOp): void {
  operation.outcome = event.type === "invoke" ? "open" : event.type;
  operation.stop = event.time;
  operation.value = event.value ?? operation.value;
  operation.error = event.error;
  operation.node = event.node ?? operation.node;
  operation.seq = event.seq;
}

/**
 * A lane for each process, such that processes of one lane never overlap in time. A crashed process
 * is followed by one with a new number; both get the lane of their thread, as there are only as
 * many lanes as processes that lived at once.
 */
export function lanesOf(operations: readonly Operation[]): Map<number, number> {
  const lives = new Map<number, { process: number; start: number; stop: number }>();
  for (const { process, start, stop } of operations) {
    const life = lives.get(process) ?? { process, start, stop: start };
    life.stop = Math.max(life.stop, stop ?? Number.POSITIVE_INFINITY);
    lives.set(process, life);
  }
  const lanes = new Map<number, number>();
  const freeFrom: number[] = [];
  const inOrder = [...lives.values()].sort((a, b) => a.start - b.start || a.process - b.process);
  for (const { process, start, stop } of inOrder) {
    const free = freeFrom.findIndex((time) => time <= start);
    const lane = free === -1 ? freeFrom.length : free;
    freeFrom[lane] = stop;
    lanes.set(process, lane);
  }
  return lanes;
}
