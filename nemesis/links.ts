// The active network faults, composed: what is wrong with every directed link, and which faults are the
// cause of each part, so that one packet counter proves all of them.

import type { LinkRule, NodeName, ResolvedFault } from "./faults.js";
import { addDelays } from "./link-delay.js";

/** Ids of the faults that contribute to a part of a link's state, in the order they became active. */
export type LinkCauses = {
  drop: readonly string[];
  loss: readonly string[];
  burst: readonly string[];
  every: readonly string[];
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
 * of two patterns of loss the longer bursts win, and the more frequent n-th. Delays add (link-delay.ts),
 * the least bandwidth wins; packets held back for reordering wait for the longest of the gaps.
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
  burst: [],
  every: [],
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
  const caused = (part: keyof LinkCauses) => {
    causes[part] = [...causes[part], faultId];
  };
  if (rule.drop) {
    composed.drop = true;
    caused("drop");
  }
  composeLosses(composed, rule, caused);
  if (rule.duplicatePercent !== undefined) {
    composed.duplicatePercent = eitherPercent(state.duplicatePercent ?? 0, rule.duplicatePercent);
    caused("duplicate");
  }
  composeWaits(composed, rule, caused);
  if (rule.corruptPercent !== undefined) {
    composed.corruptPercent = eitherPercent(state.corruptPercent ?? 0, rule.corruptPercent);
    caused("corrupt");
  }
  if (rule.replayPercent !== undefined) {
    composed.replayPercent = eitherPercent(state.replayPercent ?? 0, rule.replayPercent);
    caused("replay");
  }
  if (rule.messages !== undefined) {
    composed.messages = [...(state.messages ?? []), ...rule.messages];
  }
  return { ...composed, causes };
}

/** Adds what the rule loses to the state, and says which parts it caused. */
function composeLosses(
  state: LinkState,
  { lossPercent, burstLoss, lossEvery }: LinkRule,
  caused: (part: keyof LinkCauses) => void,
): void {
  if (lossPercent !== undefined) {
    state.lossPercent = eitherPercent(state.lossPercent ?? 0, lossPercent);
    caused("loss");
  }
  if (burstLoss !== undefined) {
    state.burstLoss = {
      percent: eitherPercent(state.burstLoss?.percent ?? 0, burstLoss.percent),
      lengthMean: Math.max(state.burstLoss?.lengthMean ?? 1, burstLoss.lengthMean),
    };
    caused("burst");
  }
  if (lossEvery !== undefined) {
    state.lossEvery = Math.min(state.lossEvery ?? Infinity, lossEvery);
    caused("every");
  }
}

/** The same of what makes datagrams wait. */
function composeWaits(
  state: LinkState,
  { reorder, delay, bytesPerSecond, clogged }: LinkRule,
  caused: (part: keyof LinkCauses) => void,
): void {
  if (reorder !== undefined) {
    state.reorder = {
      percent: eitherPercent(state.reorder?.percent ?? 0, reorder.percent),
      gapMs: Math.max(state.reorder?.gapMs ?? 0, reorder.gapMs),
    };
    caused("reorder");
  }
  if (delay !== undefined) {
    state.delay = state.delay === undefined ? delay : addDelays(state.delay, delay);
    caused("delay");
  }
  if (bytesPerSecond !== undefined) {
    state.bytesPerSecond = Math.min(state.bytesPerSecond ?? Infinity, bytesPerSecond);
    caused("bandwidth");
  }
  if (clogged) {
    state.clogged = true;
    caused("clog");
  }
}
