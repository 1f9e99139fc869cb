// Another machine, through an agent on it (agent-main.ts).

import { readFileSync, readlinkSync } from "node:fs";
import { isAbsolute } from "node:path";
import { PassThrough, Writable } from "node:stream";
import type { ObservedState, ProcessHandle, SignalEvidence } from "../../nemesis/host/process.js";
import {
  DEADLINE_MS_DEFAULT,
  type RunOptions,
  type RunResult,
  type Shell,
} from "../../nemesis/host/shell.js";
import { systemCodeOf } from "../../node/runtime/ordeal-error.js";
import { type RemoteFile, writeFiles } from "./agent-files.js";
import { type AgentCarrier, AgentError, AgentLink } from "./agent-link.js";
import type { AgentHello, StartedProcess } from "./agent-protocol.js";
import type { ControlQuestion } from "./control.js";
import { within } from "./deadline.js";
import { isObject, type JsonObject } from "./json-lines.js";
import type { Leftover } from "./leftover.js";
import type { Machine, Pipes, Release, RunningProcess, StartOptions } from "./machine.js";

/** How much later than its own deadline an answer may come. */
const GRACE_MS = 10_000;

export class AgentMachine implements Machine {
  readonly sharesClock: boolean;
  readonly shell: Shell;
  readonly hello: AgentHello;
  readonly #link: AgentLink;

  private constructor(link: AgentLink) {
    this.#link = link;
    this.hello = link.hello;
    this.sharesClock = sharesOurClock(link.hello);
    this.shell = { run: (argv, options) => this.#run(argv, options) };
  }

  /** Throws with the carrier's words where no agent answers over it. */
  static async connect(carrier: AgentCarrier): Promise<AgentMachine> {
    return new AgentMachine(await AgentLink.open(carrier));
  }

  get isGone(): boolean {
    return this.#link.isGone;
  }

  /** Resolves to why the agent is gone, when it is. */
  get gone(): Promise<string> {
    return this.#link.gone;
  }

  async start(command: readonly string[], options: StartOptions): Promise<RunningProcess> {
    const answer = await this.#link.request({ op: "start", command, options });
    const started = answer as StartedProcess;
    return new AgentProcess(this.#link, started);
  }

  async ask(
    path: string,
    question: ControlQuestion,
    deadlineMs: number,
  ): Promise<JsonObject | undefined> {
    const request = this.#link.request({ op: "ask", path, question, deadlineMs });
    const answer = await within(request.catch(absentWhenGone), deadlineMs + GRACE_MS);
    return isObject(answer) ? answer : undefined;
  }

  async register(leftover: Leftover): Promise<Release> {
    const registration = Number(await this.#link.request({ op: "register", leftover }));
    return async () => {
      await this.#link.request({ op: "release", registration }).catch(absentWhenGone);
    };
  }

  async put(path: string, text: string, mode: number): Promise<void> {
    await this.#link.request({ op: "put", path, text, mode });
  }

  async remove(path: string): Promise<void> {
    if (!isAbsolute(path)) throw new Error(`agent: want an absolute path, found ${path}`);
    await this.#link.request({ op: "remove", path });
  }

  async tail(path: string, chars: number): Promise<string> {
    return String(await this.#link.request({ op: "tail", path, chars }));
  }

  /** Copies what is in the folder there to the folder here. */
  async collect(there: string, here: string): Promise<void> {
    const files = (await this.#link.request({ op: "list", path: there })) as RemoteFile[];
    await writeFiles(here, files, async (path, offset, bytes) =>
      String(await this.#link.request({ op: "read", path: `${there}/${path}`, offset, bytes })),
    );
  }

  /** Has the command run there when the agent ends, also where we were killed. */
  async finally(argv: readonly string[]): Promise<void> {
    await this.#link.request({ op: "finally", argv });
  }

  /** The agent ends with all that it started. */
  close(deadlineMs: number): Promise<void> {
    return this.#link.close(deadlineMs);
  }

  async #run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const deadlineMs = options.deadlineMs ?? DEADLINE_MS_DEFAULT;
    const request = this.#link.request({ op: "run", argv, ...options, deadlineMs });
    const result = await within(request, deadlineMs + GRACE_MS).catch((error: unknown) => {
      throw error instanceof AgentError ? error.of(argv) : error;
    });
    if (isObject(result)) return result as RunResult;
    const late = { code: "deadline" as const, stderr: "" };
    throw new AgentError(`its agent gave no answer in ${deadlineMs + GRACE_MS} ms`, late).of(argv);
  }
}

class AgentProcess implements RunningProcess {
  readonly handle: ProcessHandle;
  readonly pipes: Pipes | undefined;
  readonly ended: Promise<string>;
  readonly #link: AgentLink;
  readonly #id: number;

  constructor(link: AgentLink, { process: id, handle, pipes }: StartedProcess) {
    this.#link = link;
    this.#id = id;
    this.handle = handle;
    const stdout = new PassThrough();
    this.pipes = pipes ? { stdin: this.#stdin(), stdout } : undefined;
    this.ended = new Promise((resolve) => {
      link.listen(id, {
        output: (data) => stdout.write(data),
        outputEnd: () => stdout.end(),
        ended: resolve,
      });
    });
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    await this.#link.request({ op: "signal", process: this.#id, signal }).catch(absentWhenGone);
  }

  pause(deadlineMs: number): Promise<SignalEvidence> {
    return this.#evidence("pause", deadlineMs);
  }

  resume(deadlineMs: number): Promise<SignalEvidence> {
    return this.#evidence("resume", deadlineMs);
  }

  async observe(): Promise<ObservedState> {
    const request = this.#link.request({ op: "observe", process: this.#id });
    const state = await request.catch(absentWhenGone);
    return state === "running" || state === "stopped" ? state : "gone";
  }

  async #evidence(op: "pause" | "resume", deadlineMs: number): Promise<SignalEvidence> {
    const answer = await this.#link.request({ op, process: this.#id, deadlineMs });
    if (isObject(answer)) return answer as SignalEvidence;
    return { reached: false, pid: this.handle.pid, state: "gone", elapsedMs: 0 };
  }

  #stdin(): Writable {
    const send = (request: { op: "input"; data: string } | { op: "close-input" }) =>
      void this.#link.request({ ...request, process: this.#id }).catch(absentWhenGone);
    return new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        send({ op: "input", data: String(chunk) });
        done();
      },
      final(done) {
        send({ op: "close-input" });
        done();
      },
    });
  }
}

/** Where the agent is gone, so is all that it started: that is told by the end of each. */
function absentWhenGone(error: unknown): undefined {
  if (error instanceof AgentError) return undefined;
  throw error;
}

/** The same kernel's clock, not shifted by a time namespace. */
function sharesOurClock({ kernel, timeNamespace }: AgentHello): boolean {
  try {
    const ours = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return kernel === ours && timeNamespace === readlinkSync("/proc/self/ns/time");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return false; // No Linux.
    throw error;
  }
}
