// The slow twin of the cycle checker: edges by definition, between every two transactions, and every
// simple cycle. Exponential; for histories of a handful of transactions.

import { type AnomalyName, impliedAnomalies } from "../anomalies.js";
import { classify, type Step } from "../cycle.js";
import { PROCESS, REALTIME, RW, WR, WW } from "../edges.js";
import type { Transaction } from "../transactions.js";

/** Names of all cycles and all that these imply; cycles of the history as it was observed. */
export function everyCycle(history: readonly Transaction[]): ReadonlySet<string> {
  const alive = history.filter(({ outcome }) => outcome !== "fail");
  const edges = alive.map((a, from) =>
    alive.flatMap((b, to) =>
      from === to ? [] : between(alive, a, b).map((kind) => ({ to, kind })),
    ),
  );
  const names = new Set<AnomalyName>();
  const path: Step[] = [];
  const visit = (origin: number, at: number, used: Set<number>) => {
    for (const { to, kind } of edges[at] ?? []) {
      const step = { from: at, to, kind, reason: -1 };
      if (to === origin) {
        const cycle = [...path, step];
        if (cycle.some((each) => each.kind === WW || each.kind === WR || each.kind === RW)) {
          names.add(classify(cycle));
        }
      }
      if (to <= origin || used.has(to)) continue;
      path.push(step);
      visit(origin, to, new Set([...used, to]));
      path.pop();
    }
  };
  for (const origin of alive.keys()) visit(origin, origin, new Set([origin]));
  return impliedAnomalies(names);
}

/** Every kind of edge from a to b. */
function between(alive: readonly Transaction[], a: Transaction, b: Transaction): number[] {
  const kinds: number[] = [];
  if (a.outcome === "ok" && a.ret < b.call) {
    kinds.push(REALTIME);
    const later = alive.filter(({ process, call }) => process === a.process && call > a.call);
    if (later.every(({ call }) => call >= b.call) && a.process === b.process) kinds.push(PROCESS);
  }
  const keys = new Set([...a.microOps, ...b.microOps].map(([, key]) => String(key)));
  for (const key of keys) {
    const order = versionsOnly(alive, key, orderOf(alive, key));
    const [writesA, writesB] = [appendsOf(a, key), appendsOf(b, key)];
    const unseen = writesB.some((value) => !order.includes(value));
    for (const value of writesA) {
      const next = order.includes(value) ? order[order.indexOf(value) + 1] : undefined;
      if (next !== undefined && writesB.includes(next)) kinds.push(WW);
      if (order.at(-1) === value && unseen) kinds.push(WW);
    }
    for (const whole of readsOf(a, key)) {
      const list = versionsOnly(alive, key, whole);
      if (writesA.includes(list.at(-1) ?? -1)) continue;
      const next = order[list.length];
      if (next === undefined ? unseen : writesB.includes(next)) kinds.push(RW);
    }
    for (const whole of readsOf(b, key)) {
      const list = versionsOnly(alive, key, whole);
      if (writesA.includes(list.at(-1) ?? -1)) kinds.push(WR);
    }
  }
  return [...new Set(kinds)];
}

/** What aborted transactions left in the lists is no version: the next one follows the last one. */
function versionsOnly(alive: readonly Transaction[], key: string, list: readonly number[]) {
  const written = new Set(alive.flatMap((txn) => appendsOf(txn, key)));
  return list.filter((value) => written.has(value));
}

function orderOf(alive: readonly Transaction[], key: string): readonly number[] {
  const reads = alive.flatMap((txn) => readsOf(txn, key));
  return reads.reduce((best, list) => (list.length > best.length ? list : best), []);
}

function appendsOf({ microOps }: Transaction, key: string): number[] {
  return microOps.flatMap(([f, of, value]) =>
    f === "append" && of === key ? [Number(value)] : [],
  );
}

function readsOf({ microOps, outcome }: Transaction, key: string): number[][] {
  if (outcome !== "ok") return [];
  return microOps.flatMap(([f, of, value]) =>
    f === "r" && of === key && Array.isArray(value) ? [value.map(Number)] : [],
  );
}
