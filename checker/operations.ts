// Invocations and completions joined into operations, each with its window in the run's real time.

import { float, int } from "./columns.js";
import type { HistoryOp } from "./history.js";
import { HistoryError } from "./history-error.js";

/** The rank of a completion that never came, or came as info: the operation may act at any time. */
export const NEVER = Number.POSITIVE_INFINITY;

/**
 * One operation. Its window runs from `call` to `ret`, ranks of events in the order of time: an
 * operation was over before another began if, and only if, its ret is below the other's call.
 */
export type Operation = {
  /** Position among the operations, by invocation. */
  id: number;
  process: number;
  f: string;
  /** The value of the invocation: what was asked. */
  value: unknown;
  invocation: HistoryOp;
  /** Absent where the history ends before it. */
  completion: HistoryOp | undefined;
  /** `info` also where no completion was recorded. */
  outcome: "ok" | "fail" | "info";
  call: number;
  ret: number;
  /** From the completion, or the invocation where that is all there is. */
  seq: number | undefined;
  client: number | undefined;
  timestamp: number | undefined;
  node: string | undefined;
};

/**
 * What decides which event came first. By time, events at the same instant count as concurrent:
 * invocations come before completions. By position, the history is in order as it stands.
 */
export type EventOrder = "time" | "position";

/**
 * Pairs the ops of clients; those of the nemesis are left out. Throws HistoryError where the ops are
 * no history; `where` names the place of the op at an index, and stands before the message.
 */
export function pairOperations(
  history: readonly HistoryOp[],
  where: (index: number) => string = (index) => `op ${index}: `,
  order: EventOrder = "time",
): Operation[] {
  const operations: Operation[] = [];
  /** By process: its last operation, which is open while nothing completed it. */
  const last = new Map<number, Operation>();
  const inconsistent = (index: number, message: string) =>
    new HistoryError("history-inconsistent", `${where(index)}${message}`);

  let isInOrder = true;
  let rank = 0;
  let before: HistoryOp | undefined;
  for (let index = 0; index < history.length; index += 1) {
    const op = history[index];
    const process = op?.process;
    if (op === undefined || process === undefined) continue;
    if (process === "nemesis") continue;
    isInOrder &&= before === undefined || isAfter(before, op);
    before = op;
    const latest = last.get(process);
    const pending = latest?.completion === undefined ? latest : undefined;
    if (op.type === "invoke") {
      if (pending !== undefined) {
        throw inconsistent(index, `process ${process} invokes ${op.f} while ${pending.f} is open`);
      }
      const operation = invoked(op, process, operations.length, rank);
      rank += 1;
      operations.push(operation);
      last.set(process, operation);
      continue;
    }
    if (pending === undefined) {
      const what = `process ${process} completes ${op.f} (${op.type})`;
      throw inconsistent(
        index,
        `${what}, but has no operation open: a second completion, or none invoked`,
      );
    }
    if (pending.f !== op.f) {
      throw inconsistent(index, `process ${process} completes ${op.f}, but invoked ${pending.f}`);
    }
    if (order === "time" && op.time < pending.invocation.time) {
      throw inconsistent(index, `process ${process} completes ${op.f} before it invoked it`);
    }
    complete(pending, op, op.type);
    if (op.type === "info") continue;
    pending.ret = rank;
    rank += 1;
  }
  if (order === "time" && !isInOrder) rankByTime(operations, rank);
  return operations;
}

function isAfter(before: HistoryOp, op: HistoryOp): boolean {
  if (before.time !== op.time) return before.time < op.time;
  return before.type === "invoke" || op.type !== "invoke";
}

function invoked(op: HistoryOp, process: number, id: number, call: number): Operation {
  return {
    id,
    process,
    f: op.f,
    value: op.value,
    invocation: op,
    completion: undefined,
    outcome: "info",
    call,
    ret: NEVER,
    seq: undefined,
    client: op.client,
    timestamp: op.timestamp,
    node: op.node,
  };
}

function complete(operation: Operation, op: HistoryOp, type: "ok" | "fail" | "info"): void {
  operation.completion = op;
  operation.outcome = type;
  operation.seq = op.seq;
  operation.client = op.client ?? operation.client;
  operation.timestamp = op.timestamp ?? operation.timestamp;
  operation.node = op.node ?? operation.node;
}

/** Events may stand so many places from where time puts them, on average, to be moved one by one. */
const DISPLACED_MAX = 64;

/** Sets calls and rets, and renumbers by call. `count` ranks say how the events stood. */
function rankByTime(operations: Operation[], count: number): void {
  const events = new Int32Array(count);
  const times = new Float64Array(count);
  for (const { id, call, ret, invocation, completion } of operations) {
    events[call] = id;
    times[call] = invocation.time;
    if (ret === NEVER) continue;
    events[ret] = ~id;
    times[ret] = completion?.time ?? invocation.time;
  }
  const sorted = insertByTime(events, times) ? events : sortByTime(events, times);
  const before = [...operations];
  let next = 0;
  for (let rank = 0; rank < count; rank += 1) {
    const event = int(sorted, rank);
    const operation = before[event >= 0 ? event : ~event];
    if (operation === undefined) continue;
    if (event < 0) operation.ret = rank;
    else {
      operation.call = rank;
      operation.id = next;
      operations[next] = operation;
      next += 1;
    }
  }
}

/** Sorts both; false where they are so far out of order that it was given up, half done. */
function insertByTime(events: Int32Array, times: Float64Array): boolean {
  let displaced = 0;
  for (let index = 1; index < events.length; index += 1) {
    const event = int(events, index);
    const time = float(times, index);
    let at = index;
    for (; at > 0; at -= 1) {
      const before = float(times, at - 1);
      if (before < time || (before === time && (int(events, at - 1) >= 0 || event < 0))) break;
      events[at] = int(events, at - 1);
      times[at] = before;
    }
    events[at] = event;
    times[at] = time;
    displaced += index - at;
    if (displaced > DISPLACED_MAX * events.length) return false;
  }
  return true;
}

/** Whatever was moved already stands in the order of time, and what is equal as it stood. */
function sortByTime(events: Int32Array, times: Float64Array): Int32Array {
  const isReturn = (index: number) => (int(events, index) < 0 ? 1 : 0);
  return Int32Array.from(events.keys())
    .sort((a, b) => float(times, a) - float(times, b) || isReturn(a) - isReturn(b) || a - b)
    .map((index) => int(events, index));
}
