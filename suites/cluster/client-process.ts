// Calls to a client process: many at a time over its stdio, each answered exactly once, whatever
// becomes of the process. What we do not know is info.

import type { ClientAnswer, ClientCall } from "../../node/runtime/client-call.js";
import { principalOfName } from "./cluster-files.js";
import { PATIENCE } from "./deadline.js";
import {
  field,
  type JsonObject,
  numberField,
  parseObject,
  readLines,
  stringField,
} from "./json-lines.js";
import type { Pipes } from "./machine.js";

/** How much later than its own time-out an answer may come before we give it up. */
const GRACE_MS = 2_000 * PATIENCE;

type Pending = {
  call: ClientCall;
  startedNs: string;
  timer: NodeJS.Timeout;
  resolve: (answer: ClientAnswer) => void;
};

export class ClientCalls {
  readonly #node: string;
  readonly #sharesClock: boolean;
  readonly #pending = new Map<number, Pending>();
  #pipes: Pipes | undefined;
  #downReason = "the client process is down";
  #callCount = 0;

  /** `sharesClock`: the process reads the same monotonic clock as we do. */
  constructor(node: string, sharesClock: boolean) {
    this.#node = node;
    this.#sharesClock = sharesClock;
  }

  /** Talks to a new life of the process from now on. */
  attach(pipes: Pipes): void {
    this.#pipes = pipes;
    // A write after the process has died; its end is noticed by `detach`.
    pipes.stdin.on("error", () => this.detach(pipes, "the client process is gone"));
    readLines(pipes.stdout, (line) => this.#onLine(pipes, line));
  }

  /** The process has ended: nothing that is still under way will be answered. */
  detach(pipes: Pipes, reason: string): void {
    if (this.#pipes !== pipes) return;
    this.#pipes = undefined;
    this.#downReason = reason;
    for (const id of [...this.#pending.keys()]) this.#giveUp(id, reason);
  }

  /** Never rejects. */
  call(call: ClientCall): Promise<ClientAnswer> {
    const id = ++this.#callCount;
    const startedNs = nowNs();
    return new Promise((resolve) => {
      const late = () => this.#giveUp(id, "the client process did not answer in time");
      const timer = setTimeout(late, call.timeoutMs + GRACE_MS);
      this.#pending.set(id, { call, startedNs, timer, resolve });
      if (this.#pipes === undefined) this.#giveUp(id, this.#downReason);
      else this.#pipes.stdin.write(`${JSON.stringify({ ...call, id })}\n`);
    });
  }

  #onLine(pipes: Pipes, line: string): void {
    const object = parseObject(line);
    const answer = object === undefined ? undefined : decodeAnswer(object);
    if (answer === undefined) {
      // Nothing it says from now on can be trusted, but the run and its verdict must go on.
      this.detach(pipes, `the client process wrote no answer: ${line.slice(0, 100)}`);
      return;
    }
    // None pending: it was given up already, and that it ended as info stays true.
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    this.#settle(answer.id, pending, {
      ...answer,
      id: pending.call.id,
      // Another clock's times say nothing here, and by chance could lie between ours: then our own
      // stand, from before it was asked until after it answered: wider than the truth.
      ...(!this.#sharesClock && { startedNs: pending.startedNs, endedNs: nowNs() }),
    });
  }

  #giveUp(id: number, error: string): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    const { call, startedNs } = pending;
    this.#settle(id, pending, {
      id: call.id,
      type: "info",
      value: call.value,
      error,
      client: principalOfName(this.#node) * 65_536 + call.session,
      startedNs,
      endedNs: nowNs(),
    });
  }

  #settle(id: number, pending: Pending, answer: ClientAnswer): void {
    clearTimeout(pending.timer);
    this.#pending.delete(id);
    pending.resolve(answer);
  }
}

function nowNs(): string {
  return process.hrtime.bigint().toString();
}

/** Undefined where a field that every answer has is missing or strange. */
function decodeAnswer(object: JsonObject): ClientAnswer | undefined {
  const id = numberField(object, "id");
  const client = numberField(object, "client");
  const startedNs = stringField(object, "startedNs");
  const endedNs = stringField(object, "endedNs");
  const type = field(object, "type");
  if (id === undefined || client === undefined) return undefined;
  if (startedNs === undefined || endedNs === undefined) return undefined;
  if (type !== "ok" && type !== "fail" && type !== "info") return undefined;
  const error = stringField(object, "error");
  const seq = numberField(object, "seq");
  const timestamp = numberField(object, "timestamp");
  const view = numberField(object, "view");
  return {
    id,
    type,
    value: field(object, "value"),
    client,
    startedNs,
    endedNs,
    ...(error !== undefined && { error }),
    ...(seq !== undefined && { seq }),
    ...(timestamp !== undefined && { timestamp }),
    ...(view !== undefined && { view }),
  };
}
