// Transactions over registers. Writes are unique, so a read tells whose write it saw; which of two
// writes came first is inferred as far as the assumptions go.
// Source: elle.rw-register

import { EdgeList, RW, WR, WW } from "./edges.js";
import { type ExternalOps, externalOps } from "./external-ops.js";
import { Findings } from "./findings.js";
import { lostUpdates } from "./lost-update.js";
import { checkRegisterReads } from "./register-reads.js";
import {
  initialVersion,
  type RegisterAssumptions,
  SOURCES,
  type VersionOrder,
  versionOrder,
} from "./register-versions.js";
import { FAIL, INITIAL, OK, type Transactions } from "./transactions.js";
import { type CyclesOptions, type CyclesResult, judgeTransactions } from "./verdict.js";
import { orderText, shown, transactionText, type Wording } from "./wording.js";
import { writersOf } from "./writers.js";

export type RegisterOptions = CyclesOptions & RegisterAssumptions;

export function checkRwRegister(
  transactions: Transactions,
  options: RegisterOptions = {},
): CyclesResult {
  const findings = new Findings();
  const writers = writersOf(transactions);
  const external = externalOps(transactions);
  const order = versionOrder(transactions, external, options);
  const wording = registerWording(transactions, external, order);
  checkRegisterReads(transactions, writers, findings, wording);
  lostUpdates(transactions, transactions.element, findings, wording);
  for (const { source, versions } of order.cycles) {
    const { elementKey, values, keys } = transactions;
    const key = versions.map((each) => elementKey[each] ?? each - values.length)[0] ?? 0;
    const names = versions.map((each) => versionText(transactions, each)).join(", ");
    findings.add("cyclic-versions", () => [
      `cyclic-versions: by ${source}, each of these versions of ${shown(keys[key])} comes before itself: ${names}`,
    ]);
  }
  const edges = new EdgeList(2 * transactions.kind.length);
  addEdges(transactions, external, order, edges);
  return judgeTransactions(transactions, edges, findings, wording, options, writers.doubts);
}

/** Transactions by the version that they wrote last, or read first. */
type Interactions = {
  /** By version: its writer, or -1 where none is known or it wrote the key again. */
  writer: Int32Array;
  readers: ReadonlyMap<number, number[]>;
};

function interactionsOf(transactions: Transactions, external: ExternalOps): Interactions {
  const { count, outcome, values, keys } = transactions;
  const writer = new Int32Array(values.length + keys.length).fill(-1);
  const readers = new Map<number, number[]>();
  for (let txn = 0; txn < count; txn++) {
    if (outcome[txn] === FAIL) continue;
    external.each(txn, (key, read, write) => {
      if (write !== undefined) writer[write] = txn;
      if (read === undefined || outcome[txn] !== OK) return;
      const version = read === INITIAL ? initialVersion(transactions, key) : read;
      const known = readers.get(version);
      if (known === undefined) readers.set(version, [txn]);
      else known.push(txn);
    });
  }
  return { writer, readers };
}

function addEdges(
  transactions: Transactions,
  external: ExternalOps,
  { before, after }: VersionOrder,
  edges: EdgeList,
): void {
  const { writer, readers } = interactionsOf(transactions, external);
  for (const [version, txns] of readers) {
    const by = writer[version] ?? -1;
    if (by >= 0) for (const txn of txns) edges.add(by, txn, WR, version);
  }
  const overwrites = new Map<number, { txn: number; element: number }[]>();
  for (let pair = 0; pair < before.length; pair++) {
    const [early, late] = [before[pair] ?? 0, after[pair] ?? 0];
    const by = writer[late] ?? -1;
    if (by < 0) continue;
    const earlier = writer[early] ?? -1;
    if (earlier >= 0) edges.add(earlier, by, WW, late);
    if (!readers.has(early)) continue;
    const known = overwrites.get(early);
    if (known === undefined) overwrites.set(early, [{ txn: by, element: late }]);
    else known.push({ txn: by, element: late });
  }
  for (const [version, targets] of overwrites) {
    targets.sort((a, b) => a.txn - b.txn);
    edges.linkAll(readers.get(version) ?? [], targets, RW);
  }
}

function versionText({ values }: Transactions, version: number): string {
  return version < values.length ? shown(values[version]) : "nil";
}

function registerWording(
  transactions: Transactions,
  external: ExternalOps,
  { before, after, source }: VersionOrder,
): Wording {
  const { elementKey, keys, values } = transactions;
  /** How the transaction met the key that `reason` is of: the version it wrote, or read. */
  const met = (txn: number, kind: number, key: number): number | undefined => {
    let found: number | undefined;
    external.each(txn, (number, read, write) => {
      if (number === key) found = kind === WW ? write : read;
    });
    return found === INITIAL ? initialVersion(transactions, key) : found;
  };
  const sourceOf = (early: number | undefined, late: number): string => {
    const pair = before.findIndex((each, index) => each === early && after[index] === late);
    return SOURCES[source[pair] ?? 0] ?? "";
  };
  return {
    transaction: (txn) => transactionText(transactions, txn, "write"),
    order: (step, a, b) => orderText(transactions, step, a, b),
    dependency({ from, kind, reason }, a, b) {
      const key = elementKey[reason] ?? 0;
      const name = shown(keys[key]);
      const value = shown(values[reason]);
      if (kind === WR) return `${b} read ${name} as ${value}, which ${a} wrote`;
      const early = met(from, kind, key);
      const was = early === undefined ? "nil" : versionText(transactions, early);
      const did = kind === WW ? `wrote ${was} to ${name}` : `read ${name} as ${was}`;
      return `${a} ${did}, and ${b} wrote ${value}, a later version (${sourceOf(early, reason)})`;
    },
  };
}
