// Whether any order of the transactions explains what they read: by trying them all.

import type { Transaction } from "../transactions.js";

/** `strict`: the order must respect real time, too. Failed ones take no part, unknown ones may. */
export function serializable(history: readonly Transaction[], strict: "strict" | "any"): boolean {
  const alive = history.filter(({ outcome }) => outcome !== "fail");
  return placeNext(alive, new Set(), new Map(), strict === "strict");
}

function placeNext(
  alive: readonly Transaction[],
  placed: ReadonlySet<Transaction>,
  state: ReadonlyMap<string, readonly number[]>,
  strict: boolean,
): boolean {
  const left = alive.filter((txn) => !placed.has(txn));
  if (left.every(({ outcome }) => outcome !== "ok")) return true;
  for (const txn of left) {
    if (strict && left.some((other) => other.outcome === "ok" && other.ret < txn.call)) continue;
    const after = perform(txn, state);
    if (after === undefined) continue;
    if (placeNext(alive, new Set([...placed, txn]), after, strict)) return true;
  }
  return false;
}

function perform(
  { microOps, outcome }: Transaction,
  state: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, readonly number[]> | undefined {
  const after = new Map(state);
  for (const [f, key, value] of microOps) {
    const list = after.get(String(key)) ?? [];
    if (f === "append") after.set(String(key), [...list, Number(value)]);
    else if (f === "w") after.set(String(key), [Number(value)]);
    else if (outcome === "ok" && !Array.isArray(value)) {
      if ((list[0] ?? null) !== value) return undefined;
    } else if (outcome === "ok" && JSON.stringify(list) !== JSON.stringify(value)) return undefined;
  }
  return after;
}
