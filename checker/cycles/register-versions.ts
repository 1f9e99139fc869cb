// What can be inferred of the order of a register's versions: a write hides what was there before, so,
// unlike with lists, each relation needs an assumption, which is its source.
// Source: Elle, VLDB 2020, §4.3 and §5.2; elle.rw-register

import type { ExternalOps } from "./external-ops.js";
import { components, graphOf } from "./graph.js";
import { IntList } from "./growing.js";
import { ordersOf } from "./order-edges.js";
import { FAIL, INITIAL, OK, type Transactions } from "./transactions.js";

/** Why one version is held to come before another. */
export const SOURCES = [
  "initial-state",
  "wfr-keys",
  "sequential-keys",
  "linearizable-keys",
] as const;
export type Source = (typeof SOURCES)[number];

/** Beyond that the initial state, nil, comes before all that is written. */
export type RegisterAssumptions = {
  /** What a transaction writes to a key follows what it read of it. */
  wfrKeys?: boolean;
  /** Each key by itself is sequentially consistent. */
  sequentialKeys?: boolean;
  /** Each key by itself is linearizable. */
  linearizableKeys?: boolean;
};

export type VersionOrder = {
  /** Pairs of versions, earlier and later. A version is its element, or that of the initial state. */
  before: Int32Array;
  after: Int32Array;
  /** Index into SOURCES. */
  source: Int32Array;
  /** Sources that contradict those before them, and the versions in a circle; they are left out. */
  cycles: readonly { source: Source; versions: readonly number[] }[];
};

/** The number of a key's initial version, behind all elements. */
export function initialVersion(transactions: Transactions, key: number): number {
  return transactions.values.length + key;
}

/** Cost: linear, times the number of sources; with linearizable keys also times the concurrency. */
export function versionOrder(
  transactions: Transactions,
  external: ExternalOps,
  assumptions: RegisterAssumptions,
): VersionOrder {
  const pairs = new Pairs(transactions);
  addInitial(transactions, pairs);
  const cycles: VersionOrder["cycles"][number][] = [];
  const infer = (source: Source, add: () => void) => {
    const accepted = pairs.length;
    pairs.source = SOURCES.indexOf(source);
    add();
    const found = pairs.circles();
    if (found.length === 0) return;
    pairs.cut(accepted);
    for (const versions of found) cycles.push({ source, versions });
  };
  infer("initial-state", () => undefined);
  if (assumptions.wfrKeys === true) infer("wfr-keys", () => addWfr(transactions, external, pairs));
  if (assumptions.sequentialKeys === true) {
    infer("sequential-keys", () => addSequential(transactions, external, pairs));
  }
  if (assumptions.linearizableKeys === true) {
    infer("linearizable-keys", () => addLinearizable(transactions, external, pairs));
  }
  return { ...pairs.columns(), cycles };
}

/** Guards: no pair twice, and none of a version with itself. */
class Pairs {
  readonly #nodes: number;
  #before = new IntList();
  #after = new IntList();
  #source = new IntList();
  readonly #known = new Set<number>();
  source = 0;

  constructor({ values, keys }: Transactions) {
    this.#nodes = values.length + keys.length;
  }

  get length(): number {
    return this.#before.length;
  }

