// What runner and agent say to one another, one JSON line each. Both are of one build.

import type { ProcessHandle } from "../../nemesis/host/process.js";
import type { ShellFailure } from "../../nemesis/host/shell.js";
import type { ControlQuestion } from "./control.js";
import type { Leftover } from "./leftover.js";
import type { StartOptions } from "./machine.js";

/** Sent with an id, by which it is answered. */
export type AgentRequest =
  | { op: "run"; argv: readonly string[]; stdin?: string; deadlineMs?: number }
  | { op: "start"; command: readonly string[]; options: StartOptions }
  | { op: "input"; process: number; data: string }
  | { op: "close-input"; process: number }
  | { op: "signal"; process: number; signal: NodeJS.Signals }
  | { op: "pause" | "resume"; process: number; deadlineMs: number }
  | { op: "observe"; process: number }
  | { op: "ask"; path: string; question: ControlQuestion; deadlineMs: number }
  | { op: "put"; path: string; text: string; mode: number }
  | { op: "remove"; path: string }
  | { op: "tail"; path: string; chars: number }
  | { op: "list"; path: string }
  | { op: "read"; path: string; offset: number; bytes: number }
  /** Answered with a number, by which it is released. */
  | { op: "register"; leftover: Leftover }
  | { op: "release"; registration: number }
  /** To be run when the agent ends. */
  | { op: "finally"; argv: readonly string[] }
  | { op: "ping" };

export type AgentResult =
  | { value: unknown }
  /** One line; a failure of a command keeps what a ShellError says. */
  | { error: string; shell?: { code: ShellFailure; stderr: string } };

/** The first line of an agent. */
export type AgentHello = {
  /** For control sockets; it goes with the agent. */
  runtimeFolder: string;
  execPath: string;
  nodeVersion: string;
  /** The boot id of its kernel, and its time namespace: equal ones share a monotonic clock. */
  kernel: string;
  timeNamespace: string;
};

export type StartedProcess = { process: number; handle: ProcessHandle; pipes: boolean };

export type AgentEvent =
  | ({ event: "hello" } & AgentHello)
  | ({ event: "answer"; id: number } & AgentResult)
  | { event: "output"; process: number; data: string }
  | { event: "output-end"; process: number }
  | { event: "ended"; process: number; how: string };
