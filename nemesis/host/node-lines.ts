// The classes of tc on one node's device: which stand, and the lines of a batch that bring them to what a
// plan needs. Lines and shapers that were made stay, for nothing leads to them without a rule.

import type { NodeName } from "../faults.js";
import type { DelayMechanism, EgressPlan, Shaper } from "./delay-line.js";
import {
  addLines,
  type ClassId,
  classesOf,
  deleteLines,
  type Generation,
  rootLines,
  shaperLines,
} from "./tc.js";

/** What stands on a device. */
export type NodeLines = {
  /** The plan whose pools have lines now, and which generation of classes they are. */
  plan: EgressPlan;
  generation: Generation;
  /** Classes that stand, by generation. */
  classes: Record<Generation, readonly ClassId[]>;
  /** Shapers that stand, by the node that they lead to; undefined: open. */
  shapers: Map<NodeName, Shaper | undefined>;
};

/** The way from one state of the lines to another. */
export type LinesChange = {
  /** For `tc -batch`; none where nothing has to change. */
  batch: string[];
  after: NodeLines;
  /** Classes that are made anew: their counters begin at zero. */
  renewed: readonly ClassId[];
  /** A shaper lets out what waited. */
  opens: boolean;
};

export type LinesOptions = {
  device: string;
  /** All nodes of the network, in its order. */
  nodes: readonly NodeName[];
  mechanism: DelayMechanism | undefined;
  hasShortQueues: boolean;
};

export const NO_EGRESS: EgressPlan = { links: [], pools: [] };

export function noLines(): NodeLines {
  return { plan: NO_EGRESS, generation: 0, classes: { 0: [], 1: [] }, shapers: new Map() };
}

/** Lines stand before the first rule leads to them; those of two plans ago are drained by now. */
export function changeLines(
  before: NodeLines,
  egress: EgressPlan,
  options: LinesOptions,
): LinesChange {
  const { device, mechanism = "htb", hasShortQueues } = options;
  const shaped = changeShapers(before, egress, options);
  const after: NodeLines = { ...before, shapers: shaped.shapers };
  const batch = [...shaped.lines];
  let renewed: readonly ClassId[] = [];
  if (egress.pools.length > 0 && !samePools(egress, before.plan)) {
    after.plan = egress;
    after.generation = before.generation === 0 ? 1 : 0;
    const generation = after.generation;
    renewed = before.classes[generation];
    batch.push(
      ...deleteLines(device, renewed),
      ...addLines(device, egress, generation, { mechanism, hasShortQueues }),
    );
    after.classes = { ...before.classes, [generation]: classesOf(egress, generation) };
  }
  const stands = before.shapers.size + before.classes[0].length + before.classes[1].length > 0;
  if (batch.length > 0 && !stands) batch.unshift(...rootLines(device));
  return { batch, after, renewed, opens: shaped.opens };
}

/** Brings every shaper to what the plan says; those that it does not name are opened. */
function changeShapers(
  { shapers: before }: NodeLines,
  egress: EgressPlan,
  { device, nodes }: LinesOptions,
): { lines: string[]; shapers: NodeLines["shapers"]; opens: boolean } {
  const wanted = new Map<NodeName, Shaper>();
  for (const { to, shaper } of egress.links) if (shaper !== undefined) wanted.set(to, shaper);
  const shapers = new Map(before);
  const lines: string[] = [];
  let opens = false;
  for (const to of new Set([...before.keys(), ...wanted.keys()])) {
    const shaper = wanted.get(to);
    const isNew = !before.has(to);
    if (!isNew && JSON.stringify(before.get(to)) === JSON.stringify(shaper)) continue;
    lines.push(...shaperLines(device, nodes.indexOf(to), shaper, isNew));
    shapers.set(to, shaper);
    opens ||= before.get(to)?.kind === "clog";
  }
  return { lines, shapers, opens };
}

function samePools(first: EgressPlan, second: EgressPlan): boolean {
  return JSON.stringify(first.pools) === JSON.stringify(second.pools);
}
