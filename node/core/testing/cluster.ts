// A cluster of real replicas on a modelled network, disk and clock: everything that happens comes from
// one seed. It performs effects as a driver must, crashes nodes between any two effects, and checks
// at every step what must never happen: two batches executed for one seq, two different votes of one
// replica for one slot.

import assert from "node:assert";
import { PROTOCOL_DEFAULTS, type ProtocolConfig } from "../config.js";
import { batchDigest } from "../digest.js";
import {
  type ClientId,
  type Digest,
  type Message,
  type PrincipalId,
  principalOfClient,
  type ReplicaId,
  type Request,
  type Seq,
} from "../messages.js";
import { faultsTolerated } from "../quorum.js";
import { createReplica, type Replica, recover, statusOf, step } from "../replica.js";
import type { CoreEvent, Effect, Input, TimerName } from "../step.js";
import { decodeMessage, decodeRecord, encodeMessage, encodeRecord } from "../wire.js";
import { modelKeyring } from "./model-keyring.js";
import { modelRequest } from "./model-request.js";
import { type ModelStateMachine, modelStateMachine } from "./model-state-machine.js";
import { type Random, seededRandom } from "./random.js";

export type Network = {
  lossProbability: number;
  duplicateProbability: number;
  delayMsMin: number;
  delayMsMax: number;
  /** False for a link that is cut, one way. */
  connected: (from: PrincipalId, to: PrincipalId) => boolean;
};

export type Sent = { from: ReplicaId; to: PrincipalId; message: Message };

/** What a liar sends in place of what it should; undefined: the honest message. */
export type Liar = (sent: Sent, random: Random) => readonly Message[] | undefined;

export type ModelNode = {
  readonly id: ReplicaId;
  alive: boolean;
  incarnation: number;
  /** Until then it neither hears nor acts; what comes meanwhile waits, messages before timers. */
  pausedUntilMs: number;
  replica: Replica;
  stateMachine: ModelStateMachine;
  log: Uint8Array[];
  /** Records that wait for the next that must be durable. */
  unsynced: Uint8Array[];
  timers: Map<TimerName, number>;
  /** Effects until the process dies in the middle of performing them. */
  effectsUntilCrash: number;
  liar: Liar | undefined;
};

export type Session = {
  client: ClientId;
  timestamp: number;
  current: Request | undefined;
  sentAtMs: number;
  /** By replica: what it answered to the current request. */
  replies: Map<ReplicaId, string>;
  done: { timestamp: number; seq: Seq; result: string }[];
  wanted: number;
};

type Event =
  | { kind: "deliver"; to: PrincipalId; from: PrincipalId; bytes: Uint8Array; incarnation: number }
  | { kind: "timer"; node: ReplicaId; timer: TimerName; incarnation: number; version: number }
  | { kind: "retry"; session: Session; timestamp: number }
  | { kind: "call"; call: () => void };

export type ClusterOptions = {
  n: number;
  seed: number;
  config?: Partial<ProtocolConfig>;
  sessions?: number;
};

const CLUSTER = "00112233445566aa";
const CLIENT_RETRY_MS = 200;

export class Cluster {
  readonly config: ProtocolConfig;
  readonly f: number;
  readonly random: Random;
  readonly nodes: ModelNode[] = [];
  readonly sessions: Session[] = [];
  readonly network: Network = {
    lossProbability: 0,
    duplicateProbability: 0,
    delayMsMin: 1,
    delayMsMax: 3,
    connected: () => true,
  };
  readonly events: { node: ReplicaId; event: CoreEvent; atMs: number }[] = [];
  /** Sees every message that leaves a node; for tests that wait for a certain one. */
  onSend: (sent: Sent) => void = () => undefined;
  nowMs = 0;
  private order = 0;
  private timerVersion = 0;
  private readonly queue: { atMs: number; order: number; event: Event }[] = [];
  private readonly executed = new Map<Seq, Digest>();
  private readonly votes = new Map<string, string>();

