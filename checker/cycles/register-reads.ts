// What reads of registers give away by themselves, or beside the writes they show.

import type { Findings } from "./findings.js";
import { INITIAL, OK, READ, type Transactions } from "./transactions.js";
import { shown, type Wording } from "./wording.js";
import type { Writers } from "./writers.js";

export function checkRegisterReads(
  transactions: Transactions,
  { writer, failed, intermediate }: Writers,
  findings: Findings,
  wording: Wording,
): void {
  const { count, start, kind, key, keys, element, values, outcome } = transactions;
  const owner = new Int32Array(keys.length).fill(-1);
  const state = new Int32Array(keys.length);
  // A register may begin with a value that nobody wrote, but with one only: nil, or the first seen.
  const begins = new Map<number, number>();
  for (let txn = 0; txn < count; txn++) {
    if (outcome[txn] !== OK) continue;
    for (let op = start[txn] ?? 0; op < (start[txn + 1] ?? 0); op++) {
      const [number, seen] = [key[op] ?? 0, element[op] ?? INITIAL];
      const expected = owner[number] === txn ? state[number] : undefined;
      owner[number] = txn;
      state[number] = seen;
      if (kind[op] !== READ) continue;
      const tell = (
        name: "internal" | "future-read" | "G1a" | "G1b" | "garbage-read",
        text: string,
        other: number,
      ) => {
        const value = seen === INITIAL ? "nil" : shown(values[seen]);
        findings.add(name, () => [
          `${name}: T1 read ${shown(keys[number])} as ${value}; ${text}${other < 0 ? "" : " T2"}`,
          `  T1 = ${wording.transaction(txn)}`,
          ...(other < 0 ? [] : [`  T2 = ${wording.transaction(other)}`]),
        ]);
      };
      if (expected !== undefined && expected !== seen) {
        const was = expected === INITIAL ? "nil" : shown(values[expected]);
        tell("internal", `it had itself read or written ${was} there just before`, -1);
      }
      const by = seen === INITIAL ? -1 : (writer[seen] ?? -1);
      const aborted = seen === INITIAL ? -1 : (failed[seen] ?? -1);
      if (by < 0 && aborted >= 0) tell("G1a", "it was written by what failed:", aborted);
      else if (by < 0) {
        const first = begins.get(number) ?? seen;
        begins.set(number, first);
        if (first !== seen) tell("garbage-read", "nobody wrote that, nor was it there first", -1);
      } else if (by === txn && expected === undefined) {
        tell("future-read", "it wrote that only later", -1);
      } else if (by !== txn && intermediate[seen] === 1) {
        tell("G1b", "that is not the last that was written there by", by);
      }
    }
  }
}
