// The fault budget. Crashes, pauses and partitions spend liveness only: PBFT stays safe whatever the
// network and the power supply do. Lies, lost disks and amnesia spend f: beyond f nothing is promised, and
// a run that goes there must be caught. Source: Castro and Liskov, OSDI '99, §2 and §3.

import type { ClusterView, FaultIntent, LinkRule, NodeName, ResolvedFault } from "./faults.js";
import { composeLinks } from "./links.js";
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

/** So much slower, a replica may come too late for every quorum. */
const SLOW_CPU_MIN = 10;

/** Dry runs of a plan; each resolves its targets differently. */
const DRY_RUNS = 24;

/**
 * Judges the faults that are active together. `faulty` names replicas that spend f beside those that
 * lie or lose their disks now; network and process faults never spend it. Loss, duplicates, reordering and delay
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
    if (carriesNothing(link) || losesMessages(link)) cut.add(`${link.from}>${link.to}`);
  }
  const mutual = (a: NodeName, b: NodeName) => !cut.has(`${a}>${b}`) && !cut.has(`${b}>${a}`);
  const held = composeProcesses(active);
  const hindered = new Set(active.filter(hinders).flatMap(({ nodes }) => nodes));
  const serving = view.replicas.filter(
    (replica) =>
      !held.has(replica) &&
      !hindered.has(replica) &&
      !faulty.includes(replica) &&
      (view.clients.length === 0 || view.clients.some((client) => mutual(client, replica))),
  );
  const connected = largestClique(serving, mutual);
  const now = active.filter(({ intent }) => spendsF(intent)).flatMap(({ nodes }) => nodes);
  const spent = view.replicas.filter((one) => faulty.includes(one) || now.includes(one));
  return {
    faulty: spent,
    beyondF: spent.length > view.f,
    connected,
    livenessBreaking: connected.length < view.replicas.length - view.f,
  };
}

function carriesNothing({ drop, clogged, lossPercent, burstLoss, lossEvery }: LinkRule): boolean {
  if (drop === true || clogged === true) return true;
  return lossPercent === 100 || burstLoss?.percent === 100 || lossEvery === 1;
}

/** Whether its replicas are faulty by it, and may stay so: they lie, or have lost what they promised. */
export function spendsF({ kind }: FaultIntent): boolean {
  return kind === "lie" || kind === "disk-damage";
}

/** Whether it loses some messages as often as they are sent again: progress may depend on them. */
function losesMessages({ messages = [] }: LinkRule): boolean {
  return messages.some(({ effect, match }) => effect === "drop" && match.first === undefined);
}

/** Whether its nodes cannot serve, though nothing holds their processes. */
function hinders({ intent }: ResolvedFault): boolean {
  if (intent.kind === "slow-cpu") return intent.factor >= SLOW_CPU_MIN;
  if (intent.kind === "disk") return intent.flaw !== "slow";
  return (intent.kind === "clock" && intent.rate === 0) || intent.kind === "lie";
}

/** Walks a plan with nobody running it. `view.primary` stands in for whoever is primary then. */
export function budgetOfPlan(
  plan: readonly PlannedAction[],
  view: ClusterView,
  random: Random,
  faulty: readonly NodeName[] = [],
): PlanBudget {
  let breaking: readonly string[] | undefined;
  let worst: readonly NodeName[] = [...faulty];
  for (let run = 0; run < DRY_RUNS; run++) {
    const draws = random.fork(`dry-run-${run}`);
    // Who lied or forgot may do harm by it for the rest of the run.
    const spent = new Set(faulty);
    const active = new Map<string, ResolvedFault>();
    for (const action of plan) {
      if (action.action === "stop") {
        active.delete(action.faultId);
        continue;
      }
      const { faultId, intent } = action;
      const fault = resolveFault(faultId, intent, view, draws.fork(faultId));
      active.set(faultId, fault);
      if (spendsF(intent)) for (const node of fault.nodes) spent.add(node);
      if (breaking === undefined && budgetOf([...active.values()], view, faulty).livenessBreaking) {
        breaking = [...active.keys()];
      }
    }
    if (spent.size > worst.length) worst = [...spent];
  }
  return {
    faultyCountMax: worst.length,
    beyondF: worst.length > view.f,
    livenessBreaking: budgetOf([], view, faulty).livenessBreaking || breaking !== undefined,
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
