// A program that carries an agent's lines: ssh, docker, or the agent itself.

import { spawn } from "node:child_process";
import { sendSignal } from "../../nemesis/host/process.js";
import type { AgentCarrier } from "./agent-link.js";

const STDERR_CHARS_MAX = 400;

/** Starts the program; its end, and its last words, are the carrier's. */
export function carrierOf(argv: readonly string[]): AgentCarrier {
  const [file, ...args] = argv;
  if (file === undefined) throw new RangeError("an empty command line cannot carry an agent");
  // A session of its own: a Ctrl-C is for the runner alone, which then ends the agent in order.
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  let words = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => {
    words = (words + text).slice(-STDERR_CHARS_MAX);
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => {
      const said = words.trim().replaceAll(/\s*\n\s*/g, "; ");
      resolve(`${signal ?? `exit ${code}`}${said === "" ? "" : `: ${said}`}`);
    });
  });
  const { stdin, stdout, pid } = child;
  // With all that it has started.
  const kill = () => {
    if (pid !== undefined) sendSignal(-pid, "SIGKILL");
  };
  return { stdin, stdout, ended, kill };
}
