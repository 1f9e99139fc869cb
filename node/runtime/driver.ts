// Drives the pure replica: once in a turn of the event loop it feeds every datagram that has come,
// then every timer that is due, and performs the effects of all of them together. The order here is
// the durability rule:
//
//   1. records to the log, one write and one fdatasync for the whole turn, unless all of them may wait;
//   2. compaction, when asked: the state machine made durable first, then the log replaced;
//   3. messages out, coalesced for each destination;
//   4. the state machine's transaction ends.
//
// A vote that left before what binds it was durable could be forgotten and contradicted, and a watermark
// that was told could go back (1, 2 before 3). A state that was durable before the certificate that justifies
// it would survive a crash that the certificate does not (1 before 2, 4). A log cut before the state is
// durable loses both. A reply need not wait for the transaction: what it answers is in the log of 2f+1
// replicas by then.

import type { LogRecord } from "../core/log.js";
import type { Message, PrincipalId } from "../core/messages.js";
import type { StateMachine } from "../core/state-machine.js";
import type { CoreEvent, Effect, Input, TimerName } from "../core/step.js";
import { decodeMessage, encodeMessage, encodeRecord } from "../core/wire.js";
import type { Counters } from "./counters.js";
import type { LogFile } from "./log-file.js";
import { type Clock, Timers } from "./timers.js";
import type { Datagram, Transport } from "./transport.js";

export type DriverOptions = {
  /** The replica's `step`, bound to it. */
  step: (input: Input) => readonly Effect[];
  stateMachine: Pick<StateMachine, "commit" | "sync">;
  log: Pick<LogFile, "append" | "replace">;
  transport: Pick<Transport, "open" | "send" | "onDatagram">;
  clock: Clock;
  counters: Counters;
  onEvent: (event: CoreEvent) => void;
  /** Hears every message of an authentic datagram, before the core does. */
  onMessage?: ((from: PrincipalId, message: Message) => void) | undefined;
};

export interface Driver {
  /** Performs the effects of recovery, then begins to listen. */
  start(recovery: readonly Effect[]): void;
  /** Performs what waits and makes everything durable; nothing is received or sent afterwards. */
  stop(): void;
}

type MessageInput = Input & { kind: "message" };

export function createDriver(options: DriverOptions): Driver {
  return new TickDriver(options);
}

class TickDriver implements Driver {
  readonly #options: DriverOptions;
  readonly #timers: Timers<TimerName>;
  #inbox: Datagram[] = [];
  #scheduled = false;
  #stopped = false;
  /** Not yet in the log. */
  #records: Uint8Array[] = [];
  /** Whether one of them must be durable before the turn's messages leave. */
  #mustSync = false;
  /** These records take the place of the log and of the first `replaced` of `#records`. */
  #compaction: { records: readonly LogRecord[]; replaced: number } | undefined;
  #outbox = new Map<PrincipalId, Uint8Array[]>();

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#timers = new Timers(options.clock, () => this.#schedule());
  }

  start(recovery: readonly Effect[]): void {
    this.#collect(recovery);
    this.#perform();
    this.#options.transport.onDatagram = (datagram) => {
      this.#inbox.push(datagram);
      this.#schedule();
    };
  }

  stop(): void {
    this.#stopped = true;
    this.#timers.cancelAll();
    this.#options.transport.onDatagram = undefined;
    this.#step({ kind: "stop" });
    this.#outbox.clear();
    this.#perform();
    this.#options.stateMachine.sync();
  }

  /** In the check phase, after this turn's datagrams came in. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.clock.soon(() => this.#tick());
  }

  #tick(): void {
    this.#scheduled = false;
    if (this.#stopped) return;
    const inbox = this.#inbox;
    this.#inbox = [];
    const received = inbox.flatMap((datagram) => this.#received(datagram));
    // Requests first: a batch that this turn's votes let the primary propose then holds them all.
    for (const input of received) if (input.message.kind === "request") this.#step(input);
    for (const input of received) if (input.message.kind !== "request") this.#step(input);
    for (let timer = this.#timers.takeDue(); timer !== undefined; timer = this.#timers.takeDue()) {
      this.#step({ kind: "timeout", timer });
    }
    this.#perform();
  }

  #received(datagram: Datagram): MessageInput[] {
    const { transport, counters, onMessage } = this.#options;
    const { from, messages } = transport.open(datagram);
    if (from === undefined) return [];
    return messages.flatMap((bytes) => {
      const message = decodeMessage(bytes);
      if (message !== undefined) {
        onMessage?.(from, message);
        return [{ kind: "message", from, message } satisfies MessageInput];
      }
      counters.add("message/malformed");
      return [];
    });
  }

  #step(input: Input): void {
    this.#collect(this.#options.step(input));
  }

  #collect(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "persist":
          this.#records.push(encodeRecord(effect.record));
          this.#mustSync ||= !effect.later;
          break;
        case "compact":
          this.#compaction = { records: effect.records, replaced: this.#records.length };
          break;
        case "send":
          this.#post(effect.to, effect.message);
          break;
        // Timers are not seen from outside, so nothing has to be durable before them; set at once,
        // they stand against whatever else this turn brings.
        case "set-timer":
          this.#timers.set(effect.timer, effect.delayMs);
          break;
        case "cancel-timer":
          this.#timers.cancel(effect.timer);
          break;
        case "event":
          this.#options.onEvent(effect.event);
          break;
        default:
          effect satisfies never;
      }
    }
  }

  #post(to: readonly PrincipalId[], message: Message): void {
    const bytes = encodeMessage(message);
    for (const principal of to) {
      const queue = this.#outbox.get(principal);
      if (queue === undefined) this.#outbox.set(principal, [bytes]);
      else queue.push(bytes);
    }
  }

  #perform(): void {
    const { log, stateMachine, transport } = this.#options;
    const compaction = this.#compaction;
    const records = this.#records;
    if (this.#mustSync || compaction !== undefined) {
      this.#records = [];
      this.#mustSync = false;
      this.#compaction = undefined;
      log.append(records);
    }
    if (compaction !== undefined) {
      stateMachine.commit();
      stateMachine.sync();
      const kept = compaction.records.map(encodeRecord);
      log.replace([...kept, ...records.slice(compaction.replaced)]);
    }
    if (this.#outbox.size > 0) {
      const outbox = this.#outbox;
      this.#outbox = new Map();
      for (const [principal, messages] of outbox) transport.send(principal, messages);
    }
    stateMachine.commit();
  }
}
