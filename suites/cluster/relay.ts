// A UDP relay that stands between all nodes of a cluster on one machine, so that links can be cut,
// slowed and made to lie without privileges. For each pair of nodes it has two sockets: what `a`
// sends to the socket that stands for `b` leaves from the socket that stands for `a`, so that
// answers find their way back through the relay. Each socket is connected to its node: datagrams
// of anybody else never get in, and a send needs no address.

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { LinkRule, NodeName } from "../../nemesis/faults.js";
import { nowMs } from "./deadline.js";
import { DelayQueue } from "./delay-queue.js";
import {
  copiesOf,
  type Draw,
  freshLink,
  type LinkMemory,
  type LinkTraffic,
  waitMs,
} from "./relay-link.js";

export type RelayNode = { name: NodeName; host: string; port: number };
/** Where `node` reaches `peer`. */
export type RelayAddress = { node: NodeName; peer: NodeName; host: string; port: number };

/** Asked of the kernel; it may grant less. A burst of a whole batch's datagrams must fit. */
const SOCKET_BUFFER_BYTES = 4 << 20;
const HOST = "127.0.0.1";
/** Datagrams that wait behind a clog; more are lost, as in a full queue. */
const CLOGGED_MAX = 256;

/** One direction: from → to. `exit` is the socket that stands for `from` at `to`'s side. */
type Link = {
  from: NodeName;
  to: NodeName;
  exit: Socket;
  rule: LinkRule | undefined;
  memory: LinkMemory;
  /** Behind a clog. */
  clogged: Held[];
  arrived: number;
  /** Index of the newest datagram that has left, for counting who was overtaken. */
  leftNewest: number;
  onSent: (error: Error | null) => void;
};
type Held = { link: Link; index: number; bytes: Uint8Array };

export class Relay {
  readonly #links = new Map<string, Link>();
  readonly #sockets: Socket[] = [];
  readonly #waiting = new DelayQueue<Held>();
  readonly #drawFor: (link: string) => Draw;
  #timer: NodeJS.Timeout | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;

  /** `drawFor` gives each link ("r0>r1") randomness of its own. */
  constructor(drawFor: (link: string) => Draw) {
    this.#drawFor = drawFor;
  }

  /** Opens the sockets between the nodes of each pair. */
  async open(
    nodes: readonly RelayNode[],
    pairs: readonly (readonly [NodeName, NodeName])[],
  ): Promise<readonly RelayAddress[]> {
    const byName = new Map(nodes.map((node) => [node.name, node]));
    const opened = pairs.map(async ([nameA, nameB]) => {
      const a = byName.get(nameA);
      const b = byName.get(nameB);
      if (a === undefined || b === undefined)
        throw new Error(`relay: no node ${nameA} or ${nameB}`);
      // Named by the node each is connected to.
      const [atA, atB] = await Promise.all([this.#socketAt(a), this.#socketAt(b)]);
      this.#forward(atA, this.#addLink(a.name, b.name, atB));
      this.#forward(atB, this.#addLink(b.name, a.name, atA));
      return [addressOf(atA, a.name, b.name), addressOf(atB, b.name, a.name)];
    });
    return (await Promise.all(opened)).flat();
  }

  /** The desired state of all links; a link that is not named is healthy. */
  setRules(rules: readonly LinkRule[]): void {
    const wanted = new Map(rules.map((rule) => [`${rule.from}>${rule.to}`, rule]));
    for (const name of wanted.keys()) {
      if (!this.#links.has(name)) throw new Error(`relay: no link ${name}`);
    }
    for (const [name, link] of this.#links) {
      link.rule = wanted.get(name);
      if (link.rule?.clogged !== true) this.#unclog(link);
    }
  }

  counters(): readonly LinkTraffic[] {
    return [...this.#links.values()].map(({ from, to, memory }) => {
      return { from, to, counters: memory.counters, struck: Object.fromEntries(memory.struck) };
    });
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const socket of this.#sockets) socket.close();
  }

  async #socketAt(node: RelayNode): Promise<Socket> {
    const socket = createSocket({
      type: "udp4",
      recvBufferSize: SOCKET_BUFFER_BYTES,
      sendBufferSize: SOCKET_BUFFER_BYTES,
    });
    this.#sockets.push(socket);
    socket.bind(0, HOST);
    await once(socket, "listening");
    socket.connect(node.port, node.host);
    await once(socket, "connect");
    return socket;
  }

  #addLink(from: NodeName, to: NodeName, exit: Socket): Link {
    const name = `${from}>${to}`;
    const memory = freshLink(this.#drawFor(name));
    const { counters } = memory;
    const onSent = (error: Error | null) => {
      if (error === null) counters.passed += 1;
      else counters.refused += 1;
    };
    const link: Link = {
      from,
      to,
      exit,
      rule: undefined,
      memory,
      clogged: [],
      arrived: 0,
      leftNewest: 0,
      onSent,
    };
    this.#links.set(name, link);
    // The kernel tells a connected socket that nobody listens at the other end: the node is down.
    exit.on("error", () => {
      counters.refused += 1;
    });
    return link;
  }

  #forward(entry: Socket, link: Link): void {
    entry.on("message", (bytes) => {
      const index = ++link.arrived;
      if (link.rule === undefined) {
        send(link, index, bytes);
        return;
      }
      for (const copy of copiesOf(link.rule, link.memory, bytes)) {
        this.#carry({ link, index, bytes: copy.bytes }, copy.laterMs);
      }
    });
  }

  #carry(held: Held, laterMs = 0): void {
    const { link, index, bytes } = held;
    const { rule, memory } = link;
    if (rule?.clogged === true) {
      memory.counters.stuck += 1;
      if (link.clogged.length < CLOGGED_MAX) link.clogged.push(held);
      return;
    }
    const now = nowMs();
    const wait = rule === undefined ? 0 : waitMs(rule, memory, bytes.length, now);
    if (wait === undefined) return;
    if (wait + laterMs <= 0) send(link, index, bytes);
    else this.#hold(now + wait + laterMs, held);
  }

  /** What is cut by now is lost like anything else that was under way. */
  #unclog(link: Link): void {
    for (const held of link.clogged.splice(0)) {
      if (link.rule?.drop === true) link.memory.counters.dropped += 1;
      else this.#carry(held);
    }
  }

  #hold(dueMs: number, held: Held): void {
    this.#waiting.push(dueMs, held);
    this.#arm();
  }

  #arm(): void {
    const dueMs = this.#waiting.nextDueMs;
    if (dueMs === undefined || dueMs >= this.#timerDueMs) return;
    clearTimeout(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer = setTimeout(() => this.#release(), Math.max(0, dueMs - nowMs()));
  }

  #release(): void {
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const now = nowMs();
    for (let held = this.#waiting.popDue(now); held; held = this.#waiting.popDue(now)) {
      const { link, index, bytes } = held;
      // What was under way when the link was cut does not arrive either.
      if (link.rule?.drop === true) link.memory.counters.dropped += 1;
      else {
        if (index < link.leftNewest) link.memory.counters.overtaken += 1;
        send(link, index, bytes);
      }
    }
    this.#arm();
  }
}

function send(link: Link, index: number, bytes: Uint8Array): void {
  if (index > link.leftNewest) link.leftNewest = index;
  link.exit.send(bytes, link.onSent);
}

function addressOf(socket: Socket, node: NodeName, peer: NodeName): RelayAddress {
  return { node, peer, host: HOST, port: socket.address().port };
}
