// What a network fault did, from the relay's counters before it and after it. A counter of a link
// counts for every active fault that asks for that kind of harm on that link.

import type { Evidence, ResolvedFault } from "../../nemesis/faults.js";
import { wordOfEffect } from "../../nemesis/messages.js";
import type { LinkTraffic } from "./relay-link.js";
import { LINK_COUNTER_NAMES, type LinkCounters, noTraffic } from "./relay-link.js";

/** The counter that proves a kind of fault, and its word for people. */
const PROOF = {
  partition: { counter: "dropped", verb: "dropped" },
  loss: { counter: "lost", verb: "lost" },
  duplicate: { counter: "duplicated", verb: "duplicated" },
  reorder: { counter: "overtaken", verb: "let overtake" },
  delay: { counter: "delayed", verb: "delayed" },
  corrupt: { counter: "corrupted", verb: "corrupted" },
  replay: { counter: "replayed", verb: "replayed" },
  bandwidth: { counter: "narrowed", verb: "held up or crowded out" },
  clog: { counter: "stuck", verb: "held behind the clog" },
} as const satisfies Record<string, Proof>;

type Proof = { counter: keyof LinkCounters; verb: string };

export type NetworkFaultKind = keyof typeof PROOF;

export function isNetworkFault(kind: string): kind is NetworkFaultKind {
  return kind in PROOF;
}

function proofOf({ id, intent }: ResolvedFault): Proof {
  const { kind } = intent;
  if (!isNetworkFault(kind)) throw new Error(`fault ${id}: ${kind} is no network fault`);
  const pattern = intent.kind === "loss" ? intent.pattern?.kind : undefined;
  if (pattern === "bursts") return { counter: "burstLost", verb: "lost in bursts" };
  if (pattern === "every") return { counter: "nthLost", verb: "lost one in so many:" };
  return PROOF[kind];
}

/** `landed` only where the fault's own counter grew on its own links. */
export function networkEvidence(
  fault: ResolvedFault,
  before: readonly LinkTraffic[],
  after: readonly LinkTraffic[],
): Evidence {
  if (fault.intent.kind === "message") return messageEvidence(fault, after);
  const { counter, verb } = proofOf(fault);
  const total = noTraffic();
  const measured: Record<string, number | string> = { links: fault.links.length };
  let hitLinks = 0;
  for (const { from, to } of fault.links) {
    const grown = growth(countersOf(before, from, to), countersOf(after, from, to));
    for (const name of LINK_COUNTER_NAMES) total[name] += grown[name];
    if (grown[counter] > 0) {
      hitLinks += 1;
      measured[`${from}>${to}.${counter}`] = grown[counter];
    }
  }
  for (const name of LINK_COUNTER_NAMES) {
    if (total[name] > 0) measured[name] = Math.round(total[name]);
  }
  const count = total[counter];
  return {
    faultId: fault.id,
    landed: count > 0,
    summary:
      count > 0
        ? `${verb} ${count} datagrams on ${hitLinks} of ${fault.links.length} links`
        : `no effect: no datagram was ${counter} on ${fault.links.length} links`,
    mechanism: "relay",
    measured,
  };
}

/** Rules for messages count by fault, so there is nothing to subtract. */
function messageEvidence(
  { id, intent, links }: ResolvedFault,
  traffic: readonly LinkTraffic[],
): Evidence {
  const measured: Record<string, number | string> = { links: links.length };
  let total = 0;
  for (const { from, to, struck } of traffic) {
    const count = struck[id] ?? 0;
    if (count === 0) continue;
    measured[`${from}>${to}.struck`] = count;
    total += count;
  }
  const hitLinks = Object.keys(measured).length - 1;
  const done = intent.kind === "message" ? wordOfEffect(intent.effect) : "struck";
  return {
    faultId: id,
    landed: total > 0,
    summary:
      total > 0
        ? `${done} ${total} datagrams on ${hitLinks} of ${links.length} links`
        : `no effect: no such message was sent on ${links.length} links`,
    mechanism: "relay",
    measured: { ...measured, struck: total },
  };
}

function countersOf(traffic: readonly LinkTraffic[], from: string, to: string): LinkCounters {
  return traffic.find((link) => link.from === from && link.to === to)?.counters ?? noTraffic();
}

function growth(before: LinkCounters, after: LinkCounters): LinkCounters {
  const grown = noTraffic();
  for (const name of LINK_COUNTER_NAMES) grown[name] = after[name] - before[name];
  return grown;
}
