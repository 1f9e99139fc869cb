// Which process a pid means. Pids are reused, so whoever signals a process that is not its own
// child compares the start time first. Source: proc(5), /proc/<pid>/stat fields 3 and 22.

import { readFileSync } from "node:fs";
import { systemCodeOf } from "../../node/runtime/ordeal-error.js";

/** A process of this machine; `startTime` is in clock ticks since boot, as decimal text. */
export type ProcessIdentity = { pid: number; startTime: string };

/** The kernel's letter: R, S, D, T (stopped), Z (zombie); undefined where there is no process. */
export function processState(pid: number): string | undefined {
  return statOf(pid)?.state;
}

/** Undefined where there is no such process; one that has ended but was not waited for counts. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = statOf(pid);
  return stat === undefined ? undefined : { pid, startTime: stat.startTime };
}

/** True while this very process runs; false for a zombie and for another that got its pid. */
export function isRunning(identity: ProcessIdentity): boolean {
  const stat = statOf(identity.pid);
  if (stat === undefined || stat.state === "Z" || stat.state === "X") return false;
  return stat.startTime === identity.startTime;
}

/** Signals the process if it is still the one meant; false where it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch (error) {
    if (systemCodeOf(error) === "ESRCH") return false;
    throw error;
  }
}

function statOf(pid: number): { state: string; startTime: string } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT" || systemCodeOf(error) === "ESRCH") return undefined;
    throw error;
  }
  // The command's name, field 2, may hold spaces and brackets: count from the last bracket.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  const startTime = fields[19];
  return state === undefined || startTime === undefined ? undefined : { state, startTime };
}
