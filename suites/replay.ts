// Repeats a saved run: its operations at their times on their sessions, its faults as they were resolved,
// at their times. What the cluster makes of it is its own affair: the replay is judged anew.

import type { HistoryOp } from "../checker/history.js";
import type { FaultRecord } from "../nemesis/faults.js";
import { createRandom } from "../nemesis/random.js";
import { createInterpreter, type Interpreter, type LoadOptions } from "./interpreter.js";
import type { SavedRun } from "./judge.js";
import { type FaultStep, recordedStep } from "./nemesis-runner.js";
import type { Time } from "./run-clock.js";
import type { ScriptMaker } from "./script.js";
import { type Calls, performOp, type Session, sessionOf } from "./session.js";
import { UsageError } from "./usage-error.js";
import type { BankOp } from "./workload.js";

/** `at` is ns since the start of the recorded run. */
export type RecordedOp = { at: number; process: number; session: Session; op: BankOp };

/** The operations that were invoked under load. Throws UsageError where the history has no sessions. */
export function recordedOps({ meta, record }: SavedRun, clients: readonly string[]): RecordedOp[] {
  const { loadEnd } = meta.phases;
  return record.history.flatMap((event): RecordedOp[] => {
    if (event.type !== "invoke" || typeof event.process !== "number") return [];
    if (loadEnd > 0 && event.time > loadEnd) return [];
    const session = event.client === undefined ? undefined : sessionOf(event.client, clients);
    if (session !== undefined) {
      return [{ at: event.time, process: event.process, session, op: bankOpOf(event) }];
    }
    throw new UsageError(
      "no-session",
      `history line ${event.index + 1} names no session of ${clients.join(", ")}: ` +
        "only runs of ordeal itself can be replayed",
    );
  });
}

/** How long the recorded load lasted, ms. */
export function recordedLoadMs(ops: readonly RecordedOp[]): number {
  return ((ops.at(-1)?.at ?? 0) - (ops[0]?.at ?? 0)) / 1e6;
}

export function replayScript(
  ops: readonly RecordedOp[],
  faults: readonly FaultRecord[],
  options: LoadOptions,
): ScriptMaker {
  return ({ calls, seed }) => {
    const origin = ops[0]?.at ?? 0;
    let nextProcess = 1 + Math.max(0, ...new Set(ops.map(({ process }) => process)));
    let interpreter: Interpreter | undefined;
    // Made when the load is over: only then it is known which process numbers were used.
    const after = (): Interpreter => {
      const beginning = { process: nextProcess, sessions: lastSessions(ops, options.concurrency) };
      interpreter ??= createInterpreter(
        calls,
        options,
        createRandom(seed).fork("after"),
        beginning,
      );
      return interpreter;
    };
    return {
      prepare: async () => undefined,
      load: (signal) =>
        replayOps(
          calls,
          ops,
          { origin, timeoutMs: options.timeoutMs },
          signal,
          () => nextProcess++,
        ),
      steps: (loadStart) => recordedSteps(calls.environment.time, faults, loadStart, origin),
      demandProgress: (timeoutMs) => after().demandProgress(timeoutMs),
      finalReads: (timeoutMs) => after().finalReads(timeoutMs),
    };
  };
}

/** A session does one operation at a time: what is late makes the session's next one late. */
async function replayOps(
  calls: Calls,
  ops: readonly RecordedOp[],
  { origin, timeoutMs }: { origin: number; timeoutMs: number },
  signal: AbortSignal,
  newProcess: () => number,
): Promise<void> {
  const { time } = calls.environment;
  const started = time.nowMs();
  const current = new Map<number, number>(); // from the recorded process to its present number
  const queues = new Map<string, RecordedOp[]>();
  for (const op of ops) {
    const key = `${op.session.node}/${op.session.index}`;
    const queue = queues.get(key) ?? [];
    queue.push(op);
    queues.set(key, queue);
  }
  const replayQueue = async (queue: readonly RecordedOp[]) => {
    for (const { at, process, session, op } of queue) {
      await time.sleep(started + (at - origin) / 1e6 - time.nowMs(), signal);
      if (signal.aborted) return;
      const number = current.get(process) ?? process;
      const answer = await performOp(calls, { process: number, session }, op, timeoutMs);
      if (answer.type === "info") current.set(process, newProcess());
    }
  };
  const results = await Promise.allSettled([...queues.values()].map(replayQueue));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

function recordedSteps(
  time: Time,
  faults: readonly FaultRecord[],
  loadStart: number,
  origin: number,
): FaultStep[] {
  return [...faults]
    .sort((a, b) => a.time - b.time)
    .map((record) =>
      recordedStep(
        time,
        loadStart + (record.time - origin) / 1e6,
        record.type === "start" ? { start: record.fault } : { stop: record.faultId },
      ),
    );
}

/** The sessions used last, each once, at most `count`. */
function lastSessions(ops: readonly RecordedOp[], count: number): Session[] {
  const found = new Map<string, Session>();
  for (const { session } of ops.toReversed()) {
    if (found.size === count) break;
    found.set(`${session.node}/${session.index}`, session);
  }
  return [...found.values()];
}

function bankOpOf({ f, value, index }: HistoryOp): BankOp {
  const fields = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const plain = fields.filter(
    (field): field is [string, string | number] =>
      typeof field[1] === "string" || typeof field[1] === "number",
  );
  if (plain.length === fields.length) return { f, value: Object.fromEntries(plain) };
  throw new UsageError("malformed", `history line ${index + 1}: the value of ${f} is no operation`);
}
