// The fault budget. Crashes, pauses and partitions spend liveness only: PBFT stays safe whatever the
// network and the power supply do. Lies, lost disks and amnesia spend f: beyond f nothing is promised, and
// a run that goes there must be caught. Source: Castro and Liskov, OSDI '99, §2 and §3.

import type { ClusterView, NodeName, ResolvedFault } from "./faults.js";
import { composeLinks, type LinkState } from "./links.js";
import { composeProcesses } from "./processes.js";
import type { Random } from "./random.js";
import { resolveFault } from "./resolve.js";
import type { PlannedAction } from "./schedule.js";

/** What is spent at one moment. */
export type Budget = {
  /** Replicas that lie or forgot, in the cluster's order; each spends one of f. */
  faulty: readonly NodeName[];
  /** More than f replicas are faulty: safety is not promised, a violation must be caught. */
  beyondF: boolean;
  /** The largest set of running, honest replicas that all hear each other and some client, both ways. */
  connected: readonly NodeName[];
  /** `connected` is no quorum of n − f: progress is not promised until something heals. */
  livenessBreaking: boolean;
};

/** The worst of a plan: over all its moments, and over many ways its targets may resolve. */
export type PlanBudget = {
  faultyCountMax: number;
  beyondF: boolean;
  /** Some moment of the plan may leave no connected quorum. */
  livenessBreaking: boolean;
  /** Fault ids of the first such moment found, for people. */
  breaking: readonly string[];
};

/** Dry runs of a plan; each resolves its targets differently. */
const DRY_RUNS = 24;

/**
 * Judges the faults that are active together. `faulty` names replicas that spend f besides: those whose
 * disk was damaged before, for a cure gives them back no vote that they forgot. Of the active faults lies
 * and damage of disks spend f; those of networks and processes never do. Loss, duplicates, reordering and delay
 * spend nothing, except where a link loses everything. Exponential at worst in the number of replicas
 * with a cut link; instant up to 31 replicas with the shapes of grudge.ts.
 */
export function budgetOf(
  active: readonly ResolvedFault[],
  view: ClusterView,
  faulty: readonly NodeName[] = [],
): Budget {
  const cut = new Set<string>();
  for (const link of composeLinks(active)) {
    if (link.drop || link.clogged || link.lossPercent === 100 || losesMessages(link)) {
      cut.add(`${link.from}>${link.to}`);
    }
  }
  const spending = new Set([...faulty, ...active.flatMap(spentBy)]);
  const mutual = (a: NodeName, b: NodeName) => !cut.has(`${a}>${b}`) && !cut.has(`${b}>${a}`);
  const held = composeProcesses(active);
  const hindered = new Set(active.filter(hinders).flatMap(({ nodes }) => nodes));
  const serving = view.replicas.filter(
    (replica) =>
      !held.has(replica) &&
      !hindered.has(replica) &&
      !spending.has(replica) &&
      (view.clients.length === 0 || view.clients.some((client) => mutual(client, replica))),
  );
  const connected = largestClique(serving, mutual);
  const spent = view.replicas.filter((replica) => spending.has(replica));
  return {
    faulty: spent,
    beyondF: spent.length > view.f,
    connected,
    livenessBreaking: connected.length < view.replicas.length - view.f,
  };
}

/**
 * Replicas that spend f from the start of this fault on. A wiped one knows that it forgot, and is as good
 * as new when a stable checkpoint has passed its old votes (node/core/rejoin.ts); one whose disk was
 * rolled back or cut short unnoticed is, too, but nobody tells when. So both count to the end of a run.
 */
export function spentBy({ intent, nodes }: ResolvedFault): readonly NodeName[] {
  return intent.kind === "lie" || intent.kind === "disk-damage" ? nodes : [];
}

/** Whether it loses some messages as often as they are sent again: progress may depend on them. */
function losesMessages({ messages = [] }: LinkState): boolean {
  return messages.some(({ effect, match }) => effect === "drop" && match.first === undefined);
}

/** Whether its nodes cannot serve, though nothing holds their processes. */
function hinders({ intent }: ResolvedFault): boolean {
  if (intent.kind === "disk") return intent.flaw !== "slow";
  return intent.kind === "clock" && intent.rate === 0;
}

/** Walks a plan with nobody running it. `view.primary` stands in for whoever is primary then. */
export function budgetOfPlan(
  plan: readonly PlannedAction[],
  view: ClusterView,
  random: Random,
  faulty: readonly NodeName[] = [],
): PlanBudget {
  let breaking: readonly string[] | undefined;
  let worst = budgetOf([], view, faulty);
  for (let run = 0; run < DRY_RUNS; run++) {
    const draws = random.fork(`dry-run-${run}`);
    const active = new Map<string, ResolvedFault>();
    const spent = new Set(faulty);
    for (const action of plan) {
      if (action.action === "stop") {
        active.delete(action.faultId);
        continue;
      }
      const { faultId, intent } = action;
      const fault = resolveFault(faultId, intent, view, draws.fork(faultId));
      active.set(faultId, fault);
      for (const node of spentBy(fault)) spent.add(node);
      const now = budgetOf([...active.values()], view, [...spent]);
      if (now.faulty.length > worst.faulty.length) worst = now;
      if (now.livenessBreaking) breaking ??= [...active.keys()];
    }
  }
  const still = budgetOf([], view, faulty);
  return {
    faultyCountMax: worst.faulty.length,
    beyondF: worst.beyondF,
    livenessBreaking: still.livenessBreaking || breaking !== undefined,
    breaking: breaking ?? [],
  };
}

/** Branch and bound: a node that hears all other candidates is always taken, so few branches remain. */
function largestClique(
  candidates: readonly NodeName[],
  mutual: (a: NodeName, b: NodeName) => boolean,
): NodeName[] {
  let best: NodeName[] = [];
  const extend = (taken: NodeName[], left: readonly NodeName[]): void => {
    if (taken.length + left.length <= best.length) return;
    const torn = left.find((node) => left.some((other) => other !== node && !mutual(node, other)));
    if (torn === undefined) {
      best = [...taken, ...left];
      return;
    }
    const others = left.filter((node) => node !== torn);
    extend(
      [...taken, torn],
      others.filter((other) => mutual(torn, other)),
    );
    extend(taken, others);
  };
  extend([], candidates);
  return candidates.filter((node) => best.includes(node));
}
