// The inside of a client process: many sessions over one transport. Requests of one turn of the event
// loop that go to the same replica share a datagram. A replica knows where we are only from our own
// datagrams, so one that has not spoken to us lately gets a request too, wherever it goes first:
// otherwise our first request, and many after a restart of theirs, would wait for the retry to all.

import {
  createSession,
  isIdle,
  type Session,
  type SessionEffect,
  type SessionInput,
  stepSession,
} from "../client/session.js";
import type { Keyring } from "../core/keyring.js";
import {
  type ClientId,
  type PrincipalId,
  type ReplicaId,
  type Request,
  SESSIONS_PER_PRINCIPAL,
  type View,
} from "../core/messages.js";
import { decodeMessage, encodeMessage } from "../core/wire.js";
import { completionValue, operationOfCall } from "../ledger/call.js";
import { encodeOperation, type Operation } from "../ledger/operation.js";
import { decodeResult } from "../ledger/result.js";
import type { ClientAnswer, ClientCall } from "./client-call.js";
import type { Clock } from "./timers.js";
import type { Datagram, Transport } from "./transport.js";

export type ClientSessionsOptions = {
  /** Cluster id: 16 hexadecimal characters. */
  cluster: string;
  /** Replicas. */
  n: number;
  keyring: Keyring;
  /** Its `onDatagram` is taken. */
  transport: Pick<Transport, "open" | "send" | "onDatagram">;
  clock: Clock;
  /** CLOCK_MONOTONIC, ns, as decimal text: what answers are stamped with. */
  monotonicNs: () => string;
  /** Timestamps of all sessions start above this. */
  timestamp: number;
};

/** A replica silent for this long may have forgotten us, or never have known. */
const INTRODUCTION_MS = 2_000;

type Waiting = {
  call: ClientCall;
  operation: Operation;
  startedNs: string;
  stopExpiry: () => void;
  answer: (answer: ClientAnswer) => void;
};
/** A session and the call it is doing. */
type Seat = { session: Session; waiting: Waiting | undefined; stopRetry: () => void };

/** Guards: a session does one call at a time, and each call is answered once. */
export class ClientSessions {
  readonly #options: ClientSessionsOptions;
  readonly #replicas: readonly ReplicaId[];
  readonly #seats = new Map<ClientId, Seat>();
  /** When each replica last spoke to us or was last introduced, on our clock. */
  readonly #introduced: number[];
  #outbox = new Map<ReplicaId, Uint8Array[]>();
  #view: View = 0;
  #closed = false;

  constructor(options: ClientSessionsOptions) {
    this.#options = options;
    this.#replicas = Array.from({ length: options.n }, (_, id) => id);
    this.#introduced = this.#replicas.map(() => Number.NEGATIVE_INFINITY);
    options.transport.onDatagram = (datagram) => this.#onDatagram(datagram);
  }

  get principal(): PrincipalId {
    return this.#options.keyring.principal;
  }

  /** `answer` is called once, perhaps at once: what goes wrong is in the answer. */
  call(call: ClientCall, answer: (answer: ClientAnswer) => void): void {
    const { clock, monotonicNs } = this.#options;
    const client = this.principal * SESSIONS_PER_PRINCIPAL + call.session;
    const operation = this.#operationOf(call, client);
    if (typeof operation === "string") {
      answer(this.#refused(call, client, operation));
      return;
    }
    const { first } = call;
    const seat = this.#seatOf(client);
    // Before the timer is set: the window of an operation may be wider than the truth, never narrower.
    const startedNs = monotonicNs();
    const stopExpiry = clock.after(call.timeoutMs, () => this.#giveUp(seat, "timeout"));
    seat.waiting = { call, operation, startedNs, stopExpiry, answer };
    const input: SessionInput = {
      kind: "submit",
      operation: encodeOperation(operation),
      view: this.#view,
    };
    this.#step(seat, first === undefined ? input : { ...input, first });
  }

  /** Ends what is outstanding as info; nothing is sent or heard afterwards. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.transport.onDatagram = undefined;
    for (const seat of this.#seats.values()) this.#giveUp(seat, "closed");
  }

  /** What the call asks, or why it cannot be sent. */
  #operationOf(call: ClientCall, client: ClientId): Operation | string {
    const { first } = call;
    if (first !== undefined && first >= this.#replicas.length) {
      return `malformed call: first: no replica ${first}`;
    }
    if (this.#closed) return "closed";
    const operation = operationOfCall(call.f, call.value);
    if (typeof operation === "string" || isIdle(this.#seatOf(client).session)) return operation;
    return "session-busy";
  }

  #refused(call: ClientCall, client: ClientId, error: string): ClientAnswer {
    const now = this.#options.monotonicNs();
    const { id, value } = call;
    return { id, type: "fail", value, error, client, startedNs: now, endedNs: now };
  }

  #onDatagram(datagram: Datagram): void {
    const { transport, clock, n } = this.#options;
    const { from, messages } = transport.open(datagram);
    if (from === undefined || from >= n) return;
    this.#introduced[from] = clock.now();
    for (const bytes of messages) this.#receive(from, bytes);
  }

  #receive(from: PrincipalId, bytes: Uint8Array): void {
    const reply = decodeMessage(bytes);
    if (reply?.kind !== "reply") return;
    const seat = this.#seats.get(reply.client);
    if (seat !== undefined) this.#step(seat, { kind: "reply", from, reply });
  }

  #seatOf(client: ClientId): Seat {
    const known = this.#seats.get(client);
    if (known !== undefined) return known;
    const session = createSession({
      cluster: this.#options.cluster,
      n: this.#options.n,
      client,
      keyring: this.#options.keyring,
      timestamp: this.#options.timestamp,
    });
    const seat: Seat = { session, waiting: undefined, stopRetry: () => undefined };
    this.#seats.set(client, seat);
    return seat;
  }

