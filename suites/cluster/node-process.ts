// One node's process over all its lives: started, killed, paused, restarted, stopped. Each end is
// recorded, and one that nobody asked for is told apart.

import { appendFileSync } from "node:fs";
import type { NodeName } from "../../nemesis/faults.js";
import type { ObservedState, ProcessHandle, SignalEvidence } from "../../nemesis/host/process.js";
import { oneLine } from "../usage-error.js";
import { within } from "./deadline.js";
import type { NodeExit } from "./environment.js";
import type { NodeFiles } from "./layout.js";
import type { Machine, Pipes, RunningProcess } from "./machine.js";

const SIGNAL_MS_MAX = 5_000;
const STDERR_TAIL_CHARS = 400;

type Life = {
  process: RunningProcess;
  exited: Promise<NodeExit>;
  /** Ways to end that we asked for; any other is the node's own doing. */
  endsExpected: readonly string[] | "any";
};

export type NodeProcessOptions = {
  node: NodeName;
  machine: Machine;
  /** Its files on that machine. */
  files: NodeFiles;
  /** The file of its exits, on the runner's machine. */
  exitsFile: string;
  /** "files": stdout goes to the log file; "pipes": stdin and stdout are ours. */
  output: "files" | "pipes";
};

export class NodeProcess {
  readonly node: NodeName;
  readonly exits: NodeExit[] = [];
  readonly #options: NodeProcessOptions;
  /** Faults under which it may end by itself. */
  readonly #ending = new Set<string>();
  #life: Life | undefined;
  #starting = false;

  constructor(options: NodeProcessOptions) {
    this.node = options.node;
    this.#options = options;
  }

  /** The running process; undefined between lives. */
  get handle(): ProcessHandle | undefined {
    return this.#life?.process.handle;
  }

  get pipes(): Pipes | undefined {
    return this.#life?.process.pipes;
  }

  /** Ends of this node's processes that nobody asked for. */
  get unexpectedExits(): readonly NodeExit[] {
    return this.exits.filter((exit) => !exit.expected);
  }

  /** Starts a process with this command line; throws where the machine refuses. */
  async start(
    command: readonly string[],
    variables: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const { machine, files, output } = this.#options;
    if (this.#life !== undefined || this.#starting)
      throw new Error(`${this.node}: already running`);
    this.#starting = true;
    try {
      const { log, stderr } = files;
      const options = { variables, stderr, ...(output === "files" && { log }) };
      const running = await machine.start(command, options).catch((error: unknown) => {
        throw new Error(`${this.node}: ${oneLine(error)}`, { cause: error });
      });
      const life: Life = {
        process: running,
        endsExpected: [],
        exited: running.ended.then((how) => this.#ended(life, how)),
      };
      this.#life = life;
    } finally {
      this.#starting = false;
    }
  }

  /** Until `forbidEnd` for this fault, any end is expected. */
  allowEnd(faultId: string): void {
    this.#ending.add(faultId);
  }

  get mayEnd(): boolean {
    return this.#ending.size > 0;
  }

  forbidEnd(faultId: string): void {
    this.#ending.delete(faultId);
  }

  /** SIGKILL, now; resolves when the process is gone. Undefined where none was running. */
  async kill(): Promise<NodeExit | undefined> {
    const life = this.#life;
    if (life === undefined) return undefined;
    if (life.endsExpected !== "any") life.endsExpected = [...life.endsExpected, "SIGKILL"];
    await life.process.signal("SIGKILL");
    const exit = await within(life.exited, SIGNAL_MS_MAX);
    if (exit === undefined) throw new Error(`${this.node}: still there after SIGKILL`);
    return exit;
  }

  /**
   * Waits for an end of any kind, which is expected from now on; sends the signal first where one is
   * named, and SIGCONT, because a stopped process hears nothing. Undefined where none came in time: it was killed then, or none was running.
   */
  async awaitEnd(deadlineMs: number, signal?: NodeJS.Signals): Promise<NodeExit | undefined> {
    const life = this.#life;
    if (life === undefined) return undefined;
    life.endsExpected = "any";
    if (signal !== undefined) {
      await life.process.signal(signal);
      await life.process.signal("SIGCONT");
    }
    const exit = await within(life.exited, deadlineMs);
    if (exit === undefined) await this.kill();
    return exit;
  }

  /** SIGSTOP, and what /proc showed; undefined where no process was running. */
  async pause(): Promise<SignalEvidence | undefined> {
    return this.#life?.process.pause(SIGNAL_MS_MAX);
  }

  /** SIGCONT, and what /proc showed; undefined where no process was running. */
  async resume(): Promise<SignalEvidence | undefined> {
    return this.#life?.process.resume(SIGNAL_MS_MAX);
  }

  /** What /proc shows of it; "gone" between lives. */
  async observe(): Promise<ObservedState> {
    return this.#life === undefined ? "gone" : this.#life.process.observe();
  }

  /** SIGTERM (and SIGCONT: a stopped process hears nothing), then SIGKILL at the deadline. */
  async stop(deadlineMs: number): Promise<void> {
    const life = this.#life;
    if (life === undefined) return;
    life.endsExpected = ["exit 0", "SIGTERM"];
    life.process.pipes?.stdin.end();
    await life.process.signal("SIGTERM");
    await life.process.signal("SIGCONT");
    if ((await within(life.exited, deadlineMs)) === undefined) await this.kill();
  }

  /** The end of what the node wrote to stderr, on one line. */
  async stderrTail(): Promise<string> {
    const { machine, files } = this.#options;
    const text = await machine
      .tail(files.stderr, STDERR_TAIL_CHARS)
      .catch((error: unknown) => `its stderr could not be read: ${oneLine(error)}`);
    return text.trim().replaceAll(/\s*\n\s*/g, " | ");
  }

  async #ended(life: Life, how: string): Promise<NodeExit> {
    this.#life = undefined;
    const asked = life.endsExpected === "any" || life.endsExpected.includes(how);
    const expected = asked || this.#ending.size > 0;
    const at = new Date().toISOString();
    const exit: NodeExit = {
      node: this.node,
      pid: life.process.handle.pid,
      how,
      expected,
      at,
      stderr: expected ? "" : await this.stderrTail(),
    };
    this.exits.push(exit);
    appendFileSync(this.#options.exitsFile, `${JSON.stringify(exit)}\n`);
    return exit;
  }
}
