// What the rules did, by fault: counters are read again and again, and what is new since the last time is
// credited to the faults that caused the rule while it counted.

import type { NodeName } from "../faults.js";
import type { LinkCauses, LinkMatrix } from "../links.js";
import { delayedMessages } from "./delay-line.js";
import type { LinkCounter } from "./iptables.js";
import type { MessageCounter } from "./message-rules.js";
import type { TakenPackets } from "./network-evidence.js";
import { type QdiscStats, shaperIndexOf } from "./tc.js";

/** What a leaf of tc let through, dropped, and how often one had to wait for tokens. */
type LeafCounts = Pick<QdiscStats, "packets" | "drops" | "overlimits">;

/** One node's counters as they were read last. */
export type SeenCounters = {
  /** Of the packet filter, since the last restore: "drop:r0>r1" → packets. */
  rules: Map<string, number>;
  /** The same of nft's table. */
  table: Map<string, number>;
  /** The leaf qdiscs, by class. */
  leaves: Map<string, LeafCounts>;
};

export function freshCounters(): SeenCounters {
  return { rules: new Map(), table: new Map(), leaves: new Map() };
}

export class PacketTally {
  /** By fault id; kept for the whole run, as evidence may be asked for late. */
  readonly #taken = new Map<string, TakenPackets>();

  takenBy(faultId: string): TakenPackets {
    return this.#taken.get(faultId) ?? new Map();
  }

  /** Packets that a rule for messages took on a link. */
  messagesTaken(faultId: string, link: Pick<MessageCounter, "from" | "to">): number {
    return this.takenBy(faultId).get(messageKey(link)) ?? 0;
  }

  /** `seen`: of the rules or of the table, whichever the counters are of. */
  credit(matrix: LinkMatrix, seen: Map<string, number>, counters: readonly LinkCounter[]): void {
    for (const { part, from, to, packets } of counters) {
      const key = `${part}:${from}>${to}`;
      const fresh = packets - (seen.get(key) ?? 0);
      seen.set(key, packets);
      const link = matrix.find((each) => each.from === from && each.to === to);
      for (const faultId of link?.causes[causeOf(part)] ?? []) this.#add(faultId, key, fresh);
    }
  }

  creditMessages(seen: Map<string, number>, counters: readonly MessageCounter[]): void {
    for (const counter of counters) {
      const key = messageKey(counter);
      const seenKey = `${counter.faultId} ${key}`;
      const fresh = counter.packets - (seen.get(seenKey) ?? 0);
      seen.set(seenKey, counter.packets);
      this.#add(counter.faultId, key, fresh);
    }
  }

  /** What the leaves of a node dropped, and how often its shapers let one wait. */
  creditLeaves(
    matrix: LinkMatrix,
    seen: SeenCounters["leaves"],
    { name, nodes, qdiscs }: { name: NodeName; nodes: readonly NodeName[]; qdiscs: QdiscStats[] },
  ): void {
    let overflow = 0;
    for (const { parent, packets, drops, overlimits } of qdiscs) {
      if (parent === undefined) continue;
      const before = seen.get(parent) ?? { packets: 0, drops: 0, overlimits: 0 };
      seen.set(parent, { packets, drops, overlimits });
      const fresh = {
        packets: packets - before.packets,
        drops: drops - before.drops,
        overlimits: overlimits - before.overlimits,
      };
      const shaped = shaperIndexOf(parent);
      const to = shaped === undefined ? undefined : nodes[shaped];
      if (to === undefined) overflow += fresh.drops;
      else this.#creditShaper(matrix, { from: name, to }, fresh);
    }
    for (const faultId of lateCauses(matrix, name)) {
      this.#add(faultId, `overflow:${name}`, overflow);
    }
  }

  /** A datagram may wait for tokens more than once; no more were held up than went through. */
  #creditShaper(
    matrix: LinkMatrix,
    { from, to }: { from: NodeName; to: NodeName },
    { packets, drops, overlimits }: LeafCounts,
  ): void {
    const link = matrix.find((each) => each.from === from && each.to === to);
    if (link === undefined) return;
    const { bandwidth, clog } = link.causes;
    for (const faultId of link.clogged ? clog : bandwidth) {
      this.#add(faultId, `crowded:${from}>${to}`, drops);
      this.#add(faultId, `held:${from}>${to}`, Math.min(packets, overlimits));
    }
  }

  #add(faultId: string, key: string, packets: number): void {
    const taken = this.takenBy(faultId);
    this.#taken.set(faultId, taken);
    taken.set(key, (taken.get(key) ?? 0) + packets);
  }
}

/** The faults whose datagrams wait in the lines of this sender. */
function lateCauses(matrix: LinkMatrix, sender: NodeName): Set<string> {
  const late = matrix.filter((link) => link.from === sender);
  return new Set(
    late.flatMap((link) => [
      ...link.causes.delay,
      ...link.causes.reorder,
      ...link.causes.replay,
      ...delayedMessages(link).map(({ rule }) => rule.faultId),
    ]),
  );
}

function causeOf(part: LinkCounter["part"]): keyof LinkCauses {
  if (part === "bursts") return "burst";
  return part === "narrow" ? "bandwidth" : part;
}

function messageKey({ from, to }: Pick<MessageCounter, "from" | "to">): string {
  return `message:${from}>${to}`;
}
