// Where commands run: on this machine, or behind a prefix that enters a namespace. One interface for all
// of them; every command has a deadline, and a failure says in one line what was run and what it said.

import { execa } from "execa";

export type RunOptions = {
  stdin?: string;
  /** Killed (SIGKILL) and reported as a ShellError when this passes. */
  deadlineMs?: number;
};

export type RunResult = { exitCode: number; stdout: string; stderr: string };

export interface Shell {
  /** Resolves with any exit code. Rejects with a ShellError where there is none: no such program, a
   * signal, the deadline. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
}

export type ShellFailure = "exit-code" | "deadline" | "not-started" | "signal";

/** `message` is one line: the command, what went wrong, and the end of its stderr. */
export class ShellError extends Error {
  override readonly name = "ShellError";
  readonly code: ShellFailure;
  readonly command: string;
  /** What went wrong, without the command and what it said. */
  readonly detail: string;
  readonly stderr: string;

  constructor(code: ShellFailure, argv: readonly string[], detail: string, stderr: string) {
    const command = commandLine(argv);
    const said = oneLine(stderr);
    super(`${command}: ${detail}${said === "" ? "" : `: ${said}`}`);
    this.code = code;
    this.command = command;
    this.detail = detail;
    this.stderr = stderr;
  }
}

export const DEADLINE_MS_DEFAULT = 10_000;

/** EACCES also where a folder of the PATH may not be searched, as under su with root's PATH. */
const NOT_FOUND = new Map([
  ["ENOENT", "no such program"],
  ["EACCES", "no such program that this user may run"],
]);

/** Runs commands on this machine, in the runner's own namespaces. */
export function localShell(): Shell {
  return { run };
}

/** Runs commands behind a prefix, e.g. `nsenter --net=/run/netns/r0`. */
export function prefixedShell(shell: Shell, prefix: readonly string[]): Shell {
  return { run: (argv, options) => shell.run([...prefix, ...argv], options) };
}

/** Runs a command that must succeed; any exit code but 0 is a ShellError. */
export async function must(
  shell: Shell,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const result = await shell.run(argv, options);
  if (result.exitCode === 0) return result;
  throw new ShellError("exit-code", argv, `exit code ${result.exitCode}`, result.stderr);
}

/** The argument vector as one would type it; quotes only where needed. */
export function commandLine(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}

/** Tools live in sbin, which an unprivileged user's PATH may lack; they speak English. */
export function environment(): NodeJS.ProcessEnv {
  const { PATH: path = "/usr/bin:/bin" } = process.env;
  return { ...process.env, PATH: `${path}:/usr/sbin:/sbin`, LC_ALL: "C" };
}

/** When a command is given up, in ms: what is asked for, times our patience. */
export function deadlineOf({ deadlineMs = DEADLINE_MS_DEFAULT }: RunOptions): number {
  const patience = Number(process.env["ORDEAL_PATIENCE"] ?? 1) || 1; // see suites/cluster/deadline.ts
  return patience * deadlineMs;
}

async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program, ...rest] = argv;
  if (program === undefined) throw new RangeError("an empty command line cannot be run");
  const deadlineMs = deadlineOf(options);
  const result = await execa(program, rest, {
    input: options.stdin ?? "",
    timeout: deadlineMs,
    killSignal: "SIGKILL",
    reject: false,
    stripFinalNewline: false,
    env: environment(),
  });
  const { stdout, stderr, exitCode } = result;
  if (result.timedOut) throw new ShellError("deadline", argv, `no end in ${deadlineMs} ms`, stderr);
  if (result.signal !== undefined) {
    throw new ShellError("signal", argv, `ended by ${result.signal}`, stderr);
  }
  if (exitCode === undefined) {
    const reason = NOT_FOUND.get(result.code ?? "") ?? result.code ?? "unknown";
    throw new ShellError("not-started", argv, `could not be started: ${reason}`, stderr ?? "");
  }
  return { exitCode, stdout, stderr };
}

/** The last lines of what a command said, joined: the first are often banners. */
function oneLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .slice(-3)
    .join("; ")
    .slice(-400);
}
