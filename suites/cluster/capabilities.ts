// What can be done to nodes and links of real machines, with what was found there.

import type { FaultKind } from "../../nemesis/faults.js";
import type { LinkMeans } from "../../nemesis/host/probe.js";
import { type HostFindings, hostCapabilities } from "./host-hands.js";

/** Where all tools work. */
export const EVERYTHING: LinkMeans = {
  backend: "legacy",
  canDuplicate: true,
  canMatchMessages: true,
  canCorrupt: true,
  canShape: true,
  mechanism: "netem",
};

export function capabilitiesOf(means: LinkMeans, found: HostFindings): ReadonlySet<FaultKind> {
  return new Set<FaultKind>(["kill", "pause", ...hostCapabilities(found), ...linkKinds(means)]);
}

function linkKinds({ backend, ...means }: LinkMeans): readonly FaultKind[] {
  const { canDuplicate, canMatchMessages, canCorrupt, canShape, mechanism } = means;
  if (backend === undefined) return [];
  const kinds: FaultKind[] = ["partition", "loss"];
  if (canDuplicate) kinds.push("duplicate");
  if (mechanism !== undefined) kinds.push("delay", "reorder");
  if (canDuplicate && mechanism !== undefined) kinds.push("replay");
  if (canCorrupt) kinds.push("corrupt");
  if (canShape) kinds.push("clog");
  // What is narrow and also slow is policed by nft, which changes bytes.
  if (canShape && canCorrupt) kinds.push("bandwidth");
  if (canMatchMessages && mechanism !== undefined) kinds.push("message");
  return kinds;
}
