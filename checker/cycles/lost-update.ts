// Two transactions that read the same version of a key and both wrote the key: one of the updates was
// made from what the other had already replaced. Seen without knowing the order of versions.
// Source: Berenson et al., "A Critique of ANSI SQL Isolation Levels" (P4); Bailis et al., HATs §5.1.1

import type { Findings } from "./findings.js";
import { OK, READ, type Transactions } from "./transactions.js";
import { shown, type Wording } from "./wording.js";

/** `seen`: by read, the version it saw, named by its newest element; -1 for the initial one. */
export function lostUpdates(
  transactions: Transactions,
  seen: Int32Array,
  findings: Findings,
  wording: Wording,
): void {
  const { count, start, kind, key, keys, values, outcome } = transactions;
  // By key: the transaction that read it last, and what it saw first; -2 once that was counted.
  const reader = new Int32Array(keys.length).fill(-1);
  const version = new Int32Array(keys.length);
  const updaterOfElement = new Int32Array(values.length).fill(-1);
  const updaterOfInitial = new Int32Array(keys.length).fill(-1);
  for (let txn = 0; txn < count; txn++) {
    if (outcome[txn] !== OK) continue;
    const end = start[txn + 1] ?? 0;
    for (let op = start[txn] ?? 0; op < end; op++) {
      const number = key[op] ?? 0;
      const fresh = reader[number] !== txn;
      if (kind[op] === READ) {
        if (!fresh) continue;
        reader[number] = txn;
        version[number] = seen[op] ?? -1;
        continue;
      }
      const read = fresh ? DONE : (version[number] ?? DONE);
      // A write before the first read: what is read afterwards is its own.
      reader[number] = txn;
      version[number] = DONE;
      if (read === DONE) continue;
      const updaters = read < 0 ? updaterOfInitial : updaterOfElement;
      const place = read < 0 ? number : read;
      const other = updaters[place] ?? -1;
      if (other < 0) {
        updaters[place] = txn;
        continue;
      }
      findings.add("lost-update", () => [
        `lost-update: two transactions updated one version of ${shown(keys[number])}`,
        `  T1 = ${wording.transaction(other)}`,
        `  T2 = ${wording.transaction(txn)}`,
      ]);
    }
  }
}

const DONE = -2;
