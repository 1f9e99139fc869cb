// A client process in the simulation: the real sessions of the build under test.

import type { Keyring } from "../../node/core/keyring.js";
import type { PrincipalId } from "../../node/core/messages.js";
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

export class SimClient {
  readonly principal: PrincipalId;
  readonly #sessions: ClientSessions;
  readonly #transport: SimTransport;

  constructor(ground: ClientGround) {
    const { build, queue, cluster, n, datagramBytesMax, datagramMessagesMax, keyring } = ground;
    this.principal = keyring.principal;
    const sizes = { datagramBytesMax, datagramMessagesMax };
    const links = build.createLinks({ cluster, keyring, ...sizes, epoch: 1 });
    this.#transport = createSimTransport({
      build,
      links,
      n,
      filter: (_to, messages) => messages,
      emit: (to, datagram) => ground.send(this.principal, to, datagram, queue.nowUs),
    });
    this.#sessions = new build.ClientSessions({
      cluster,
      n,
      keyring,
      transport: this.#transport,
      clock: new SimClock(queue, (callback) => callback()),
      monotonicNs: () => String(queue.nowUs * 1_000),
      timestamp: 1_000_000,
    });
  }

  receive(bytes: Uint8Array): void {
    this.#transport.onDatagram?.(datagramFrom(bytes));
  }

  call(call: ClientCall, answer: (answer: ClientAnswer) => void): void {
    this.#sessions.call(call, answer);
  }
}
