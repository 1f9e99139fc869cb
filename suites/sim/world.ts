// A cluster in the simulation: replicas, clients, the network between them, and the faults that are
// active. Everything that happens in it follows from the setup and the calls.

import type { Evidence, NodeName, ResolvedFault } from "../../nemesis/faults.js";
import { composeProcesses } from "../../nemesis/processes.js";
import type { Random } from "../../nemesis/random.js";
import type { ProtocolConfig } from "../../node/core/config.js";
import type { Keyring } from "../../node/core/keyring.js";
import {
  CLIENT_PRINCIPAL_MIN,
  type Message,
  type PrincipalId,
  type ReplicaId,
} from "../../node/core/messages.js";
import type { Plot } from "../liar/forge.js";
import { Liar, type ToldLie } from "../liar/liar.js";
import { EventQueue } from "./event-queue.js";
import { evidenceOf } from "./fault-evidence.js";
import { Misfortunes } from "./misfortunes.js";
import { nameOf } from "./names.js";
import { Network, type Weather } from "./network.js";
import type { NodeBuild } from "./node-build.js";
import { NodeFaults } from "./node-faults.js";
import { SimClient } from "./sim-client.js";
import { SimReplica } from "./sim-replica.js";
import { TraceHash } from "./trace-hash.js";
import { Violation } from "./violation.js";
import { Watch } from "./watch.js";

export type WorldSetup = {
  config: ProtocolConfig;
  clientProcesses: number;
  datagramBytesMax: number;
  weather: Weather;
  keyringOf: (principal: PrincipalId) => Keyring;
  random: Random;
  /** Which of its misfortunes happen; absent: all. */
  misfortunes?: readonly string[] | undefined;
  /** Hears what each replica hears; absent: nobody does. */
  onMessage?: (replica: ReplicaId, from: PrincipalId, message: Message) => void;
  /** Shared with whoever waits; absent: one of its own. */
  queue?: EventQueue;
};

const MAC_BYTES = 16;

export class World {
  readonly queue: EventQueue;
  readonly watch: Watch;
  readonly network: Network;
  readonly replicas: readonly SimReplica[];
  readonly clients: readonly SimClient[];
  readonly trace = new TraceHash();
  readonly misfortunes: Misfortunes;
  readonly #faults = new Map<string, ResolvedFault>();
  readonly #nodeFaults: NodeFaults;
  readonly #liars: readonly Liar[];
  /** The lies that each replica tells now. */
  #lies: readonly ToldLie[][];