  #step(seat: Seat, input: SessionInput): void {
    for (const effect of stepSession(seat.session, input)) this.#perform(seat, effect);
  }

  #perform(seat: Seat, effect: SessionEffect): void {
    switch (effect.kind) {
      case "send":
        this.#post(effect.to, effect.request);
        break;
      case "set-timer":
        seat.stopRetry();
        seat.stopRetry = this.#options.clock.after(effect.delayMs, () =>
          this.#step(seat, { kind: "timeout" }),
        );
        break;
      case "cancel-timer":
        seat.stopRetry();
        break;
      case "done":
        this.#done(seat, effect);
        break;
      case "ignored":
        break;
      default:
        effect satisfies never;
    }
  }

  #post(to: readonly ReplicaId[], request: Request): void {
    if (this.#outbox.size === 0) this.#options.clock.soon(() => this.#flush());
    const bytes = encodeMessage(request);
    for (const replica of [...to, ...this.#strangers(to)]) {
      const queue = this.#outbox.get(replica);
      if (queue === undefined) this.#outbox.set(replica, [bytes]);
      else queue.push(bytes);
    }
  }

  /** The replicas outside `to` that should hear from us again; they count as introduced. */
  #strangers(to: readonly ReplicaId[]): ReplicaId[] {
    const now = this.#options.clock.now();
    const strangers = this.#replicas.filter(
      (id) => !to.includes(id) && now - (this.#introduced[id] ?? now) > INTRODUCTION_MS,
    );
    for (const id of strangers) this.#introduced[id] = now;
    return strangers;
  }

  #flush(): void {
    if (this.#closed) return;
    const outbox = this.#outbox;
    this.#outbox = new Map();
    for (const [replica, messages] of outbox) this.#options.transport.send(replica, messages);
  }

  #done(seat: Seat, done: SessionEffect & { kind: "done" }): void {
    const { waiting } = seat;
    if (waiting === undefined) return;
    const { seq, timestamp, view } = done;
    // A higher view than we knew is where the next request goes first.
    this.#view = Math.max(this.#view, view);
    const result = decodeResult(done.result);
    const told = { seq, timestamp, view };
    if (result?.kind === "refused") {
      this.#answer(seat, { type: "fail", error: result.refusal, ...told });
      return;
    }
    const value = result === undefined ? undefined : completionValue(waiting.operation, result);
    if (value === undefined) this.#answer(seat, { type: "info", error: "bad-result", ...told });
    else this.#answer(seat, { type: "ok", value, ...told });
  }

  #giveUp(seat: Seat, error: "timeout" | "closed"): void {
    if (seat.waiting === undefined) return;
    const { timestamp } = seat.session;
    this.#step(seat, { kind: "abandon" });
    this.#answer(seat, { type: "info", error, timestamp });
  }

  #answer(seat: Seat, outcome: Pick<ClientAnswer, "type"> & Partial<ClientAnswer>): void {
    const { waiting } = seat;
    if (waiting === undefined) return;
    seat.waiting = undefined;
    waiting.stopExpiry();
    const { call, startedNs } = waiting;
    waiting.answer({
      id: call.id,
      value: call.value,
      client: seat.session.options.client,
      startedNs,
      endedNs: this.#options.monotonicNs(),
      ...outcome,
    });
  }
}
