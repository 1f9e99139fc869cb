// The proof that a fault of the simulation had its effect, as every environment gives it.

import type { Evidence, Lie, ResolvedFault } from "../../nemesis/faults.js";
import { wordOfEffect } from "../../nemesis/messages.js";
import { principalOf } from "./names.js";
import type { NetworkBite } from "./network.js";

const DONE: Readonly<Record<Exclude<NetworkBite["what"], "message">, string>> = {
  drop: "dropped",
  loss: "lost",
  burst: "lost in bursts",
  every: "lost one in so many:",
  duplicate: "doubled",
  reorder: "held back",
  delay: "delayed",
  corrupt: "corrupted",
  replay: "repeated",
  bandwidth: "held up or crowded out",
  clog: "stuck",
};

/** `bite`: what datagrams met; `seen`: what nodes met; `told`: each replica's lies so far. */
export function evidenceOf(
  fault: ResolvedFault,
  bite: NetworkBite | undefined,
  seen: readonly string[],
  told: readonly ReadonlyMap<Lie, number>[],
): Evidence {
  const measured: Record<string, number | string> = {};
  const words: string[] = [...seen];
  if (bite !== undefined) {
    let total = 0;
    for (const [link, count] of bite.links) {
      measured[link] = count;
      total += count;
    }
    words.push(`${doneBy(fault, bite.what)} ${total} datagrams on ${bite.links.size} links`);
  }
  if (fault.intent.kind === "lie") {
    for (const node of fault.nodes) {
      const count = told[principalOf(node)]?.get(fault.intent.lie) ?? 0;
      if (count === 0) continue;
      measured[node] = count;
      words.push(`${node} told ${count} lies`);
    }
  }
  return {
    faultId: fault.id,
    landed: words.length > 0,
    summary: words.length > 0 ? words.join(", ") : "nothing met it",
    mechanism: "simulated",
    measured,
  };
}

function doneBy({ intent }: ResolvedFault, what: NetworkBite["what"]): string {
  if (what !== "message") return DONE[what];
  return intent.kind === "message" ? wordOfEffect(intent.effect) : "struck";
}
