// The modelled network: for every directed link a latency (a minimum and an exponential rest), and what
// the weather (for the whole run) and the faults (while they last) do to each datagram. Every link
// draws from its own fork of the seed.

import type { ResolvedFault } from "../../nemesis/faults.js";
import { delayMsAt } from "../../nemesis/link-delay.js";
import { burstChances, nextInBurst } from "../../nemesis/link-loss.js";
import { composeLinks, type LinkCauses, type LinkState } from "../../nemesis/links.js";
import type { Random } from "../../nemesis/random.js";
import type { PrincipalId } from "../../node/core/messages.js";
import { type Struck, struckBy } from "../cluster/message-fate.js";
import type { EventQueue } from "./event-queue.js";
import { Misfortunes } from "./misfortunes.js";
import { nameOf, principalOf } from "./names.js";

/** Of all links, all the time; percents of datagrams. */
export type Weather = {
  latencyUsMin: number;
  /** Mean of what comes on top of it. */
  latencyUsMean: number;
  lossPercent: number;
  duplicatePercent: number;
  reorderPercent: number;
  corruptPercent: number;
  replayPercent: number;
};

/** What a datagram of a reordering link waits at most, where no fault says so. */
const REORDER_US_MAX = 20_000;
/** Old datagrams that a link remembers for replays. */
const REMEMBERED = 64;
/** Datagrams that wait behind a clog; more are lost, as in a full queue. */
const CLOGGED_MAX = 256;
/** The longest that a slow link holds a datagram; one that would wait longer is lost. */
const QUEUE_US_MAX = 100_000;

type Link = {
  readonly name: string;
  readonly from: PrincipalId;
  readonly to: PrincipalId;
  /** For misfortunes. */
  readonly random: Random;
  /** For latencies, so that a misfortune that is taken away moves no other. */
  readonly pace: Random;
  /** Datagrams put on it so far. */
  sent: number;
  rule: LinkState | undefined;
  /** The last ones that passed, a ring. */
  readonly old: Uint8Array[];
  oldAt: number;
  /** Behind a clog. */
  readonly waiting: Uint8Array[];
  /** When the link is free to carry more, where its bandwidth is limited. */
  freeUs: number;
  /** Whether the last datagram was lost in a burst. */
  inBurst: boolean;
  /** Datagrams since the last one that was lost because it was the n-th. */
  sinceLost: number;
  readonly struck: Struck;
};

/** What a fault did to datagrams, and to how many of each link ("r0>c1"). */
export type NetworkBite = { what: keyof LinkCauses | "message"; links: Map<string, number> };

/** What chance does to one datagram. */
type Luck = {
  lost: boolean;
  corrupted: boolean;
  doubled: boolean;
  repeated: Uint8Array | undefined;
  /** Held back for so long. */
  heldUs: number;
};

const GOOD_LUCK: Luck = {
  lost: false,
  corrupted: false,
  doubled: false,
  repeated: undefined,
  heldUs: 0,
};

export type Deliver = (from: PrincipalId, to: PrincipalId, bytes: Uint8Array) => void;

export class Network {
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #deliver: Deliver;
  readonly #links = new Map<number, Link>();
  #rules = new Map<number, LinkState>();
  readonly #bites = new Map<string, NetworkBite>();
  readonly #misfortunes: Misfortunes;
  #weather: Weather;
  delivered = 0;

  constructor(
    queue: EventQueue,
    random: Random,
    weather: Weather,
    deliver: Deliver,
    misfortunes = new Misfortunes(undefined),
  ) {
    this.#misfortunes = misfortunes;
    this.#queue = queue;
    this.#random = random;
    this.#deliver = deliver;
    this.#weather = weather;
  }

  /** Brings the links to what these faults together ask for. */
  apply(active: readonly ResolvedFault[]): void {
    this.#rules = new Map();
    for (const rule of composeLinks(active)) {
      this.#rules.set(keyOf(principalOf(rule.from), principalOf(rule.to)), rule);
    }
    for (const [key, link] of this.#links) {
      link.rule = this.#rules.get(key);
      if (link.rule?.clogged !== true) {
        for (const bytes of link.waiting.splice(0)) this.#carry(link, bytes, this.#queue.nowUs);
      }
    }
  }

