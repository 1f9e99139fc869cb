// A machine on which nodes run, as the runner reaches it: this one (local-machine.ts), or another one
// through an agent there (agent-machine.ts). All paths are paths of that machine.

import type { Readable, Writable } from "node:stream";
import type { ObservedState, ProcessHandle, SignalEvidence } from "../../nemesis/host/process.js";
import type { Shell } from "../../nemesis/host/shell.js";
import type { ControlQuestion } from "./control.js";
import type { JsonObject } from "./json-lines.js";
import type { Leftover } from "./leftover.js";

/** The pipes of a client process; a replica has none, its output goes straight to its files. */
export type Pipes = { stdin: Writable; stdout: Readable };

export type StartOptions = {
  /** Added to the machine's own. */
  variables: Readonly<Record<string, string>>;
  /** The file that stdout is appended to; absent: stdin and stdout are pipes. */
  log?: string;
  /** The file that stderr is appended to. */
  stderr: string;
};

/** A process in a session of its own, so that a Ctrl-C at the runner does not reach it. */
export interface RunningProcess {
  readonly handle: ProcessHandle;
  readonly pipes: Pipes | undefined;
  /** How it ended: "exit 3", "SIGKILL", or why nobody knows. Never rejects. */
  readonly ended: Promise<string>;
  /** Does nothing where it is gone. */
  signal(signal: NodeJS.Signals): Promise<void>;
  /** SIGSTOP, and what /proc showed. */
  pause(deadlineMs: number): Promise<SignalEvidence>;
  /** SIGCONT, and what /proc showed. */
  resume(deadlineMs: number): Promise<SignalEvidence>;
  observe(): Promise<ObservedState>;
}

/** What was registered has been removed. */
export type Release = () => Promise<void>;

export interface Machine {
  /** Whether its CLOCK_MONOTONIC is the runner's, so that times read there can be compared with ours. */
  readonly sharesClock: boolean;
  /** Runs commands there with the rights that faults need. */
  readonly shell: Shell;
  /** Throws where the machine refuses. */
  start(command: readonly string[], options: StartOptions): Promise<RunningProcess>;
  /** A replica's answer on its control socket; undefined where there is none in time. */
  ask(path: string, question: ControlQuestion, deadlineMs: number): Promise<JsonObject | undefined>;
  /**
   * Call before making there what must not outlive the run; resolves to how to say that it is gone. What
   * is registered and not released is removed when the run ends, however it ends.
   */
  register(leftover: Leftover): Promise<Release>;
  /** Writes a file, and makes its folder. */
  put(path: string, text: string, mode: number): Promise<void>;
  /** Removes a file or a folder, where there is one. */
  remove(path: string): Promise<void>;
  /** The last characters of a text file; "" where there is none. */
  tail(path: string, chars: number): Promise<string>;
}