  constructor(build: NodeBuild, setup: WorldSetup) {
    const { config, datagramBytesMax, random, keyringOf, weather, onMessage } = setup;
    const queue = setup.queue ?? new EventQueue();
    this.queue = queue;
    const { n, cluster } = config;
    this.watch = new Watch(config, keyringOf);
    this.misfortunes = new Misfortunes(setup.misfortunes);
    this.network = new Network(
      queue,
      random.fork("network"),
      weather,
      (from, to, bytes) => this.#deliver(from, to, bytes),
      this.misfortunes,
    );
    const send = (from: PrincipalId, to: PrincipalId, bytes: Uint8Array, atUs: number) =>
      this.network.send(from, to, bytes, atUs);
    const ids = Array.from({ length: n }, (_, id) => id);
    const plot: Plot = new Map();
    this.#lies = ids.map(() => []);
    this.#liars = ids.map(
      (id) =>
        new Liar(build, config, keyringOf(id), {
          random: random.fork(`liar ${id}`),
          plot,
          happens: (name) => this.misfortunes.happens(name),
        }),
    );
    this.replicas = ids.map(
      (id) =>
        new SimReplica({
          build,
          queue,
          config,
          datagramBytesMax,
          id,
          keyring: keyringOf(id),
          random: random.fork(`replica ${id}`),
          watch: this.watch,
          send,
          lie: (to, messages) => this.#lie(id, to, messages),
          spoil: (to, datagram) => this.#spoil(id, to, datagram),
          onMessage:
            onMessage === undefined ? undefined : (from, message) => onMessage(id, from, message),
        }),
    );
    this.clients = Array.from(
      { length: setup.clientProcesses },
      (_, index) =>
        new SimClient({
          build,
          queue,
          cluster,
          n,
          datagramBytesMax,
          datagramMessagesMax: config.datagramMessagesMax,
          keyring: keyringOf(CLIENT_PRINCIPAL_MIN + index),
          send,
        }),
    );
    this.#nodeFaults = new NodeFaults({
      replicas: this.replicas,
      clients: this.clients,
      watch: this.watch,
      random: random.fork("node-faults"),
    });
  }

  get replicaNames(): readonly NodeName[] {
    return this.replicas.map(({ id }) => nameOf(id));
  }

  get clientNames(): readonly NodeName[] {
    return this.clients.map(({ principal }) => nameOf(principal));
  }

  get active(): readonly ResolvedFault[] {
    return [...this.#faults.values()];
  }

  start(): void {
    for (const replica of this.replicas) {
      replica.start(true);
      const { ended } = replica;
      if (ended?.how !== "exit") continue;
      throw new Violation("processes", `${nameOf(replica.id)} did not start: ${ended.message}`);
    }
  }

  apply(fault: ResolvedFault): void {
    this.trace.text(fault.id);
    this.#faults.set(fault.id, fault);
    this.#noteActive();
    if (fault.links.length > 0) this.network.apply(this.active);
    else this.#nodeFaults.apply(fault, this.active);
  }

  heal(faultId: string): Evidence {
    const fault = this.#faults.get(faultId);
    if (fault === undefined) throw new RangeError(`no active fault ${faultId}`);
    this.#faults.delete(faultId);
    this.#noteActive();
    this.trace.text(faultId);
    if (fault.links.length > 0) this.network.apply(this.active);
    else this.#nodeFaults.heal(fault, this.active);
    this.restartWhoMay();
    const told = this.#liars.map((liar) => liar.told);
    const seen = this.#nodeFaults.bitesOf(faultId);
    return evidenceOf(fault, this.network.biteOf(faultId), seen, told);
  }

  /** Starts every process that has ended and that no active fault holds down. */
  restartWhoMay(): void {
    const held = composeProcesses(this.active);
    for (const replica of this.replicas) {
      if (replica.ended === undefined || held.get(nameOf(replica.id))?.state === "down") continue;
      this.#nodeFaults.restart(replica);
    }
    for (const client of this.clients) {
      if (held.get(nameOf(client.principal))?.state !== "down") client.start();
    }
  }

  /** Runs until the fact holds or the time has come; true where it holds. */
  runUntil(fact: () => boolean, untilUs: number): boolean {
    for (;;) {
      if (fact()) return true;
      const next = this.queue.nextUs;
      if (next === undefined || next > untilUs) return false;
      this.queue.step();
    }
  }

  #noteActive(): void {
    this.#lies = this.replicas.map(({ id }) => this.#liesOf(nameOf(id)));
    this.watch.coverage.underFaults(this.active.map(({ intent }) => intent.kind));
  }

  #deliver(from: PrincipalId, to: PrincipalId, bytes: Uint8Array): void {
    this.trace.number(this.queue.nowUs * 1_024 + from * 32 + to);
    this.trace.bytes(bytes, bytes.length - MAC_BYTES);
    if (to >= CLIENT_PRINCIPAL_MIN) this.clients[to - CLIENT_PRINCIPAL_MIN]?.receive(bytes);
    else this.replicas[to]?.receive(bytes);
  }

  #lie(
    id: ReplicaId,
    to: PrincipalId,
    messages: readonly Uint8Array[],
  ): readonly Uint8Array[] | undefined {
    const lies = this.#lies[id] ?? [];
    return lies.length === 0 ? undefined : this.#liars[id]?.filter(to, messages, lies);
  }

  #spoil(id: ReplicaId, to: PrincipalId, datagram: Uint8Array): Uint8Array | undefined {
    const lies = this.#lies[id] ?? [];
    return lies.length === 0 ? datagram : this.#liars[id]?.spoil(to, datagram, lies);
  }

  #liesOf(name: NodeName): ToldLie[] {
    return this.active.flatMap(({ intent, nodes }) =>
      intent.kind === "lie" && nodes.includes(name) ? [intent] : [],
    );
  }
}
