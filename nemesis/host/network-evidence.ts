// What the counters say about a fault, in figures and in a sentence. Pure.

import type { Evidence, FaultIntent, FaultKind, MessageEffect, ResolvedFault } from "../faults.js";
import { wordOfEffect } from "../messages.js";
import type { DelayMechanism } from "./delay-line.js";
import type { IptablesBackend, LinkCounter } from "./iptables.js";

/** Packets by "drop:r0>r1" (the part and the link of a rule), and by "overflow:r0" for full lines. */
export type TakenPackets = Map<string, number>;

/**
 * Judges a network fault by the packets that its rules took: it landed if they took any. Throws on a
 * fault that is none of the network's.
 */
export function networkEvidence(
  fault: ResolvedFault,
  taken: TakenPackets,
  { backend, mechanism }: { backend: IptablesBackend; mechanism: DelayMechanism | undefined },
): Evidence {
  const proof = proofOf(fault.intent);
  if (proof === undefined) {
    throw new RangeError(`a ${fault.intent.kind} is no fault of the network: ${fault.id}`);
  }
  const counted = [...taken].filter(
    ([key, packets]) => key.startsWith(`${proof.part}:`) && packets > 0,
  );
  const packets = counted.reduce((sum, [, count]) => sum + count, 0);
  const overflow = [...taken]
    .filter(([key]) => key.startsWith("overflow:"))
    .reduce((sum, [, count]) => sum + count, 0);
  const lost = overflow > 0 ? `, ${overflow} lost because the delay lines were full` : "";
  const where = `${counted.length} of ${fault.links.length} links`;
  return {
    faultId: fault.id,
    landed: packets > 0,
    summary: `${proof.verb} ${packets} datagrams on ${where}${lost}`,
    mechanism:
      fault.intent.kind === "message"
        ? messageMechanism(fault.intent.effect, backend, mechanism)
        : mechanismOf(proof.part, backend, mechanism),
    measured: {
      [`${proof.part}Packets`]: packets,
      linksBitten: counted.length,
      links: fault.links.length,
      ...(proof.part === "delay" || proof.part === "reorder" ? { overflowPackets: overflow } : {}),
      ...Object.fromEntries(counted),
    },
  };
}

type NetworkPart = LinkCounter["part"] | "message";

function proofOf(intent: FaultIntent): { part: NetworkPart; verb: string } | undefined {
  if (intent.kind !== "message") return PROOF[intent.kind];
  return { part: "message", verb: wordOfEffect(intent.effect) };
}

function messageMechanism(
  effect: MessageEffect,
  backend: IptablesBackend,
  mechanism: DelayMechanism | undefined,
): string {
  if (effect === "drop") return `iptables-${backend} INPUT u32 DROP`;
  if (effect === "duplicate") return `iptables-${backend} PREROUTING u32 TEE`;
  return `iptables-${backend} POSTROUTING u32 into ${mechanismOf("delay", backend, mechanism)}`;
}

/** Which counter proves which kind of fault, and how people call what it counted. */
const PROOF: Partial<Record<FaultKind, { part: NetworkPart; verb: string }>> = {
  partition: { part: "drop", verb: "dropped" },
  loss: { part: "loss", verb: "lost" },
  duplicate: { part: "duplicate", verb: "duplicated" },
  reorder: { part: "reorder", verb: "held back" },
  delay: { part: "delay", verb: "delayed" },
};

function mechanismOf(
  part: NetworkPart,
  backend: IptablesBackend,
  mechanism: DelayMechanism | undefined,
): string {
  switch (part) {
    case "drop":
      return `iptables-${backend} INPUT DROP`;
    case "loss":
      return `iptables-${backend} INPUT statistic DROP`;
    case "duplicate":
      return `iptables-${backend} PREROUTING statistic TEE`;
    case "reorder":
    case "delay":
      return mechanism === "netem" ? "tc netem" : "tc htb delay lines";
    case "message":
      return `iptables-${backend} u32`;
    default:
      return part satisfies never;
  }
}
