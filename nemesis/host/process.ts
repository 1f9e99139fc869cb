// Signals to processes, with proof from /proc that they did what they should. A process is known by its
// pid and its start time, so that a pid that was given to another process is never signalled.

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** `startTicks` is the start time in clock ticks since boot, field 22 of /proc/<pid>/stat. */
export type ProcessHandle = { pid: number; startTicks: number };

/** What /proc shows. "stopped" means every thread; "gone" includes a zombie: it runs no code. */
export type ObservedState = "running" | "stopped" | "gone";

export type SignalEvidence = {
  /** The process reached the state that the signal is for, within the deadline. */
  reached: boolean;
  pid: number;
  /** The state seen last. */
  state: ObservedState;
  /** From the signal until the state was seen. */
  elapsedMs: number;
};

const DEADLINE_MS_DEFAULT = 2_000;

/** Knows a process for later. Undefined where there is none of this pid. */
export function handleOf(pid: number): ProcessHandle | undefined {
  const stat = statOf(`/proc/${pid}/stat`);
  return stat === undefined || stat.state === "Z"
    ? undefined
    : { pid, startTicks: stat.startTicks };
}

export function observe({ pid, startTicks }: ProcessHandle): ObservedState {
  const stat = statOf(`/proc/${pid}/stat`);
  if (stat === undefined || stat.startTicks !== startTicks) return "gone";
  if (stat.state === "Z" || stat.state === "X") return "gone";
  const threads = threadStatesOf(pid);
  return threads.length > 0 && threads.every((state) => state === "T") ? "stopped" : "running";
}

/** SIGKILL; works on a stopped process too. */
export function kill(handle: ProcessHandle, deadlineMs?: number): Promise<SignalEvidence> {
  return signalUntil(handle, "SIGKILL", "gone", deadlineMs);
}

/** SIGSTOP; reached when every thread stands still. */
export function pause(handle: ProcessHandle, deadlineMs?: number): Promise<SignalEvidence> {
  return signalUntil(handle, "SIGSTOP", "stopped", deadlineMs);
}

/** SIGCONT. */
export function resume(handle: ProcessHandle, deadlineMs?: number): Promise<SignalEvidence> {
  return signalUntil(handle, "SIGCONT", "running", deadlineMs);
}

/** One sentence for the fault's record. */
export function describeSignal(signal: string, evidence: SignalEvidence): string {
  const { pid, state, reached, elapsedMs } = evidence;
  const after = `after ${elapsedMs.toFixed(0)} ms`;
  return `pid ${pid} ${reached ? state : `still ${state}`} ${after} (${signal})`;
}

async function signalUntil(
  handle: ProcessHandle,
  signal: NodeJS.Signals,
  wanted: ObservedState,
  deadlineMs = DEADLINE_MS_DEFAULT,
): Promise<SignalEvidence> {
  const started = performance.now();
  let state = observe(handle);
  if (state !== "gone") sendSignal(handle.pid, signal);
  for (let waitMs = 1; ; waitMs = Math.min(20, waitMs * 2)) {
    state = observe(handle);
    const elapsedMs = performance.now() - started;
    const settled = state === wanted || state === "gone" || elapsedMs >= deadlineMs;
    if (settled) return { reached: state === wanted, pid: handle.pid, state, elapsedMs };
    await sleep(waitMs);
  }
}

/** The process may end between the last look and the signal; that is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isCode(error, "ESRCH")) throw error;
  }
}

function statOf(path: string): { state: string; startTicks: number } | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  // The name, field 2, stands in parentheses and may hold spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", startTicks: Number(fields[19]) };
}

function threadStatesOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
      const stat = statOf(`/proc/${pid}/task/${thread}/stat`);
      return stat === undefined ? [] : [stat.state];
    });
  } catch (error) {
    if (isCode(error, "ENOENT") || isCode(error, "ESRCH")) return [];
    throw error;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isCode(error, "ENOENT") || isCode(error, "ESRCH")) return undefined;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
