// Records what happened, twice: on disk line by line as it happens, bracketed by the runner's clock
// (wider than the truth, so sound, if the runner dies); in memory with the times that the client
// processes measured. The ordered history replaces the journal when the run ends.

import assert from "node:assert/strict";
import type { HistoryOp } from "../checker/history.js";
import type { ClientAnswer } from "../node/runtime/client-call.js";
import type { AppendFile } from "./append-file.js";
import type { RunClock } from "./run-clock.js";

export type Invocation = {
  process: number;
  f: string;
  value: unknown;
  node: string;
  client: number;
};

type Event = Omit<HistoryOp, "index">;

/** Guards: every completion has its invocation, and a process does one thing at a time. */
export class HistoryRecorder {
  readonly #journal: AppendFile;
  readonly #clock: RunClock;
  readonly #events: Event[] = [];
  readonly #pending = new Map<number, { event: Event; since: number }>();
  readonly #lastEnd = new Map<number, number>();
  #journaled = 0;
  readonly counts = { invoke: 0, ok: 0, fail: 0, info: 0 };

  constructor(journal: AppendFile, clock: RunClock) {
    this.#journal = journal;
    this.#clock = clock;
  }

  /** Whether every operation has completed. */
  get isComplete(): boolean {
    return this.#pending.size === 0;
  }

  /** Call before the request is handed to the client process. */
  invoke({ process, f, value, node, client }: Invocation): void {
    assert(!this.#pending.has(process), `process ${process} invokes ${f} before it completed`);
    // Strictly after its last end, also where the run ends before this operation does.
    const time = Math.max(this.#clock.now(), (this.#lastEnd.get(process) ?? -1) + 1);
    const event: Event = { time, type: "invoke", process, f, value, node, client };
    this.#write(event);
    this.#events.push(event);
    this.#pending.set(process, { event, since: time });
    this.counts.invoke += 1;
  }

  complete(process: number, answer: ClientAnswer): void {
    const pending = this.#pending.get(process);
    assert(pending !== undefined, `process ${process} completes nothing`);
    this.#pending.delete(process);
    const now = this.#clock.now();
    const { event, since } = pending;
    const { started, ended } = this.#times(process, since, now, answer);
    const completion: Event = {
      time: now,
      type: answer.type,
      process,
      f: event.f,
      value: answer.type === "ok" ? answer.value : event.value,
      ...(answer.error === undefined ? {} : { error: answer.error }),
      ...(event.node === undefined ? {} : { node: event.node }),
      ...(answer.seq === undefined ? {} : { seq: answer.seq }),
      client: answer.client,
      ...(answer.timestamp === undefined ? {} : { timestamp: answer.timestamp }),
    };
    this.#write(completion);
    event.time = started;
    this.#events.push({ ...completion, time: ended });
    this.#lastEnd.set(process, ended);
    this.counts[answer.type] += 1;
  }

  /** A nemesis event; its value is data of faults.ts. */
  nemesis(f: string, value: unknown, error?: string): void {
    const event: Event = {
      time: this.#clock.now(),
      type: "info",
      process: "nemesis",
      f,
      value,
      ...(error === undefined ? {} : { error }),
    };
    this.#write(event);
    this.#events.push(event);
  }

  /** The history so far in its order: by time, invocations before completions of the same instant. */
  ordered(): HistoryOp[] {
    const rank = (event: Event) => (event.type === "invoke" ? 0 : 1);
    return [...this.#events]
      .sort((a, b) => a.time - b.time || rank(a) - rank(b))
      .map((event, index) => ({ index, ...event }));
  }

  #write(event: Event): void {
    this.#journal.append({ index: this.#journaled, ...event });
    this.#journaled += 1;
  }

  // The client's own times where they lie inside what this process saw, which they do on one
  // machine; otherwise the wider bracket. An invocation stands strictly after its process's last
  // completion, for a tie would read as two operations at a time.
  #times(process: number, since: number, now: number, answer: ClientAnswer) {
    const started = this.#clock.at(answer.startedNs);
    const ended = this.#clock.at(answer.endedNs);
    const measured =
      started !== undefined && ended !== undefined && since <= started && started <= ended;
    const bracket = measured && ended <= now ? { started, ended } : { started: since, ended: now };
    const after = (this.#lastEnd.get(process) ?? -1) + 1;
    const begin = Math.max(bracket.started, after);
    return { started: begin, ended: Math.max(bracket.ended, begin + 1) };
  }
}
