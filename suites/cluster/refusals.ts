// What replicas say of datagrams that the network has spoilt: how many they refused, by reason. Beside the
// counters of whoever spoilt them it shows that they reached the processes, and went no further.

import type { FaultKind, NodeName } from "../../nemesis/faults.js";
import type { NodeStatus } from "./environment.js";

/** Datagrams refused since each replica's start, by reason; of the replicas that answer. */
export type Refusals = ReadonlyMap<NodeName, Readonly<Record<string, number>>>;

/** Faults whose datagrams a replica must refuse. */
export const SPOILING: ReadonlySet<FaultKind> = new Set<FaultKind>(["corrupt", "replay"]);

export function refusalsOf(statuses: readonly NodeStatus[]): Refusals {
  return new Map(
    statuses.flatMap(({ node, status }) =>
      status?.refusals === undefined ? [] : [[node, status.refusals] as const],
    ),
  );
}

/**
 * "refused forged" → how many all of them refused in between. A replica that has restarted counts from
 * zero again: what it had counted before is not known.
 */
export function refusedBetween(before: Refusals, after: Refusals): Record<string, number> {
  const refused: Record<string, number> = {};
  for (const [node, counts] of after) {
    const earlier = before.get(node) ?? {};
    const restarted = Object.entries(earlier).some(([why, count]) => (counts[why] ?? 0) < count);
    for (const [why, count] of Object.entries(counts)) {
      const fresh = restarted ? count : count - (earlier[why] ?? 0);
      if (fresh > 0) refused[`refused ${why}`] = (refused[`refused ${why}`] ?? 0) + fresh;
    }
  }
  return refused;
}
