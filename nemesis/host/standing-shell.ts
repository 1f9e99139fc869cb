// A shell that stays: one `sh`, fed with command after command. Starting a process from Node and entering
// a namespace cost far more than the tools themselves take, so whoever has many short commands for one
// place runs them here; tools that can stay are started once and then fed themselves (standing-tools.ts).
// Commands are served one at a time. standing-shells.ts starts it.

import { randomBytes } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import {
  commandLine,
  deadlineOf,
  type RunOptions,
  type RunResult,
  type Shell,
  ShellError,
} from "./shell.js";
import { STANDING_TOOLS, type StandingTool, type ToolRequest } from "./standing-tools.js";

/** How a shell is reached. */
export type ShellLine = {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** The named pipe from which this tool reads, and our end of it. */
  toolPipe: (tool: StandingTool) => { path: string; stdin: Writable };
  /** Ends it at once, with all that it started. */
  kill: () => void;
};

/** What a shell does before it is asked anything. */
export type ShellStart = {
  /** A script of sh that must succeed; the shell ends where it fails. */
  first?: string;
  /** Names of tools that are started then. */
  tools?: readonly string[];
};

/** sh's own exit codes for what it could not start. */
const NOT_STARTED = new Map([
  [126, "no such program that this user may run"],
  [127, "no such program"],
]);

type Stream = "stdout" | "stderr";
type Outcome = RunResult | { gone: string } | "late";

/** A command that runs, and what it has said so far. */
type Running = {
  /** Marks the end of what this command says on either stream. */
  mark: string;
  said: Record<Stream, string>;
  ended: Record<Stream, string | undefined>;
  /** What a tool is asked, which says everything on stdout. */
  request: ToolRequest | undefined;
  settle: (outcome: Outcome) => void;
};

/** What sh says of a tool that has ended. */
const TOOL_ENDED = /\nordeal-tool (\S+) (\d+)\n/;

export class StandingShell implements Shell {
  readonly #line: Promise<ShellLine>;
  readonly #standing = new Map<string, Writable>();
  #running: Running | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  /** Why nothing can be run any more. */
  #ended: string | undefined;
  /** What was said on stderr when nothing ran: by the first script. */
  #complaint = "";

  constructor(line: Promise<ShellLine>, start: ShellStart = {}) {
    this.#line = line.then((opened) => this.#begin(opened, start));
    this.#line.catch(() => undefined); // Who asks for something sees the error.
  }

