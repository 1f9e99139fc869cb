// Histories of transactions from an imaginary store that is strictly serializable: each transaction
// takes effect at one instant between its call and its return. All from one seed.

import { randomOf } from "../../bank/simulate-bank.js";
import { INFO, NO_RETURN, OK, type Transactions, TransactionsBuilder } from "../transactions.js";

export type LoadOptions = {
  seed: number;
  transactions: number;
  processes: number;
  /** Keys in use at any time; one that has had `appendsMax` appends makes place for a new one. */
  keys: number;
  appendsMax: number;
  /** Micro-ops of a transaction: 1 to this. */
  microOpsMax: number;
  /** Share of transactions that took effect and whose answer got lost, 0..1. */
  infoShare: number;
};

export const LOAD_DEFAULTS: LoadOptions = {
  seed: 1,
  transactions: 100_000,
  processes: 20,
  keys: 24,
  appendsMax: 64,
  microOpsMax: 4,
  infoShare: 0.01,
};

type Plan = { key: number; value: number }[];

/**
 * `stale`: the last read of every so many transactions misses the newest element it should show;
 * 0 for none.
 */
export function simulateLists(overrides: Partial<LoadOptions> = {}, stale = 0): Transactions {
  const options = { ...LOAD_DEFAULTS, ...overrides };
  const random = randomOf(options.seed);
  const free = new Float64Array(options.processes);
  const count = options.transactions;
  const calls = new Float64Array(count);
  const rets = new Float64Array(count);
  const acts = new Float64Array(count);
  const process = new Int32Array(count);
  for (let txn = 0; txn < count; txn++) {
    let next = 0;
    for (let each = 1; each < free.length; each++)
      if ((free[each] ?? 0) < (free[next] ?? 0)) next = each;
    const call = free[next] ?? 0;
    const latency = 0.2 - Math.log(1 - random()) * 0.5;
    calls[txn] = call;
    rets[txn] = call + latency;
    acts[txn] = call + random() * latency;
    free[next] = call + latency;
    process[txn] = next;
  }
  const plans = planned(options, random);
  const lists: number[][] = [];
  const seen: number[][] = [];
  const order = Int32Array.from({ length: count }, (_, txn) => txn);
  order.sort((a, b) => (acts[a] ?? 0) - (acts[b] ?? 0));
  for (const txn of order) {
    const lengths: number[] = [];
    for (const { key, value } of plans[txn] ?? []) {
      const list = lists[key] ?? [];
      lists[key] = list;
      if (value > 0) list.push(value);
      lengths.push(list.length);
    }
    seen[txn] = lengths;
  }
  const ranks = ranksOf(calls, rets);
  const builder = new TransactionsBuilder();
  for (let txn = 0; txn < count; txn++) {
    const lost = random() < options.infoShare;
    builder.begin(ranks[txn] ?? 0, process[txn] ?? 0, txn);
    const plan = plans[txn] ?? [];
    for (const [position, { key, value }] of plan.entries()) {
      const miss = stale > 0 && txn % stale === stale - 1 && position === plan.length - 1;
      const length = (seen[txn]?.[position] ?? 0) - Number(miss);
      if (value > 0) builder.write(key, value);
      else if (!lost) builder.readList(key, (lists[key] ?? []).slice(0, Math.max(0, length)));
    }
    builder.end(lost ? INFO : OK, lost ? NO_RETURN : (ranks[count + txn] ?? 0));
  }
  return builder.build();
}

/** What each transaction does, decided when it is called; value 0 is a read. */
function planned(options: LoadOptions, random: () => number): Plan[] {
  const active = Array.from({ length: options.keys }, (_, key) => key);
  const appended: number[] = [];
  let keyNext = options.keys;
  return Array.from({ length: options.transactions }, () => {
    const length = 1 + Math.floor(random() * options.microOpsMax);
    return Array.from({ length }, () => {
      const place = Math.floor(random() * options.keys);
      const key = active[place] ?? 0;
      if (random() < 0.5) return { key, value: 0 };
      const value = (appended[key] ?? 0) + 1;
      appended[key] = value;
      if (value >= options.appendsMax) active[place] = keyNext++;
      return { key, value };
    });
  });
}

/** Calls in 0..count, returns behind them: each its rank among all events. */
function ranksOf(calls: Float64Array, rets: Float64Array): Int32Array {
  const count = calls.length;
  const at = (event: number) => (event < count ? calls[event] : rets[event - count]) ?? 0;
  const events = Int32Array.from({ length: 2 * count }, (_, event) => event);
  events.sort((a, b) => at(a) - at(b) || a - b);
  const ranks = new Int32Array(2 * count);
  for (const [rank, event] of events.entries()) ranks[event] = rank;
  return ranks;
}