  constructor(options: ClusterOptions) {
    this.config = {
      cluster: CLUSTER,
      n: options.n,
      ...PROTOCOL_DEFAULTS,
      checkpointInterval: 4,
      window: 8,
      ...options.config,
    };
    this.f = faultsTolerated(options.n);
    this.random = seededRandom(options.seed);
    for (let id = 0; id < options.n; id++) this.nodes.push(this.createNode(id));
    for (const node of this.nodes) this.perform(node, recover(node.replica, []));
    for (let index = 0; index < (options.sessions ?? 2); index++) {
      this.sessions.push({
        client: (256 + (index % 2)) * 65536 + Math.floor(index / 2),
        timestamp: 0,
        current: undefined,
        sentAtMs: 0,
        replies: new Map(),
        done: [],
        wanted: 0,
      });
    }
  }

  private createNode(id: ReplicaId): ModelNode {
    const stateMachine = this.freshStateMachine(id);
    return {
      id,
      alive: true,
      incarnation: 0,
      pausedUntilMs: 0,
      stateMachine,
      replica: this.createReplicaOf(id, stateMachine, false),
      log: [],
      unsynced: [],
      timers: new Map(),
      effectsUntilCrash: Number.POSITIVE_INFINITY,
      liar: undefined,
    };
  }

  private freshStateMachine(id: ReplicaId): ModelStateMachine {
    return modelStateMachine((seq, requests) => this.onApply(id, seq, requests));
  }

  private createReplicaOf(
    id: ReplicaId,
    stateMachine: ModelStateMachine,
    hollow: boolean,
  ): Replica {
    return createReplica({
      id,
      config: this.config,
      keyring: modelKeyring(id),
      stateMachine,
      hollow,
    });
  }

  node(id: ReplicaId): ModelNode {
    const node = this.nodes[id];
    assert(node !== undefined, `no replica ${id}`);
    return node;
  }

  /** Replicas that run no lie. */
  get honest(): ModelNode[] {
    return this.nodes.filter((node) => node.liar === undefined);
  }

  // --- what must never happen ---

  private onApply(id: ReplicaId, seq: Seq, requests: readonly Request[]): void {
    if (this.nodes[id]?.liar !== undefined) return;
    const digest = batchDigest(requests);
    const before = this.executed.get(seq);
    assert(before === undefined || before === digest, `r${id} executed another batch at ${seq}`);
    this.executed.set(seq, digest);
  }

  private checkVote(id: ReplicaId, message: Message): void {
    let slot: string;
    let value: string;
    switch (message.kind) {
      case "pre-prepare":
        if (message.view % this.config.n !== id) return; // relayed for its primary
        slot = `${message.view}/${message.seq}`;
        value = message.digest;
        break;
      case "prepare":
      case "commit":
        slot = `${message.view}/${message.seq}`;
        value = message.digest;
        break;
      case "checkpoint":
        slot = `${message.seq}`;
        value = message.digest;
        break;
      case "view-change":
      case "new-view":
        if (message.replica !== id) return;
        slot = `${message.view}`;
        value = Buffer.from(message.signature).toString("hex");
        break;
      default:
        return;
    }
    const key = `r${id} ${message.kind} ${slot}`;
    const before = this.votes.get(key);
    assert(before === undefined || before === value, `${key}: voted twice, differently`);
    this.votes.set(key, value);
  }

  // --- the driver ---

