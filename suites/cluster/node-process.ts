// One node's process over all its lives: started, killed, paused, restarted, stopped. Each end is
// recorded, and one that nobody asked for is told apart.

import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, closeSync, openSync, readFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import type { NodeName } from "../../nemesis/faults.js";
import {
  handleOf,
  type ProcessHandle,
  pause,
  resume,
  type SignalEvidence,
} from "../../nemesis/host/process.js";
import { within } from "./deadline.js";
import type { NodeExit } from "./environment.js";
import type { NodeFiles } from "./layout.js";

const SIGNAL_MS_MAX = 5_000;
const STDERR_TAIL_CHARS = 400;

/** The pipes of a client process; a replica has none, its output goes straight to its files. */
export type Pipes = { stdin: Writable; stdout: Readable };
type Life = {
  handle: ProcessHandle;
  pipes: Pipes | undefined;
  exited: Promise<NodeExit>;
  /** Ways to end that we asked for; any other is the node's own doing. */
  endsExpected: readonly string[] | "any";
};

export type NodeProcessOptions = {
  node: NodeName;
  files: NodeFiles;
  /** "files": stdout goes to the log file; "pipes": stdin and stdout are ours. */
  output: "files" | "pipes";
};

export class NodeProcess {
  readonly node: NodeName;
  readonly exits: NodeExit[] = [];
  readonly #options: NodeProcessOptions;
  #life: Life | undefined;

  constructor(options: NodeProcessOptions) {
    this.node = options.node;
    this.#options = options;
  }

  /** The running process; undefined between lives. */
  get handle(): ProcessHandle | undefined {
    return this.#life?.handle;
  }

  get pipes(): Pipes | undefined {
    return this.#life?.pipes;
  }

  /** Ends of this node's processes that nobody asked for. */
  get unexpectedExits(): readonly NodeExit[] {
    return this.exits.filter((exit) => !exit.expected);
  }

  /** Starts a process with this command line; throws where the machine refuses. */
  start(command: readonly string[], variables: Readonly<Record<string, string>> = {}): void {
    const { files, output } = this.#options;
    const [file, ...args] = command;
    if (file === undefined) throw new Error(`${this.node}: an empty command line`);
    if (this.#life !== undefined) throw new Error(`${this.node}: already running`);
    const log = openSync(files.log, "a");
    const stderr = openSync(files.stderr, "a");
    const pipe = output === "pipes";
    // Its output goes to the files without a detour through us: it outlives us, and costs nothing.
    const child = spawn(file, args, {
      stdio: pipe ? ["pipe", "pipe", stderr] : ["ignore", log, stderr],
      // A session of its own, so that a Ctrl-C is for the runner alone, which then stops the nodes.
      detached: true,
      env: { ...process.env, ...variables },
    });
    closeSync(log);
    closeSync(stderr);
    const ended = endOf(child);
    if (child.pid === undefined) throw new Error(`${this.node}: could not start ${file}`);
    // One that has ended already has no start time; it is awaited all the same.
    const handle = handleOf(child.pid) ?? { pid: child.pid, startTicks: 0 };
    const { stdin, stdout } = child;
    const life: Life = {
      handle,
      pipes: stdin !== null && stdout !== null ? { stdin, stdout } : undefined,
      endsExpected: [],
      exited: ended.then((how) => this.#ended(life, how)),
    };
    this.#life = life;
  }

  /** SIGKILL, now; resolves when the process is gone. Undefined where none was running. */
  async kill(): Promise<NodeExit | undefined> {
    const life = this.#life;
    if (life === undefined) return undefined;
    if (life.endsExpected !== "any") life.endsExpected = [...life.endsExpected, "SIGKILL"];
    process.kill(life.handle.pid, "SIGKILL");
    const exit = await within(life.exited, SIGNAL_MS_MAX);
    if (exit === undefined) throw new Error(`${this.node}: still there after SIGKILL`);
    return exit;
  }

  /**
   * Waits for an end of any kind, which is expected from now on; sends the signal first where one is
   * named. Undefined where none came in time: it was killed then, or none was running.
   */
  async awaitEnd(deadlineMs: number, signal?: NodeJS.Signals): Promise<NodeExit | undefined> {
    const life = this.#life;
    if (life === undefined) return undefined;
    life.endsExpected = "any";
    if (signal !== undefined) process.kill(life.handle.pid, signal);
    const exit = await within(life.exited, deadlineMs);
    if (exit === undefined) await this.kill();
    return exit;
  }

  /** SIGSTOP, and what /proc showed; undefined where no process was running. */
  async pause(): Promise<SignalEvidence | undefined> {
    return this.#life === undefined ? undefined : pause(this.#life.handle, SIGNAL_MS_MAX);
  }

  /** SIGCONT, and what /proc showed; undefined where no process was running. */
  async resume(): Promise<SignalEvidence | undefined> {
    return this.#life === undefined ? undefined : resume(this.#life.handle, SIGNAL_MS_MAX);
  }

  /** SIGTERM (and SIGCONT: a stopped process hears nothing), then SIGKILL at the deadline. */
  async stop(deadlineMs: number): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    life.endsExpected = ["exit 0", "SIGTERM"];
    life.pipes?.stdin.end();
    process.kill(life.handle.pid, "SIGTERM");
    process.kill(life.handle.pid, "SIGCONT");
    if ((await within(life.exited, deadlineMs)) === undefined) await this.kill();
  }

  /** The end of what the node wrote to stderr, on one line. */
  stderrTail(): string {
    const text = readFileSync(this.#options.files.stderr, "utf8");
    return text
      .slice(-STDERR_TAIL_CHARS)
      .trim()
      .replaceAll(/\s*\n\s*/g, " | ");
  }

  #ended(life: Life, how: string): NodeExit {
    this.#life = undefined;
    const expected = life.endsExpected === "any" || life.endsExpected.includes(how);
    const exit: NodeExit = {
      node: this.node,
      pid: life.handle.pid,
      how,
      expected,
      at: new Date().toISOString(),
      stderr: expected ? "" : this.stderrTail(),
    };
    this.exits.push(exit);
    appendFileSync(this.#options.files.exits, `${JSON.stringify(exit)}\n`);
    return exit;
  }
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit ${code}`));
  });
}
