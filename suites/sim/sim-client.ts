// A client process in the simulation: the real sessions of the build under test.

import type { Keyring } from "../../node/core/keyring.js";
import { type PrincipalId, SESSIONS_PER_PRINCIPAL } from "../../node/core/messages.js";
import type { ClientAnswer, ClientCall } from "../../node/runtime/client-call.js";
import type { ClientSessions } from "../../node/runtime/client-sessions.js";
import type { EventQueue } from "./event-queue.js";
import type { NodeBuild } from "./node-build.js";
import { SimClock } from "./sim-clock.js";
import { createSimTransport, datagramFrom, type SimTransport } from "./sim-transport.js";

export type ClientGround = {
  build: NodeBuild;
  queue: EventQueue;
  cluster: string;
  n: number;
  datagramBytesMax: number;
  datagramMessagesMax: number;
  keyring: Keyring;
  send: (from: PrincipalId, to: PrincipalId, datagram: Uint8Array, atUs: number) => void;
};

type Running = { sessions: ClientSessions; transport: SimTransport; clock: SimClock };

/** The wall clock when a simulation begins, µs: where a client's timestamps start. */
const WALL_CLOCK_US = 1_000_000;

export class SimClient {
  readonly principal: PrincipalId;
  readonly #ground: ClientGround;
  /** Undefined while its process is down. */
  #running: Running | undefined;
  #incarnation = 0;

  constructor(ground: ClientGround) {
    this.#ground = ground;
    this.principal = ground.keyring.principal;
    this.start();
  }

  get isDown(): boolean {
    return this.#running === undefined;
  }

  /** A new process, which remembers nothing of an earlier one. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#incarnation += 1;
    const { build, queue, cluster, n, keyring } = this.#ground;
    const { datagramBytesMax, datagramMessagesMax } = this.#ground;
    const epoch = this.#incarnation;
    const sizes = { datagramBytesMax, datagramMessagesMax };
    const links = build.createLinks({ cluster, keyring, ...sizes, epoch });
    const transport = createSimTransport({
      build,
      links,
      n,
      filter: (_to, messages) => messages,
      emit: (to, datagram) => this.#ground.send(this.principal, to, datagram, queue.nowUs),
    });
    const clock = new SimClock(queue, (callback) => callback());
    const sessions = new build.ClientSessions({
      cluster,
      n,
      keyring,
      transport,
      clock,
      monotonicNs: () => String(queue.nowUs * 1_000),
      timestamp: WALL_CLOCK_US + Math.floor(queue.nowUs),
    });
    this.#running = { sessions, transport, clock };
  }

  /** The process ends; the fate of what it asked is not known. */
  end(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.sessions.close();
    running.clock.cancelAll();
  }

  receive(bytes: Uint8Array): void {
    this.#running?.transport.onDatagram?.(datagramFrom(bytes));
  }

  /** While its process is down nothing is asked, and the answer says so. */
  call(call: ClientCall, answer: (answer: ClientAnswer) => void): void {
    if (this.#running !== undefined) {
      this.#running.sessions.call(call, answer);
      return;
    }
    const { queue } = this.#ground;
    const now = String(queue.nowUs * 1_000);
    const { id, value, session } = call;
    const client = this.principal * SESSIONS_PER_PRINCIPAL + session;
    const error = "closed";
    answer({ id, type: "fail", value, error, client, startedNs: now, endedNs: now });
  }
}