  private perform(node: ModelNode, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (node.effectsUntilCrash-- <= 0) {
        this.crash(node.id, "kill");
        return;
      }
      switch (effect.kind) {
        case "persist":
          node.unsynced.push(encodeRecord(effect.record));
          if (effect.later) break;
          node.log.push(...node.unsynced);
          node.unsynced = [];
          break;
        case "compact":
          node.stateMachine.commit();
          node.stateMachine.sync();
          node.log = effect.records.map(encodeRecord);
          node.unsynced = [];
          break;
        case "send":
          // A driver ends the transaction before the sends; nobody sees the difference earlier.
          node.stateMachine.commit();
          for (const to of effect.to) this.sendFrom(node, to, effect.message);
          break;
        case "set-timer":
          this.setTimer(node, effect.timer, effect.delayMs);
          break;
        case "cancel-timer":
          node.timers.delete(effect.timer);
          break;
        case "event":
          this.events.push({ node: node.id, event: effect.event, atMs: this.nowMs });
          break;
        default:
          effect satisfies never;
      }
    }
    node.stateMachine.commit();
    this.checkBounds(node);
  }

  private checkBounds(node: ModelNode): void {
    const { replica } = node;
    assert(replica.slots.size <= this.config.window, `r${node.id}: ${replica.slots.size} slots`);
    assert(replica.viewChanges.size <= this.config.n, `r${node.id}: too many view-changes`);
    assert(replica.pendingNewViews.size <= this.config.n, `r${node.id}: too many new-views`);
  }

  private sendFrom(node: ModelNode, to: PrincipalId, message: Message): void {
    const sent = { from: node.id, to, message };
    const lies = node.liar?.(sent, this.random);
    if (node.liar === undefined) this.checkVote(node.id, message);
    this.onSend(sent);
    for (const one of lies ?? [message]) this.transmit(node.id, to, encodeMessage(one));
  }

  /** Puts bytes on the wire, with whatever the network does to them. */
  transmit(from: PrincipalId, to: PrincipalId, bytes: Uint8Array): void {
    const { random, network } = this;
    if (!network.connected(from, to) || random.chance(network.lossProbability)) return;
    const copies = random.chance(network.duplicateProbability) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const spread = network.delayMsMax - network.delayMsMin;
      const delayMs = network.delayMsMin + random.next() * spread;
      const incarnation = this.nodes[to]?.incarnation ?? 0;
      this.schedule(delayMs, { kind: "deliver", to, from, bytes, incarnation });
    }
  }

  private setTimer(node: ModelNode, timer: TimerName, delayMs: number): void {
    const version = ++this.timerVersion;
    node.timers.set(timer, version);
    const { incarnation } = node;
    this.schedule(delayMs, { kind: "timer", node: node.id, timer, incarnation, version });
  }

  input(id: ReplicaId, input: Input): void {
    const node = this.node(id);
    if (node.alive) this.perform(node, step(node.replica, input));
  }

  // --- crashes ---

  crash(id: ReplicaId, how: "kill" | "power-cut"): void {
    const node = this.node(id);
    if (!node.alive) return;
    node.alive = false;
    node.incarnation += 1;
    node.timers.clear();
    node.unsynced = [];
    node.effectsUntilCrash = Number.POSITIVE_INFINITY;
    node.stateMachine = node.stateMachine.restarted(how);
  }

  restart(id: ReplicaId): void {
    const node = this.node(id);
    if (node.alive) return;
    node.alive = true;
    const records = node.log.map((bytes) => {
      const record = decodeRecord(bytes);
      assert(record !== undefined, `r${id}: a record does not decode`);
      return record;
    });
    node.replica = this.createReplicaOf(id, node.stateMachine, false);
    this.perform(node, recover(node.replica, records));
  }

  /** Comes back with an empty disk. */
  restartWiped(id: ReplicaId): void {
    const node = this.node(id);
    assert(!node.alive, `r${id} is running`);
    node.alive = true;
    node.log = [];
    node.stateMachine = this.freshStateMachine(id);
    node.replica = this.createReplicaOf(id, node.stateMachine, true);
    this.perform(node, recover(node.replica, []));
  }

  // --- clients ---

  /** Each session sends its next request as soon as the last one is answered, `count` times more. */
  ask(count: number): void {
    for (const session of this.sessions) {
      session.wanted += count;
      if (session.current === undefined) this.nextRequest(session);
    }
  }

  private nextRequest(session: Session): void {
    session.replies.clear();
    session.current = undefined;
    if (session.wanted === 0) return;
    session.wanted -= 1;
    session.timestamp += 1;
    const { client, timestamp } = session;
    session.current = modelRequest(this.config, client, timestamp, `op${timestamp}`);
    this.sendRequest(session, [this.random.below(this.config.n)]);
  }

  private sendRequest(session: Session, to: readonly ReplicaId[]): void {
    const { current, timestamp } = session;
    if (current === undefined) return;
    session.sentAtMs = this.nowMs;
    const bytes = encodeMessage(current);
    for (const id of to) this.transmit(principalOfClient(session.client), id, bytes);
    this.schedule(CLIENT_RETRY_MS, { kind: "retry", session, timestamp });
  }

  private onReply(message: Message): void {
    if (message.kind !== "reply") return;
    const session = this.sessions.find(({ client }) => client === message.client);
    if (session?.current?.timestamp !== message.timestamp) return;
    const result = Buffer.from(message.result).toString("latin1");
    session.replies.set(message.replica, `${message.seq} ${result}`);
    const counts = new Map<string, number>();
    for (const answer of session.replies.values()) {
      const count = (counts.get(answer) ?? 0) + 1;
      counts.set(answer, count);
      if (count <= this.f) continue;
      session.done.push({ timestamp: message.timestamp, seq: message.seq, result });
      this.nextRequest(session);
      return;
    }
  }

  // --- time ---

  private schedule(delayMs: number, event: Event): void {
    this.queue.push({ atMs: this.nowMs + delayMs, order: this.order++, event });
    siftUp(this.queue);
  }

  after(delayMs: number, call: () => void): void {
    this.schedule(delayMs, { kind: "call", call });
  }

  /** Runs until the fact holds; fails where it does not within `limitMs` of modelled time. */
  runUntil(fact: () => boolean, limitMs: number, what: string): void {
    const end = this.nowMs + limitMs;
    while (!fact()) {
      const next = popFirst(this.queue);
      if (next === undefined || next.atMs > end) {
        throw new Error(`${what}: not within ${limitMs} ms\n${this.describe()}`);
      }
      this.nowMs = next.atMs;
      this.handle(next.event);
    }
  }

  runFor(durationMs: number): void {
    const end = this.nowMs + durationMs;
    let over = false;
    this.after(durationMs, () => {
      over = true;
    });
    this.runUntil(() => over && this.nowMs >= end, durationMs, "time");
  }

  private handle(event: Event): void {
    switch (event.kind) {
      case "call":
        event.call();
        break;
      case "retry":
        if (event.session.current?.timestamp !== event.timestamp) break;
        this.sendRequest(
          event.session,
          this.nodes.map(({ id }) => id),
        );
        break;
      case "timer":
        this.onTimer(event);
        break;
      case "deliver":
        this.onDelivery(event);
        break;
      default:
        event satisfies never;
    }
  }

  private onTimer({ node: id, timer, incarnation, version }: Event & { kind: "timer" }): void {
    const node = this.node(id);
    if (node.incarnation !== incarnation || node.timers.get(timer) !== version) return;
    if (this.nowMs < node.pausedUntilMs) {
      const event = { kind: "timer" as const, node: id, timer, incarnation, version };
      this.schedule(node.pausedUntilMs - this.nowMs + 0.01, event);
      return;
    }
    node.timers.delete(timer);
    this.input(id, { kind: "timeout", timer });
  }

  private onDelivery({ to, from, bytes, incarnation }: Event & { kind: "deliver" }): void {
    const message = decodeMessage(bytes);
    assert(message !== undefined, "a message that was encoded does not decode");
    if (to >= this.config.n) {
      this.onReply(message);
      return;
    }
    const node = this.node(to);
    if (node.incarnation !== incarnation) return; // it died meanwhile
    if (this.nowMs < node.pausedUntilMs) {
      const event = { kind: "deliver" as const, to, from, bytes, incarnation };
      this.schedule(node.pausedUntilMs - this.nowMs, event);
    } else {
      this.input(to, { kind: "message", from, message });
    }
  }

  // --- facts ---

  get answered(): boolean {
    return this.sessions.every(({ current, wanted }) => current === undefined && wanted === 0);
  }

  /** All honest live replicas executed the same, as far as any of them. */
  get converged(): boolean {
    const live = this.honest.filter(({ alive }) => alive);
    const last = Math.max(...live.map(({ replica }) => replica.executedSeq));
    return live.every(({ replica }) => replica.executedSeq === last && !replica.transfer);
  }

  countEvents(kind: CoreEvent["kind"], node?: ReplicaId): number {
    return this.events.filter(
      (one) => one.event.kind === kind && (node === undefined || one.node === node),
    ).length;
  }

  ignoredReasons(node: ReplicaId): string[] {
    return this.events.flatMap((one) =>
      one.node === node && one.event.kind === "ignored" ? [one.event.reason] : [],
    );
  }

  /** Every acknowledged request is in the history of every honest live replica, exactly once. */
  checkHistories(): void {
    for (const node of this.honest.filter(({ alive }) => alive)) {
      const history = node.stateMachine.history();
      const names = history.map((entry) => entry.split(" ").slice(0, 2).join(" "));
      assert(new Set(names).size === names.length, `r${node.id} executed a request twice`);
      for (const { client, done } of this.sessions) {
        for (const { timestamp, seq } of done) {
          const entry = history.find(
            (one) => one.startsWith(`${client} ${timestamp} `) && one.endsWith(`@${seq}`),
          );
          assert(entry !== undefined, `r${node.id} lacks ${client} ${timestamp} at ${seq}`);
        }
      }
    }
    const [first, ...rest] = this.honest.filter(({ alive }) => alive);
    for (const node of rest) {
      assert.deepStrictEqual(node.stateMachine.history(), first?.stateMachine.history());
    }
  }

  describe(): string {
    const lines = this.nodes.map(({ alive, replica, id }) => {
      const { view, viewActive, executedSeq, stableSeq, transferring } = statusOf(replica);
      const state = `${alive ? "up" : "down"} view ${view}${viewActive ? "" : " (inactive)"}`;
      const work = `executed ${executedSeq} stable ${stableSeq} next ${replica.nextSeq}`;
      const more = `transfer ${transferring} waiting ${replica.waiting.size}`;
      return `r${id} ${state} ${work} ${more} rejoin ${replica.rejoin?.seq}`;
    });
    const clients = this.sessions.map(
      ({ client, current, wanted }) => `c${client} at ${current?.timestamp} wants ${wanted}`,
    );
    return [...lines, ...clients, `at ${this.nowMs} ms`].join("\n");
  }
}

type Queued = { atMs: number; order: number };

function before(a: Queued | undefined, b: Queued | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function swap<T>(heap: T[], a: number, b: number): void {
  const [x, y] = [heap[a], heap[b]];
  if (x === undefined || y === undefined) return;
  heap[a] = y;
  heap[b] = x;
}

function siftUp(heap: Queued[]): void {
  let at = heap.length - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(heap[at], heap[parent])) return;
    swap(heap, at, parent);
    at = parent;
  }
}

function popFirst<T extends Queued>(heap: T[]): T | undefined {
  const [first] = heap;
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  heap[0] = last; // the last leaf sinks from the root
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    let smallest = before(heap[left], heap[at]) ? left : at;
    if (before(heap[left + 1], heap[smallest])) smallest = left + 1;
    if (smallest === at) return first;
    swap(heap, at, smallest);
    at = smallest;
  }
}
