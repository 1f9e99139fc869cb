// A shell that stays: one `sh` behind a prefix that enters a namespace once, fed with command after
// command. Starting a process from Node and entering a namespace cost far more than the tools themselves
// take, so whoever has many short commands for one place runs them here. Commands are served one at a
// time. It ends with whoever started it, for its stdin ends then.

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  commandLine,
  DEADLINE_MS_DEFAULT,
  environment,
  type RunOptions,
  type RunResult,
  type Shell,
  ShellError,
} from "./shell.js";

/** sh's own exit codes for what it could not start. */
const NOT_STARTED = new Map([
  [126, "no such program that this user may run"],
  [127, "no such program"],
]);

type Stream = "stdout" | "stderr";

/** A command that runs, and what it has said so far. */
type Running = {
  /** Marks the end of what this command says on either stream. */
  mark: string;
  said: Record<Stream, string>;
  ended: Record<Stream, string | undefined>;
  settle: (result: RunResult | { gone: string }) => void;
};

export class StandingShell implements Shell {
  readonly #prefix: readonly string[];
  #child: ChildProcess | undefined;
  #running: Running | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(prefix: readonly string[]) {
    this.#prefix = prefix;
  }

  run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const result = this.#turn.then(() => this.#run(argv, options));
    this.#turn = result.catch(() => undefined); // The caller of this turn sees the error.
    return result;
  }

  /** Ends the shell once it has served what it was asked; nothing can be run afterwards. */
  async close(): Promise<void> {
    await this.#turn;
    this.#closed = true;
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.stdin?.end();
    await ended;
  }

  async #run(argv: readonly string[], options: RunOptions): Promise<RunResult> {
    if (this.#closed) throw new ShellError("not-started", argv, "its shell is closed", "");
    const { stdin = "", deadlineMs = DEADLINE_MS_DEFAULT } = options;
    const child = this.#started();
    const mark = `ordeal-${randomBytes(9).toString("hex")}`;
    let deadline: NodeJS.Timeout | undefined;
    const outcome = await new Promise<RunResult | { gone: string } | "late">((resolve) => {
      deadline = setTimeout(() => resolve("late"), deadlineMs);
      this.#running = {
        mark,
        said: { stdout: "", stderr: "" },
        ended: { stdout: undefined, stderr: undefined },
        settle: resolve,
      };
      child.stdin?.write(script(argv, stdin, mark));
    });
    clearTimeout(deadline);
    const stderr = this.#running?.said.stderr ?? "";
    this.#running = undefined;
    if (outcome === "late") {
      this.#kill();
      throw new ShellError("deadline", argv, `no end in ${deadlineMs} ms`, stderr);
    }
    if ("gone" in outcome) throw new ShellError("signal", argv, outcome.gone, stderr);
    const reason = NOT_STARTED.get(outcome.exitCode);
    if (reason !== undefined && outcome.stderr.startsWith("sh: ")) {
      throw new ShellError("not-started", argv, `could not be started: ${reason}`, outcome.stderr);
    }
    return outcome;
  }

  #started(): ChildProcess {
    if (this.#child !== undefined) return this.#child;
    const [program = "sh", ...rest] = [...this.#prefix, "sh"];
    // A process group of its own: a command that does not end is killed with all that it started.
    const child = spawn(program, rest, { stdio: "pipe", detached: true, env: environment() });
    this.#child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => this.#hear("stdout", text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => this.#hear("stderr", text));
    child.stdin.on("error", (error) =>
      this.#gone(child, `its shell takes nothing: ${error.message}`),
    );
    child.on("error", (error) =>
      this.#gone(child, `its shell could not be started: ${error.message}`),
    );
    child.on("exit", (code, signal) => this.#gone(child, `its shell ended (${signal ?? code})`));
    return child;
  }

  #gone(child: ChildProcess, reason: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#running?.settle({ gone: reason });
  }

  #kill(): void {
    const pid = this.#child?.pid;
    this.#child = undefined;
    try {
      if (pid !== undefined) process.kill(-pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }

  #hear(stream: Stream, text: string): void {
    const running = this.#running;
    if (running === undefined) return; // The rest of what was given up at its deadline.
    running.said[stream] += text;
    const said = running.said[stream];
    const at = said.lastIndexOf(`\n${running.mark} `);
    const end = at === -1 ? -1 : said.indexOf("\n", at + 1);
    if (end === -1) return;
    running.said[stream] = said.slice(0, at);
    running.ended[stream] = said.slice(at + running.mark.length + 2, end);
    const { stdout, stderr } = running.ended;
    if (stdout === undefined || stderr === undefined) return;
    running.settle({ exitCode: Number(stdout), ...running.said });
  }
}

/** What makes sh run the command on this stdin, and say on both streams when it has ended. */
function script(argv: readonly string[], stdin: string, mark: string): string {
  const given = stdin === "" ? "</dev/null" : `<<'${mark}'\n${stdin.replace(/\n$/, "")}\n${mark}`;
  return `${commandLine(argv)} ${given}\nordeal=$?; printf '\\n${mark} %d\\n' $ordeal; printf '\\n${mark} 0\\n' >&2\n`;
}