  add(before: number, after: number): void {
    const name = before * this.#nodes + after;
    if (before === after || this.#known.has(name)) return;
    this.#known.add(name);
    this.#before.push(before);
    this.#after.push(after);
    this.#source.push(this.source);
  }

  /** Versions that come before themselves, a list for each circle of them. */
  circles(): number[][] {
    const graph = graphOf(this.#nodes, { from: this.#before.view(), to: this.#after.view() });
    const { of, count } = components(graph);
    const found: number[][] = Array.from({ length: count }, () => []);
    for (let version = 0; version < this.#nodes; version++) found[of[version] ?? -1]?.push(version);
    return found;
  }

  /** Forgets all but the first ones. */
  cut(length: number): void {
    for (let pair = length; pair < this.length; pair++) {
      this.#known.delete(this.#before.at(pair) * this.#nodes + this.#after.at(pair));
    }
    this.#before = this.#before.first(length);
    this.#after = this.#after.first(length);
    this.#source = this.#source.first(length);
  }

  columns(): Pick<VersionOrder, "before" | "after" | "source"> {
    return {
      before: this.#before.view(),
      after: this.#after.view(),
      source: this.#source.view(),
    };
  }
}

function addInitial(transactions: Transactions, pairs: Pairs): void {
  for (const [element, key] of transactions.elementKey.entries()) {
    pairs.add(initialVersion(transactions, key), element);
  }
}

function addWfr(transactions: Transactions, external: ExternalOps, pairs: Pairs): void {
  const { count, outcome } = transactions;
  for (let txn = 0; txn < count; txn++) {
    if (outcome[txn] !== OK) continue;
    external.each(txn, (key, read, write) => {
      if (read !== undefined && write !== undefined) {
        pairs.add(versionOf(transactions, key, read), versionOf(transactions, key, write));
      }
    });
  }
}

function versionOf(transactions: Transactions, key: number, element: number): number {
  return element === INITIAL ? initialVersion(transactions, key) : element;
}

/** What a transaction leaves behind of a key comes before what its process meets there next. */
function addSequential(transactions: Transactions, external: ExternalOps, pairs: Pairs): void {
  const { count, outcome, process } = transactions;
  const left = new Map<number, Map<number, number>>();
  for (let txn = 0; txn < count; txn++) {
    if (outcome[txn] === FAIL) continue;
    const ofProcess = left.get(process[txn] ?? 0) ?? new Map<number, number>();
    left.set(process[txn] ?? 0, ofProcess);
    external.each(txn, (key, read, write) => {
      const first = read ?? write;
      const last = write ?? read;
      const before = ofProcess.get(key);
      if (before !== undefined && first !== undefined) {
        pairs.add(before, versionOf(transactions, key, first));
      }
      if (outcome[txn] !== OK) ofProcess.delete(key);
      else if (last !== undefined) ofProcess.set(key, versionOf(transactions, key, last));
    });
  }
}

/** A transaction that was over: nothing it left behind comes after what later ones meet. */
type Frontier = { txn: number; version: number }[];

function addLinearizable(transactions: Transactions, external: ExternalOps, pairs: Pairs): void {
  const { count, outcome } = transactions;
  const { firstAfter } = ordersOf(transactions);
  const byReturn = Int32Array.from({ length: count }, (_, txn) => txn)
    .filter((txn) => outcome[txn] === OK)
    .sort((a, b) => (transactions.ret[a] ?? 0) - (transactions.ret[b] ?? 0));
  const frontiers = new Map<number, Frontier>();
  let returned = 0;
  for (let txn = 0; txn < count; txn++) {
    // All that returned before this call; what one of them followed itself, is behind it.
    for (; returned < byReturn.length; returned++) {
      const done = byReturn[returned] ?? 0;
      if ((firstAfter[done] ?? count) > txn) break;
      const { call } = transactions;
      external.each(done, (key, read, write) => {
        const last = write ?? read;
        if (last === undefined) return;
        const frontier = (frontiers.get(key) ?? []).filter(
          (other) => (transactions.ret[other.txn] ?? 0) > (call[done] ?? 0),
        );
        frontier.push({ txn: done, version: versionOf(transactions, key, last) });
        frontiers.set(key, frontier);
      });
    }
    if (outcome[txn] === FAIL) continue;
    external.each(txn, (key, read, write) => {
      const first = read ?? write;
      if (first === undefined) return;
      for (const { version } of frontiers.get(key) ?? []) {
        pairs.add(version, versionOf(transactions, key, first));
      }
    });
  }
}
