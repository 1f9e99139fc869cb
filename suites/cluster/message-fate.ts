// What rules for messages make of one datagram on one link: lost, doubled, later. Pure but for its count,
// which is the evidence, and which says when a rule for the first so many has had them.

import type { MessageRule } from "../../nemesis/faults.js";
import { matches, readDescription } from "../../nemesis/messages.js";

/** Datagrams of one link that each fault struck, by its id; it stays when the rule has gone. */
export type Struck = Map<string, number>;

/** How much later each copy leaves, in ms: [0] for one that no rule means, [] for one that is lost. */
export function struckBy(
  rules: readonly MessageRule[],
  bytes: Uint8Array,
  struck: Struck,
): readonly number[] {
  const description = readDescription(bytes);
  if (description === undefined) return [0];
  let copies = 1;
  let laterMs = 0;
  for (const { faultId, effect, match } of rules) {
    const count = struck.get(faultId) ?? 0;
    if (!matches(match, description) || count >= (match.first ?? Infinity)) continue;
    struck.set(faultId, count + 1);
    if (effect === "drop") return [];
    if (effect === "duplicate") copies += 1;
    else laterMs += effect.delayMs;
  }
  return Array.from({ length: copies }, () => laterMs);
}
