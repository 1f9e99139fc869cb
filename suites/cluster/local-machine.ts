// This machine: processes are our children. An agent offers the same to a runner elsewhere.

import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import {
  handleOf,
  observe,
  type ProcessHandle,
  pause,
  resume,
  sendSignal,
} from "../../nemesis/host/process.js";
import { localShell } from "../../nemesis/host/shell.js";
import { askControl } from "./control.js";
import type { Machine, RunningProcess, StartOptions } from "./machine.js";
import { register } from "./registry.js";

export const localMachine: Machine = {
  sharesClock: true,
  shell: localShell(),
  start: async (command, options) => startProcess(command, options),
  ask: askControl,
  register: async (leftover) => {
    const registration = register(leftover);
    return async () => registration.release();
  },
  put: async (path, text, mode) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
  },
  remove: async (path) => rmSync(path, { recursive: true, force: true }),
  tail: async (path, chars) => (existsSync(path) ? readFileSync(path, "utf8").slice(-chars) : ""),
};

function startProcess(command: readonly string[], options: StartOptions): RunningProcess {
  const [file, ...args] = command;
  if (file === undefined) throw new Error("an empty command line cannot be run");
  const { log, stderr, variables } = options;
  const errors = openSync(stderr, "a");
  const output = log === undefined ? undefined : openSync(log, "a");
  // Its output goes to the files without a detour through us: it outlives us, and costs nothing.
  const child = spawn(file, args, {
    stdio: output === undefined ? ["pipe", "pipe", errors] : ["ignore", output, errors],
    detached: true,
    env: { ...process.env, ...variables },
  });
  closeSync(errors);
  if (output !== undefined) closeSync(output);
  const ended = endOf(child);
  if (child.pid === undefined) throw new Error(`could not start ${file}`);
  // One that has ended already has no start time; it is awaited all the same.
  const handle: ProcessHandle = handleOf(child.pid) ?? { pid: child.pid, startTicks: 0 };
  const { stdin, stdout } = child;
  return {
    handle,
    pipes: stdin !== null && stdout !== null ? { stdin, stdout } : undefined,
    ended,
    signal: async (signal) => sendSignal(handle.pid, signal),
    pause: (deadlineMs) => pause(handle, deadlineMs),
    resume: (deadlineMs) => resume(handle, deadlineMs),
    observe: async () => observe(handle),
  };
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit ${code}`));
  });
}