  run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const result = this.#turn.then(() => this.#run(argv, options));
    this.#turn = result.catch(() => undefined); // The caller of this turn sees the error.
    return result;
  }

  /** Nothing can be run from now on; who waits is told why. */
  end(reason: string): void {
    this.#ended ??= reason;
    this.#running?.settle({ gone: reason });
  }

  /** Resolves once all that was asked is served; nothing can be run afterwards. */
  async close(): Promise<void> {
    // One that is still to come up must find its pipes.
    await this.run([":"]).catch(() => undefined);
    this.end("its shell is closed");
  }

  #begin(line: ShellLine, { first, tools = [] }: ShellStart): ShellLine {
    line.stdout.setEncoding("utf8").on("data", (text: string) => this.#hear("stdout", text));
    line.stderr.setEncoding("utf8").on("data", (text: string) => this.#hear("stderr", text));
    if (first !== undefined) line.stdin.write(`( ${first}\n) </dev/null || exit\n`);
    for (const tool of STANDING_TOOLS) if (tools.includes(tool.name)) this.#stand(line, tool);
    return line;
  }

  async #run(argv: readonly string[], options: RunOptions): Promise<RunResult> {
    const line = await this.#line;
    if (this.#ended !== undefined) {
      throw new ShellError("not-started", argv, this.#ended, this.#complaint);
    }
    const { stdin = "" } = options;
    const deadlineMs = deadlineOf(options);
    const mark = `ordeal-${randomBytes(9).toString("hex")}`;
    const asked = toolFor(argv, stdin, mark);
    const outcome = await settled(deadlineMs, (settle) => {
      const said = { stdout: "", stderr: "" };
      const ended = { stdout: undefined, stderr: undefined };
      this.#running = { mark, said, ended, request: asked?.request, settle };
      if (asked === undefined) line.stdin.write(script(argv, stdin, mark));
      else this.#stand(line, asked.tool).write(asked.request.text);
    });
    const stderr = this.#running?.said.stderr || this.#complaint;
    this.#running = undefined;
    if (outcome === "late") {
      this.end("its shell was killed, as a command had no end");
      line.kill();
      throw new ShellError("deadline", argv, `no end in ${deadlineMs} ms`, stderr);
    }
    if ("gone" in outcome) throw new ShellError("signal", argv, outcome.gone, stderr);
    const reason = NOT_STARTED.get(outcome.exitCode);
    if (reason !== undefined && /^sh: /m.test(outcome.stderr)) {
      throw new ShellError("not-started", argv, `could not be started: ${reason}`, outcome.stderr);
    }
    return outcome;
  }

  /** The stdin of the tool, which is started where it does not stand. */
  #stand(line: ShellLine, tool: StandingTool): Writable {
    const standing = this.#standing.get(tool.name);
    if (standing !== undefined) return standing;
    const { path, stdin } = line.toolPipe(tool);
    this.#standing.set(tool.name, stdin);
    // Tables belong to the namespace, and so does their lock.
    const start = `XTABLES_LOCKFILE='${path}.lock' ${tool.start} <'${path}'`;
    const report = `printf '\\nordeal-tool ${tool.name} %d\\n' $?`;
    line.stdin.write(`{ ${start}; ${report}; } 2>&1 &\n`);
    return stdin;
  }

  #hear(stream: Stream, text: string): void {
    const running = this.#running;
    // What nobody waits for may still be the end of a tool.
    const said = (running?.said[stream] ?? "") + text;
    const [, tool, code] = stream === "stdout" ? (TOOL_ENDED.exec(said) ?? []) : [];
    if (tool !== undefined) this.#standing.delete(tool);
    if (running === undefined) {
      if (stream === "stderr") this.#complaint = `${this.#complaint}${text}`.slice(-1_000);
      return;
    }
    running.said[stream] = said;
    if (running.request === undefined) hearShell(running, stream);
    else if (stream === "stdout") hearTool(running, running.request, code);
  }
}

/** Looks for the tool's answer. `code`: with which it has ended; it says everything on stdout. */
function hearTool({ said, settle }: Running, request: ToolRequest, code: string | undefined): void {
  const answer = request.answer(said.stdout);
  if (answer?.exitCode === 0) {
    settle({ exitCode: 0, stdout: answer.said, stderr: "" });
  } else if (answer !== undefined || code !== undefined) {
    const stderr = answer?.said ?? said.stdout.replace(TOOL_ENDED, "");
    settle({ exitCode: answer?.exitCode ?? Number(code), stdout: "", stderr });
  }
}

function toolFor(argv: readonly string[], stdin: string, mark: string) {
  for (const tool of STANDING_TOOLS) {
    const request = tool.ask(argv, stdin, mark);
    if (request !== undefined) return { tool, request };
  }
  return undefined;
}

async function settled(
  deadlineMs: number,
  begin: (settle: (outcome: Outcome) => void) => void,
): Promise<Outcome> {
  let deadline: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Outcome>((settle) => {
      deadline = setTimeout(() => settle("late"), deadlineMs);
      begin(settle);
    });
  } finally {
    clearTimeout(deadline);
  }
}

/** Looks for the marks that sh sets behind a command. */
function hearShell(running: Running, stream: Stream): void {
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

/** What makes sh run the command on this stdin, and say on both streams when it has ended. */
function script(argv: readonly string[], stdin: string, mark: string): string {
  const given = stdin === "" ? "</dev/null" : `<<'${mark}'\n${stdin.replace(/\n$/, "")}\n${mark}`;
  return `${commandLine(argv)} ${given}\nordeal=$?; printf '\\n${mark} %d\\n' $ordeal; printf '\\n${mark} 0\\n' >&2\n`;
}
