// Beyond the budget: f+1 replicas lie together, so that nothing is promised any more. A run like that
// is expected to be unsafe, and a checker that lets it pass is blind.

import { CALM } from "./network.js";
import type { Scenario } from "./scenario.js";

const LYING_MS = 4_000;

/**
 * The scenario with its first `liars` replicas lying about every proposal: they show two batches to
 * two halves of the others, and vote for both. The load is heavy enough to meet them.
 */
export function withEquivocators(scenario: Scenario, liars: number): Scenario {
  const { replicas } = scenario;
  const f = (replicas - 1) / 3;
  const names = Array.from({ length: replicas }, (_, id) => `r${id}`);
  const faulty = names.slice(0, liars);
  const target = { kind: "nodes", nodes: faulty } as const;
  const intent = { kind: "lie", lie: "equivocate", percent: 100, target } as const;
  return {
    ...scenario,
    protocol: {},
    sessions: Math.max(4, scenario.sessions),
    accounts: Math.max(4, scenario.accounts),
    operations: 60,
    thinkMs: 20,
    loadMs: LYING_MS,
    weather: CALM,
    faults: [{ id: "f0", intent, startMs: 0, stopMs: LYING_MS }],
    rest: [],
    faulty,
    core: names.slice(f),
    beyondF: liars > f,
  };
}
