// The active network faults, composed: what is wrong with every directed link, and which faults are the
// cause of each part, so that one packet counter proves all of them.

import type { LinkRule, NodeName, ResolvedFault } from "./faults.js";

/** Ids of the faults that contribute to a part of a link's state, in the order they became active. */
export type LinkCauses = {
  drop: readonly string[];
  loss: readonly string[];
  duplicate: readonly string[];
  reorder: readonly string[];
  delay: readonly string[];
  corrupt: readonly string[];
  replay: readonly string[];
  bandwidth: readonly string[];
  clog: readonly string[];
};

/** The composed state of one directed link. */
export type LinkState = LinkRule & { causes: LinkCauses };

/** Only links with something wrong; ordered by receiver, then sender, as the faults first name them. */
export type LinkMatrix = readonly LinkState[];

/**
 * Composes faults that act on the same links. A drop wins. Percentages combine as independent chances;
 * delays and jitters add, the least bandwidth wins; packets held back for reordering wait for the longest of the gaps.
 * Rules for messages stand side by side, in the order of their faults, each with its own count.
 */
export function composeLinks(faults: readonly ResolvedFault[]): LinkMatrix {
  const byReceiver = new Map<NodeName, Map<NodeName, LinkState>>();
  for (const fault of faults) {
    for (const rule of fault.links) {
      const senders = byReceiver.get(rule.to) ?? new Map<NodeName, LinkState>();
      byReceiver.set(rule.to, senders);
      senders.set(rule.from, compose(senders.get(rule.from) ?? whole(rule), rule, fault.id));
    }
  }
  return [...byReceiver.values()].flatMap((senders) => [...senders.values()]);
}

/** The state of one link, undefined where nothing is wrong with it. */
export function linkBetween(
  matrix: LinkMatrix,
  from: NodeName,
  to: NodeName,
): LinkState | undefined {
  return matrix.find((link) => link.from === from && link.to === to);
}

/** Chance that at least one of two independent events happens, in percent. */
export function eitherPercent(first: number, second: number): number {
  return 100 - ((100 - first) * (100 - second)) / 100;
}

function whole({ from, to }: LinkRule): LinkState {
  return { from, to, causes: NO_CAUSES };
}

const NO_CAUSES: LinkCauses = {
  drop: [],
  loss: [],
  duplicate: [],
  reorder: [],
  delay: [],
  corrupt: [],
  replay: [],
  bandwidth: [],
  clog: [],
};

function compose(state: LinkState, rule: LinkRule, faultId: string): LinkState {
  const composed: LinkState = { ...state };
  const causes = { ...state.causes };
  if (rule.drop) {
    composed.drop = true;
    causes.drop = [...causes.drop, faultId];
  }
  if (rule.lossPercent !== undefined) {
    composed.lossPercent = eitherPercent(state.lossPercent ?? 0, rule.lossPercent);
    causes.loss = [...causes.loss, faultId];
  }
  if (rule.duplicatePercent !== undefined) {
    composed.duplicatePercent = eitherPercent(state.duplicatePercent ?? 0, rule.duplicatePercent);
    causes.duplicate = [...causes.duplicate, faultId];
  }
  if (rule.reorder !== undefined) {
    composed.reorder = {
      percent: eitherPercent(state.reorder?.percent ?? 0, rule.reorder.percent),
      gapMs: Math.max(state.reorder?.gapMs ?? 0, rule.reorder.gapMs),
    };
    causes.reorder = [...causes.reorder, faultId];
  }
  if (rule.delay !== undefined) {
    composed.delay = {
      delayMs: (state.delay?.delayMs ?? 0) + rule.delay.delayMs,
      jitterMs: (state.delay?.jitterMs ?? 0) + rule.delay.jitterMs,
    };
    causes.delay = [...causes.delay, faultId];
  }
  if (rule.corruptPercent !== undefined) {
    composed.corruptPercent = eitherPercent(state.corruptPercent ?? 0, rule.corruptPercent);
    causes.corrupt = [...causes.corrupt, faultId];
  }
  if (rule.replayPercent !== undefined) {
    composed.replayPercent = eitherPercent(state.replayPercent ?? 0, rule.replayPercent);
    causes.replay = [...causes.replay, faultId];
  }
  if (rule.bytesPerSecond !== undefined) {
    composed.bytesPerSecond = Math.min(state.bytesPerSecond ?? Infinity, rule.bytesPerSecond);
    causes.bandwidth = [...causes.bandwidth, faultId];
  }
  if (rule.clogged) {
    composed.clogged = true;
    causes.clog = [...causes.clog, faultId];
  }
  if (rule.messages !== undefined) {
    composed.messages = [...(state.messages ?? []), ...rule.messages];
  }
  return { ...composed, causes };
}
