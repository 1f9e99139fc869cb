// What the counters say about a fault, in figures and in a sentence. Pure.

import type { Evidence, FaultIntent, FaultKind, MessageEffect, ResolvedFault } from "../faults.js";
import type { LossPattern } from "../link-loss.js";
import { wordOfEffect } from "../messages.js";
import type { DelayMechanism } from "./delay-line.js";
import type { IptablesBackend, LinkCounter } from "./iptables.js";

/**
 * Packets by "drop:r0>r1" (the part and the link of a rule), by "overflow:r0" for full lines, and by
 * "held:r0>r1" and "crowded:r0>r1" for what a shaper held up and had no room for.
 */
export type TakenPackets = Map<string, number>;

export type NetworkTools = { backend: IptablesBackend; mechanism: DelayMechanism | undefined };

/**
 * Judges a network fault by the packets that its rules took: it landed if they took any. Throws on a
 * fault that is none of the network's.
 */
export function networkEvidence(
  fault: ResolvedFault,
  taken: TakenPackets,
  tools: NetworkTools,
): Evidence {
  const proof = proofOf(fault.intent);
  if (proof === undefined) {
    throw new RangeError(`a ${fault.intent.kind} is no fault of the network: ${fault.id}`);
  }
  const sum = (part: string) =>
    [...taken]
      .filter(([key]) => key.startsWith(`${part}:`))
      .reduce((total, [, packets]) => total + packets, 0);
  const counted = [...taken].filter(
    ([key, packets]) => packets > 0 && proof.parts.some((part) => key.startsWith(`${part}:`)),
  );
  const packets = counted.reduce((total, [, count]) => total + count, 0);
  const links = new Set(counted.map(([key]) => key.slice(key.indexOf(":") + 1)));
  const overflow = sum("overflow");
  const lost = overflow > 0 ? `, ${overflow} lost because the delay lines were full` : "";
  const where = `${links.size} of ${fault.links.length} links`;
  const figures = proof.parts.map((part) => [`${part}Packets`, sum(part)]);
  return {
    faultId: fault.id,
    landed: packets > 0,
    summary: `${proof.verb} ${packets} datagrams on ${where}${lost}`,
    mechanism: proof.mechanism(tools),
    measured: {
      ...Object.fromEntries(figures),
      linksBitten: links.size,
      links: fault.links.length,
      ...(proof.usesLines ? { overflowPackets: overflow } : {}),
      ...(proof.parts.includes("burst") ? burstFigures(sum("burst"), sum("bursts")) : {}),
      ...Object.fromEntries(counted),
    },
  };
}

function burstFigures(packets: number, bursts: number): Record<string, number> {
  return { bursts, burstLengthMean: bursts === 0 ? 0 : Number((packets / bursts).toFixed(2)) };
}

/** What proves a fault, how people call it, and what does it. */
type Proof = {
  /** Words that keys of the taken packets begin with. */
  parts: readonly (LinkCounter["part"] | "message" | "held" | "crowded")[];
  verb: string;
  mechanism: (tools: NetworkTools) => string;
  /** Its datagrams may find lines of tc full. */
  usesLines?: true;
};

function proofOf(intent: FaultIntent): Proof | undefined {
  if (intent.kind === "message") return messageProof(intent.effect);
  if (intent.kind !== "loss" || intent.pattern === undefined) return PROOF[intent.kind];
  return PATTERNS[intent.pattern.kind];
}

function messageProof(effect: MessageEffect): Proof {
  const by = (how: string) => ({
    parts: ["message" as const],
    verb: wordOfEffect(effect),
    mechanism: ({ backend, mechanism }: NetworkTools) =>
      `iptables-${backend} ${how}${typeof effect === "string" ? "" : linesOf(mechanism)}`,
  });
  if (effect === "drop") return by("INPUT u32 DROP");
  if (effect === "duplicate") return by("PREROUTING u32 TEE");
  return { ...by("POSTROUTING u32 into "), usesLines: true };
}

const linesOf = (mechanism: DelayMechanism | undefined) =>
  mechanism === "netem" ? "tc netem" : "tc htb delay lines";

const input = (match: string) => (tools: NetworkTools) =>
  `iptables-${tools.backend} INPUT ${match}`;

const PATTERNS: Record<LossPattern["kind"], Proof> = {
  bursts: { parts: ["burst"], verb: "lost in bursts", mechanism: input("statistic recent DROP") },
  every: {
    parts: ["every"],
    verb: "lost, one in so many,",
    mechanism: input("statistic nth DROP"),
  },
};

const PROOF: Partial<Record<FaultKind, Proof>> = {
  partition: { parts: ["drop"], verb: "dropped", mechanism: input("DROP") },
  loss: { parts: ["loss"], verb: "lost", mechanism: input("statistic DROP") },
  duplicate: {
    parts: ["duplicate"],
    verb: "duplicated",
    mechanism: ({ backend }) => `iptables-${backend} PREROUTING statistic TEE`,
  },
  reorder: {
    parts: ["reorder"],
    verb: "held back",
    mechanism: ({ mechanism }) => linesOf(mechanism),
    usesLines: true,
  },
  delay: {
    parts: ["delay"],
    verb: "delayed",
    mechanism: ({ mechanism }) => linesOf(mechanism),
    usesLines: true,
  },
  corrupt: {
    parts: ["corrupt"],
    verb: "corrupted",
    mechanism: () => "nft prerouting numgen, payload xor",
  },
  replay: {
    parts: ["replay"],
    verb: "replayed",
    mechanism: ({ backend, mechanism }) =>
      `iptables-${backend} POSTROUTING statistic TEE into ${linesOf(mechanism)}`,
    usesLines: true,
  },
  bandwidth: {
    parts: ["held", "crowded", "bandwidth"],
    verb: "held up or crowded out",
    mechanism: () => "tc tbf; nft limit where the link is also slow",
  },
  clog: {
    parts: ["clog"],
    verb: "held behind the clog",
    mechanism: () => "tc tbf without tokens",
  },
};
