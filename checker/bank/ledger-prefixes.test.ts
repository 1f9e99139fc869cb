import { test } from "uvu";
import * as assert from "uvu/assert";
import type { LedgerEntry } from "../run-record.js";
import { firstDivergence, LedgerPrefixes } from "./ledger-prefixes.js";
import { randomOf, simulate } from "./simulate-bank.js";

const ENTRIES = simulate({ operations: 300 }).ledgers[0]?.entries ?? [];

/** The first index at which one scan of both finds different entries. */
function scanned(a: readonly LedgerEntry[], b: readonly LedgerEntry[]): number | undefined {
  const common = Math.min(a.length, b.length);
  for (let index = 0; index < common; index++) {
    if (JSON.stringify(a[index]) !== JSON.stringify(b[index])) return index;
  }
  return undefined;
}

function halved(a: readonly LedgerEntry[], b: readonly LedgerEntry[]): number | undefined {
  const prefixes = new LedgerPrefixes();
  return firstDivergence(prefixes.of(a), prefixes.of(b));
}

test("halving finds the divergence that a scan finds", () => {
  assert.ok(ENTRIES.length > 100);
  const random = randomOf(5);
  for (let round = 0; round < 300; round++) {
    const other = ENTRIES.slice(0, Math.floor(random() * (ENTRIES.length + 1)));
    for (let change = Math.floor(random() * 3); change > 0; change--) {
      const at = Math.floor(random() * other.length);
      const entry = other[at];
      if (entry !== undefined) other[at] = { ...entry, amount: entry.amount + 1 };
    }
    assert.is(halved(ENTRIES, other), scanned(ENTRIES, other));
    assert.is(halved(other, ENTRIES), scanned(ENTRIES, other));
  }
});

test("every field of an entry counts, in its upper half, too", () => {
  const [first] = ENTRIES;
  if (first === undefined) throw new Error("the simulated ledger is empty");
  const others: Partial<LedgerEntry>[] = [
    { index: first.index + 1 },
    { seq: first.seq + 1 },
    { client: first.client + 2 ** 32 },
    { timestamp: first.timestamp + 2 ** 40 },
    { kind: "withdraw" },
    { debit: "someone else" },
    { credit: "someone else" },
    { amount: first.amount + 2 ** 50 },
  ];
  for (const other of others) assert.is(halved([first], [{ ...first, ...other }]), 0);
  assert.is(halved([first], [{ ...first }]), undefined);
});

test("a ledger that is only longer diverges nowhere", () => {
  assert.is(halved(ENTRIES, ENTRIES.slice(0, 7)), undefined);
  assert.is(halved(ENTRIES, []), undefined);
});

test.run();
