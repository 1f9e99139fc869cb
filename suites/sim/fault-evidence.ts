// The proof that a fault of the simulation had its effect, as every environment gives it.

import type { Evidence, Lie, ResolvedFault } from "../../nemesis/faults.js";
import { principalOf } from "./names.js";

const DONE: Readonly<Record<string, string>> = {
  drop: "dropped",
  loss: "lost",
  duplicate: "doubled",
  reorder: "held back",
  delay: "delayed",
  corrupt: "corrupted",
  replay: "repeated",
  bandwidth: "crowded out",
  clog: "stuck",
};

/** `bites`: datagrams by what was done to them; `told`: each replica's lies so far. */
export function evidenceOf(
  fault: ResolvedFault,
  bites: ReadonlyMap<string, number>,
  seen: readonly string[],
  told: readonly ReadonlyMap<Lie, number>[],
): Evidence {
  const measured: Record<string, number | string> = {};
  const words: string[] = [...seen];
  for (const [what, count] of bites) {
    measured[what] = count;
    words.push(`${DONE[what] ?? what} ${count} datagrams`);
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
