// Makes a failing seed smaller while the same check still fails: first as much as can go at once, and
// replicas, which make every later candidate cheaper; then faults, operations, clients, pauses and options;
// again, until nothing can go. Then how long each fault lasts, and single messages and lies. Each candidate
// is a simulation of its own, and none is simulated twice.
// Source: Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002 (ddmin).

import { type Reduction, reduced, weatherParts } from "./reduction.js";
import { lastCureMs, type Scenario } from "./scenario.js";

export type ShrinkProblem = {
  /** The scenario of the seed, whole. */
  scenario: Scenario;
  /** Whether what the reduction leaves still fails in the same check. */
  fails: (reduction: Reduction) => boolean;
  /** What chance and liars do in it, one by one (misfortunes.ts). */
  misfortunesOf: (reduction: Reduction) => readonly string[];
  /** No more time. */
  isOver: () => boolean;
};

/** The smallest reduction found, and how many simulations it took. */
export type Shrunk = { reduction: Reduction; tried: number };

export function shrink(
  { scenario, fails, misfortunesOf, isOver }: ShrinkProblem,
  start: Reduction = {},
): Shrunk {
  let best = start;
  let tried = 0;
  const passed = new Set<string>();
  const attempt = (change: Reduction): boolean => {
    if (isOver()) return false;
    const candidate = { ...best, ...change };
    if (sizeOf(scenario, candidate) >= sizeOf(scenario, best)) return false;
    const whole = JSON.stringify(reduced(scenario, candidate));
    if (passed.has(whole)) return false;
    tried += 1;
    if (!fails(candidate)) {
      passed.add(whole);
      return false;
    }
    best = candidate;
    return true;
  };
  shrinkAtOnce(attempt);
  for (;;) {
    const before = sizeOf(scenario, best);
    shrinkReplicas(reduced(scenario, best), attempt);
    shrinkList(idsOf(reduced(scenario, best).faults), (faults) => attempt({ faults }));
    shrinkList(idsOf(reduced(scenario, best).rest), (rest) => attempt({ rest }));
    const firstMs = Math.min(...scenario.faults.filter(inFaults(best)).map(startOf));
    if (Number.isFinite(firstMs)) {
      for (const share of [1, 0.97, 0.93, 0.85, 0.7, 0.5])
        attempt({ earlierMs: Math.floor(share * firstMs) });
    }
    for (const key of [
      "operations",
      "loadMs",
      "sessions",
      "accounts",
      "clientProcesses",
      "thinkMs",
    ] as const) {
      shrinkNumber(reduced(scenario, best)[key], leastOf(key, reduced(scenario, best)), (value) =>
        attempt({ [key]: value }),
      );
    }
    shrinkOptions(reduced(scenario, best), attempt);
    if (isOver() || sizeOf(scenario, best) === before) break;
  }
  shrinkTimes(
    () => best,
    () => reduced(scenario, best),
    attempt,
  );
  if (isOver()) return { reduction: best, tried };
  // Only from here on are they a list: what chance does changes with everything before.
  const met = misfortunesOf(best);
  const named = { ...best, misfortunes: met };
  if (met.length > 0 && fails(named)) {
    best = named;
    shrinkList(met, (misfortunes) => attempt({ misfortunes }));
  }
  return { reduction: best, tried };
}

/** Faults that end sooner, and begin later. */
function shrinkTimes(best: () => Reduction, left: () => Scenario, attempt: Attempt): void {
  const { earlierMs = 0 } = best();
  for (const { id, startMs, stopMs } of left().faults) {
    const spanned = (from: number, to: number) =>
      attempt({
        times: { ...best().times, [id]: { startMs: from + earlierMs, stopMs: to + earlierMs } },
      });
    let stop = stopMs;
    shrinkNumber(stopMs, startMs + 1, (value) => {
      if (!spanned(startMs, value)) return false;
      stop = value;
      return true;
    });
    // Backwards, because it bisects towards less: how long it lasts before its end.
    shrinkNumber(stop - startMs, 1, (lasting) => spanned(stop - lasting, stop));
  }
}

/** More than a run has: named ones are easier to read than any that are not. */
const MISFORTUNES_UNNAMED = 1e6;

type Attempt = (change: Reduction) => boolean;

/** Much of what is wrong shows without any fault, or in the smallest cluster. */
function shrinkAtOnce(attempt: Attempt): void {
  const calm: Reduction = { faults: [], rest: [], weather: [] };
  const few: Reduction = { operations: 12, sessions: 2, clientProcesses: 1, accounts: 2 };
  const plain: Reduction = { protocol: "default", datagramBytesMax: 8_192 };
  const steps: Reduction[] = [
    { replicas: 4, ...calm, ...few, ...plain },
    { replicas: 4, ...calm, ...plain },
    { replicas: 4, ...few },
    calm,
  ];
  steps.some(attempt);
}

function shrinkReplicas({ replicas }: Scenario, attempt: Attempt): void {
  for (const fewer of [4, 7]) if (fewer < replicas && attempt({ replicas: fewer })) return;
}

function shrinkOptions(scenario: Scenario, attempt: Attempt): void {
  attempt({ protocol: "default" });
  attempt({ datagramBytesMax: 8_192 });
  shrinkList(weatherParts(scenario), (weather) => attempt({ weather }));
}

/** Removes halves, then quarters, down to single items, as long as what is left still fails. */
function shrinkList<T>(items: readonly T[], attempt: (left: readonly T[]) => boolean): void {
  let left = items;
  if (left.length > 0 && attempt([])) return;
  for (
    let size = Math.ceil(left.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < left.length; ) {
      const without = [...left.slice(0, at), ...left.slice(at + size)];
      if (without.length < left.length && attempt(without)) left = without;
      else at += size;
    }
  }
}

/** Bisects towards the least value; what fails need not be monotonic, so it is only a good guess. */
function shrinkNumber(value: number, least: number, attempt: (value: number) => boolean): void {
  if (value <= least || attempt(least)) return;
  let [low, high] = [least, value];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (attempt(middle)) high = middle;
    else low = middle;
  }
}

/** A checker needs an account for four sessions. */
function leastOf(key: string, { sessions }: Scenario): number {
  return key === "accounts" ? Math.ceil(sessions / 4) : 1;
}

/** What makes a run long to read: smaller is better. */
function sizeOf(scenario: Scenario, reduction: Reduction): number {
  const left = reduced(scenario, reduction);
  const { faults, rest, operations, sessions, accounts, clientProcesses, replicas } = left;
  const options = Object.keys(left.protocol).length + (left.datagramBytesMax === 8_192 ? 0 : 1);
  const weather = weatherParts(left).length;
  const faultMs = faults.reduce((sum, { startMs, stopMs }) => sum + stopMs - startMs, 0);
  return (
    1_000 * (faults.length + rest.length) +
    100 * (weather + options) +
    50 * replicas +
    operations +
    10 * sessions +
    5 * clientProcesses +
    accounts +
    left.thinkMs / 10_000 +
    faultMs / 1_000 +
    (left.misfortunes?.length ?? MISFORTUNES_UNNAMED) / 1_000 +
    Math.max(left.loadMs, lastCureMs(left)) / 100
  );
}

function inFaults({ faults }: Reduction): (fault: { id: string }) => boolean {
  return ({ id }) => faults?.includes(id) ?? true;
}

function startOf({ startMs }: { startMs: number }): number {
  return startMs;
}

function idsOf(faults: readonly { id: string }[]): string[] {
  return faults.map(({ id }) => id);
}
