// The runner's end of the line to an agent: requests with their answers, events by process, and what
// happens to all of them when the line is gone.

import type { Readable, Writable } from "node:stream";
import { ShellError, type ShellFailure } from "../../nemesis/host/shell.js";
import type { AgentEvent, AgentHello, AgentRequest } from "./agent-protocol.js";
import { field, type JsonObject, parseObject, readLines, stringField } from "./json-lines.js";

/** What carries the lines. */
export type AgentCarrier = {
  stdin: Writable;
  stdout: Readable;
  /** Resolves to why it has ended, one line. */
  ended: Promise<string>;
  /** Ends it now. */
  kill(): void;
};

/** Hears what becomes of one process. */
export type ProcessListener = {
  output(data: string): void;
  outputEnd(): void;
  ended(how: string): void;
};

/** An answer that is an error; for those of commands `shell` says more. */
export class AgentError extends Error {
  override readonly name = "AgentError";
  readonly shell: { code: ShellFailure; stderr: string } | undefined;

  constructor(message: string, shell?: { code: ShellFailure; stderr: string }) {
    super(message);
    this.shell = shell;
  }

  /** As the failure of this command. */
  of(argv: readonly string[]): ShellError {
    const { code, stderr } = this.shell ?? { code: "not-started" as const, stderr: "" };
    return new ShellError(code, argv, this.message, stderr);
  }
}

type ProcessEvent = Extract<AgentEvent, { process: number }>;
type Pending = { resolve: (value: unknown) => void; reject: (error: AgentError) => void };

const HELLO_MS_MAX = 60_000;
const PING_MS = 20_000;

export class AgentLink {
  readonly hello: AgentHello;
  /** Resolves to why nothing more will come. */
  readonly gone: Promise<string>;
  readonly #carrier: AgentCarrier;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Map<number, ProcessListener>();
  /** What came of processes that nobody listens to yet. */
  readonly #early: ProcessEvent[] = [];
  readonly #ping: NodeJS.Timeout;
  #requestCount = 0;
  #goneReason: string | undefined;

  private constructor(carrier: AgentCarrier, hello: AgentHello) {
    this.#carrier = carrier;
    this.hello = hello;
    this.gone = carrier.ended.then((reason) => this.#lost(reason));
    // A write after the carrier has ended; its end is told by `gone`.
    carrier.stdin.on("error", () => carrier.stdin.destroy());
    this.#ping = setInterval(
      () => void this.request({ op: "ping" }).catch(() => undefined),
      PING_MS,
    );
    this.#ping.unref();
  }

  /** Resolves when the agent has greeted; throws with the carrier's own words where it does not. */
  static open(carrier: AgentCarrier): Promise<AgentLink> {
    return new Promise((resolve, reject) => {
      let link: AgentLink | undefined;
      const refuse = (why: string) => {
        carrier.kill();
        reject(new Error(`no agent: ${why}`));
      };
      const late = () => refuse(`it did not greet within ${HELLO_MS_MAX / 1_000} s`);
      const timer = setTimeout(late, HELLO_MS_MAX);
      void carrier.ended.then((why) => {
        clearTimeout(timer);
        refuse(why);
      });
      readLines(carrier.stdout, (line) => {
        const object = parseObject(line);
        if (link !== undefined) return link.#onLine(object, line);
        clearTimeout(timer);
        const hello = decodeHello(object);
        if (hello === undefined) return refuse(`it said ${line.slice(0, 100)}`);
        link = new AgentLink(carrier, hello);
        resolve(link);
      });
    });
  }

  get isGone(): boolean {
    return this.#goneReason !== undefined;
  }

  /** The answer's value; rejects with an AgentError. */
  request(request: AgentRequest): Promise<unknown> {
    const id = ++this.#requestCount;
    return new Promise((resolve, reject) => {
      if (this.#goneReason !== undefined) return reject(new AgentError(this.#goneReason));
      this.#pending.set(id, { resolve, reject });
      this.#carrier.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }

  listen(process: number, listener: ProcessListener): void {
    this.#listeners.set(process, listener);
    for (const event of this.#early) if (event.process === process) tell(listener, event);
    if (this.#goneReason === undefined) return;
    listener.outputEnd();
    listener.ended(this.#goneReason);
  }

  /** The agent ends, and with it what it started; resolves when it has. */
  async close(deadlineMs: number): Promise<void> {
    this.#carrier.stdin.end();
    const timer = setTimeout(() => this.#carrier.kill(), deadlineMs);
    await this.gone;
    clearTimeout(timer);
  }

  #onLine(object: JsonObject | undefined, line: string): void {
    const event = object as AgentEvent | undefined;
    switch (event?.event) {
      case "answer": {
        const pending = this.#pending.get(event.id);
        this.#pending.delete(event.id);
        if ("error" in event) pending?.reject(new AgentError(event.error, event.shell));
        else pending?.resolve(event.value);
        return;
      }
      case "output":
      case "output-end":
      case "ended": {
        const listener = this.#listeners.get(event.process);
        if (listener === undefined) this.#early.push(event);
        else tell(listener, event);
        return;
      }
      default:
        throw new Error(`agent: strange line ${line.slice(0, 100)}`);
    }
  }

  #lost(why: string): string {
    const reason = `the agent is gone: ${why}`;
    this.#goneReason = reason;
    clearInterval(this.#ping);
    for (const pending of this.#pending.values()) pending.reject(new AgentError(reason));
    this.#pending.clear();
    for (const listener of this.#listeners.values()) {
      listener.outputEnd();
      listener.ended(reason);
    }
    return reason;
  }
}

function tell(listener: ProcessListener, event: ProcessEvent): void {
  switch (event.event) {
    case "output":
      listener.output(event.data);
      break;
    case "output-end":
      listener.outputEnd();
      break;
    case "ended":
      listener.ended(event.how);
      break;
    default:
      event satisfies never;
  }
}

function decodeHello(object: JsonObject | undefined): AgentHello | undefined {
  if (object === undefined || field(object, "event") !== "hello") return undefined;
  const text = (name: string) => stringField(object, name) ?? "";
  return {
    runtimeFolder: text("runtimeFolder"),
    execPath: text("execPath"),
    nodeVersion: text("nodeVersion"),
    kernel: text("kernel"),
    timeNamespace: text("timeNamespace"),
  };
}
