// A client process's inside: many sessions over one socket. Requests of one turn of the event loop
// that go to the same replica share a datagram. A replica knows where we are only from our own
// datagrams, so one that has not spoken to us lately gets a request too, wherever it goes first:
// otherwise our first request, and many after a restart of theirs, would wait for the retry to all.

import { randomBytes } from "node:crypto";
import { isIPv6 } from "node:net";
import {
  createSession,
  isIdle,
  type Session,
  type SessionEffect,
  type SessionInput,
  stepSession,
} from "../client/session.js";
import { createLinks } from "../core/datagram.js";
import type { Keyring } from "../core/keyring.js";
import {
  CLIENT_PRINCIPAL_MIN,
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
import { type ClientAnswer, type ClientCall, monotonicNs, refusedCall } from "./client-call.js";
import { type ClusterFile, checkKeys, principalsOf } from "./cluster-file.js";
import { Counters } from "./counters.js";
import { createKeyring } from "./keyring.js";
import type { SecretKeys } from "./keys.js";
import { OrdealError } from "./ordeal-error.js";
import { type Address, openTransport, type Transport } from "./transport.js";

export type ClientOptions = {
  cluster: ClusterFile;
  key: SecretKeys;
  /** Default: any port on all addresses. */
  listen?: Address;
  /**
   * Timestamps start above this. Default: the wall clock in µs, which is above all that an earlier
   * process used, as long as the clock was not set back and no session made a million requests a
   * second.
   */
  timestamp?: number;
};

export interface Client {
  readonly principal: PrincipalId;
  /** Never rejects: what goes wrong is in the answer. */
  call(call: ClientCall): Promise<ClientAnswer>;
  /** Ends what is outstanding as info and closes the socket. */
  close(): Promise<void>;
}

/** Throws OrdealError for keys that are no client's of this cluster, or where the socket fails. */
export async function openClient(options: ClientOptions): Promise<Client> {
  const { cluster, key } = options;
  checkKeys(cluster, key);
  if (key.principal < CLIENT_PRINCIPAL_MIN) {
    throw new OrdealError("key-file", `key file: principal ${key.principal} is a replica`);
  }
  const principals = principalsOf(cluster);
  const keyring = createKeyring({ cluster: cluster.cluster, secret: key, principals });
  const transport = await openTransport({
    links: createLinks({
      cluster: cluster.cluster,
      keyring,
      datagramBytesMax: cluster.datagramBytesMax,
      epoch: randomBytes(4).readUInt32BE(),
    }),
    listen: options.listen ?? { host: anyAddressLike(cluster), port: 0 },
    replicas: new Map(cluster.replicas.map((replica) => [replica.id, replica])),
    counters: new Counters(),
  });
  return new UdpClient(cluster, keyring, transport, options.timestamp ?? Date.now() * 1_000);
}

/** A replica silent for this long may have forgotten us, or never have known. */
const INTRODUCTION_MS = 2_000;

type Waiting = {
  call: ClientCall;
  operation: Operation;
  startedNs: string;
  expiry: NodeJS.Timeout;
  answer: (answer: ClientAnswer) => void;
};
/** A session and the call it is doing. */
type Seat = { session: Session; waiting: Waiting | undefined; retry: NodeJS.Timeout | undefined };

class UdpClient implements Client {
  readonly #cluster: ClusterFile;
  readonly #keyring: Keyring;
  readonly #transport: Transport;
  readonly #timestampStart: number;
  readonly #seats = new Map<ClientId, Seat>();
  /** When each replica last spoke to us or was last introduced; monotonic ms. */
  readonly #introduced: number[];
  #outbox = new Map<ReplicaId, Uint8Array[]>();
  #view: View = 0;
  #closed = false;

  constructor(
    cluster: ClusterFile,
    keyring: Keyring,
    transport: Transport,
    timestampStart: number,
  ) {
    this.#cluster = cluster;
    this.#keyring = keyring;
    this.#transport = transport;
    this.#timestampStart = timestampStart;
    this.#introduced = cluster.replicas.map(() => Number.NEGATIVE_INFINITY);
    transport.onDatagram = (datagram) => {
      const { from, messages } = transport.open(datagram);
      if (from === undefined || from >= cluster.replicas.length) return;
      this.#introduced[from] = performance.now();
      for (const bytes of messages) this.#receive(from, bytes);
    };
  }

  get principal(): PrincipalId {
    return this.#keyring.principal;
  }

  call(call: ClientCall): Promise<ClientAnswer> {
    const client = this.principal * SESSIONS_PER_PRINCIPAL + call.session;
    const operation = operationOfCall(call.f, call.value);
    if (typeof operation === "string") return refused(call, client, operation);
    const first = call.first;
    if (first !== undefined && first >= this.#cluster.replicas.length) {
      return refused(call, client, `malformed call: first: no replica ${first}`);
    }
    if (this.#closed) return refused(call, client, "closed");
    const seat = this.#seatOf(client);
    if (!isIdle(seat.session)) return refused(call, client, "session-busy");

    return new Promise((answer) => {
      const expiry = setTimeout(() => this.#giveUp(seat, "timeout"), call.timeoutMs);
      seat.waiting = { call, operation, startedNs: monotonicNs(), expiry, answer };
      const input: SessionInput = {
        kind: "submit",
        operation: encodeOperation(operation),
        view: this.#view,
      };
      this.#step(seat, first === undefined ? input : { ...input, first });
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const seat of this.#seats.values()) this.#giveUp(seat, "closed");
    await this.#transport.close();
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
      cluster: this.#cluster.cluster,
      n: this.#cluster.replicas.length,
      client,
      keyring: this.#keyring,
      timestamp: this.#timestampStart,
    });
    const seat: Seat = { session, waiting: undefined, retry: undefined };
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
        clearTimeout(seat.retry);
        seat.retry = setTimeout(() => this.#step(seat, { kind: "timeout" }), effect.delayMs);
        break;
      case "cancel-timer":
        clearTimeout(seat.retry);
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
    if (this.#outbox.size === 0) setImmediate(() => this.#flush());
    const bytes = encodeMessage(request);
    for (const replica of [...to, ...this.#strangers(to)]) {
      const queue = this.#outbox.get(replica);
      if (queue === undefined) this.#outbox.set(replica, [bytes]);
      else queue.push(bytes);
    }
  }

  /** The replicas outside `to` that should hear from us again; they count as introduced. */
  #strangers(to: readonly ReplicaId[]): ReplicaId[] {
    const now = performance.now();
    const strangers = this.#cluster.replicas
      .map(({ id }) => id)
      .filter((id) => !to.includes(id) && now - (this.#introduced[id] ?? now) > INTRODUCTION_MS);
    for (const id of strangers) this.#introduced[id] = now;
    return strangers;
  }

  #flush(): void {
    if (this.#closed) return;
    const outbox = this.#outbox;
    this.#outbox = new Map();
    for (const [replica, messages] of outbox) this.#transport.send(replica, messages);
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
    clearTimeout(waiting.expiry);
    const { call, startedNs } = waiting;
    waiting.answer({
      id: call.id,
      value: call.value,
      client: seat.session.options.client,
      startedNs,
      endedNs: monotonicNs(),
      ...outcome,
    });
  }
}

function refused(call: ClientCall, client: ClientId, error: string): Promise<ClientAnswer> {
  return Promise.resolve(refusedCall(call, client, error));
}

function anyAddressLike(cluster: ClusterFile): string {
  return isIPv6(cluster.replicas[0]?.host ?? "") ? "::" : "0.0.0.0";
}