  /** From now on the weather takes and changes nothing; it is as slow as before. */
  clearUp(): void {
    const { latencyUsMin, latencyUsMean } = this.#weather;
    this.#weather = { ...CALM, latencyUsMin, latencyUsMean };
  }

  /** Undefined where no datagram met the fault. */
  biteOf(faultId: string): NetworkBite | undefined {
    return this.#bites.get(faultId);
  }

  /** Puts a datagram on the wire at `atUs`, now or later. */
  send(from: PrincipalId, to: PrincipalId, bytes: Uint8Array, atUs: number): void {
    const link = this.#link(from, to);
    const { rule } = link;
    if (rule?.drop) {
      this.#bite(link, rule, "drop");
      return;
    }
    if (rule?.messages === undefined) {
      this.#launch(link, bytes, atUs);
      return;
    }
    for (const laterMs of struckBy(rule.messages, bytes, link.struck)) {
      this.#launch(link, bytes, atUs + 1_000 * laterMs);
    }
    for (const { faultId } of rule.messages) this.#biteMessages(link, faultId);
  }

  #launch(link: Link, bytes: Uint8Array, atUs: number): void {
    const drawn = this.#draw(link);
    const index = link.sent++;
    const strikes = drawn !== GOOD_LUCK && this.#misfortunes.happens(`${link.name}#${index}`);
    const luck = strikes ? drawn : GOOD_LUCK;
    if (luck.lost) return;
    const datagram = luck.corrupted ? flipped(bytes, link.pace) : bytes;
    this.#pass(link, datagram, atUs + luck.heldUs);
    if (luck.doubled) this.#pass(link, datagram, atUs);
    if (luck.repeated !== undefined) this.#pass(link, luck.repeated, atUs);
    this.#remember(link, bytes);
  }

  /** What happens to the next datagram, by the weather and by faults. */
  #draw(link: Link): Luck {
    const { random, rule, old } = link;
    const weather = this.#weather;
    const lost =
      this.#meets(link, "loss", weather.lossPercent, rule?.lossPercent) ||
      (rule !== undefined && this.#losesInPattern(link, rule));
    const corrupted = this.#meets(link, "corrupt", weather.corruptPercent, rule?.corruptPercent);
    const doubled = this.#meets(
      link,
      "duplicate",
      weather.duplicatePercent,
      rule?.duplicatePercent,
    );
    const again = this.#meets(link, "replay", weather.replayPercent, rule?.replayPercent);
    const repeated = again && old.length > 0 ? random.pick(old) : undefined;
    let heldUs = 0;
    if (weather.reorderPercent > 0 && random.chance(weather.reorderPercent / 100)) {
      heldUs += random.int(REORDER_US_MAX);
    }
    const reorder = rule?.reorder;
    if (reorder !== undefined && this.#strikes(link, "reorder", reorder.percent)) {
      heldUs += 1_000 * reorder.gapMs;
    }
    if (!lost && !corrupted && !doubled && repeated === undefined && heldUs === 0) return GOOD_LUCK;
    return { lost, corrupted, doubled, repeated, heldUs };
  }

  #pass(link: Link, bytes: Uint8Array, atUs: number): void {
    const { rule } = link;
    if (rule?.clogged) {
      this.#bite(link, rule, "clog");
      if (link.waiting.length < CLOGGED_MAX) link.waiting.push(bytes);
      return;
    }
    this.#carry(link, bytes, atUs);
  }

  #carry(link: Link, bytes: Uint8Array, atUs: number): void {
    const { pace, rule } = link;
    const weather = this.#weather;
    let arrivesUs =
      Math.max(atUs, this.#queue.nowUs) +
      weather.latencyUsMin +
      pace.exponential(weather.latencyUsMean);
    if (rule?.delay !== undefined) {
      this.#bite(link, rule, "delay");
      arrivesUs += 1_000 * delayMsAt(rule.delay, pace.float());
    }
    if (rule?.bytesPerSecond !== undefined) {
      const startUs = Math.max(link.freeUs, this.#queue.nowUs);
      if (startUs > this.#queue.nowUs) this.#bite(link, rule, "bandwidth");
      if (startUs - this.#queue.nowUs > QUEUE_US_MAX) return;
      const carryUs = (bytes.length / rule.bytesPerSecond) * 1e6;
      link.freeUs = startUs + carryUs;
      arrivesUs += link.freeUs - this.#queue.nowUs;
    }
    this.#queue.at(arrivesUs, () => {
      this.delivered += 1;
      this.#deliver(link.from, link.to, bytes);
    });
  }

  #losesInPattern(link: Link, rule: LinkState): boolean {
    if (rule.burstLoss !== undefined) {
      const chances = burstChances(rule.burstLoss);
      link.inBurst = nextInBurst(link.inBurst, chances, link.random.float());
      if (link.inBurst) {
        this.#bite(link, rule, "burst");
        return true;
      }
    }
    if (rule.lossEvery !== undefined) {
      link.sinceLost += 1;
      if (link.sinceLost >= rule.lossEvery) {
        link.sinceLost = 0;
        this.#bite(link, rule, "every");
        return true;
      }
    }
    return false;
  }

  /** Chance strikes by the weather, or else by a fault. */
  #meets(link: Link, what: keyof LinkCauses, weatherPercent: number, percent = 0): boolean {
    if (weatherPercent > 0 && link.random.chance(weatherPercent / 100)) return true;
    return this.#strikes(link, what, percent);
  }

  #strikes(link: Link, what: keyof LinkCauses, percent: number): boolean {
    if (percent <= 0) return false;
    if (!link.random.chance(percent / 100)) return false;
    if (link.rule !== undefined) this.#bite(link, link.rule, what);
    return true;
  }

  #bite({ name }: Link, { causes }: LinkState, what: keyof LinkCauses): void {
    for (const faultId of causes[what]) {
      const bite = this.#bites.get(faultId) ?? { what, links: new Map<string, number>() };
      this.#bites.set(faultId, bite);
      bite.links.set(name, (bite.links.get(name) ?? 0) + 1);
    }
  }

  #biteMessages({ name, struck }: Link, faultId: string): void {
    const count = struck.get(faultId);
    if (count === undefined) return;
    const bite = this.#bites.get(faultId) ?? { what: "message", links: new Map<string, number>() };
    this.#bites.set(faultId, bite);
    bite.links.set(name, count);
  }

  #remember(link: Link, bytes: Uint8Array): void {
    link.old[link.oldAt] = bytes;
    link.oldAt = (link.oldAt + 1) % REMEMBERED;
  }

  #link(from: PrincipalId, to: PrincipalId): Link {
    const key = keyOf(from, to);
    const known = this.#links.get(key);
    if (known !== undefined) return known;
    const name = `${nameOf(from)}>${nameOf(to)}`;
    const link: Link = {
      name,
      from,
      to,
      random: this.#random.fork(name),
      pace: this.#random.fork(`${name} pace`),
      sent: 0,
      rule: this.#rules.get(key),
      old: [],
      oldAt: 0,
      waiting: [],
      freeUs: 0,
      inBurst: false,
      sinceLost: 0,
      struck: new Map(),
    };
    this.#links.set(key, link);
    return link;
  }
}

/** The weather of a place without weather. */
export const CALM: Weather = {
  latencyUsMin: 200,
  latencyUsMean: 100,
  lossPercent: 0,
  duplicatePercent: 0,
  reorderPercent: 0,
  corruptPercent: 0,
  replayPercent: 0,
};

function flipped(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = random.int(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.int(8));
  return copy;
}

function keyOf(from: PrincipalId, to: PrincipalId): number {
  return from * 65_536 + to;
}
