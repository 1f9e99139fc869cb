import { test } from "uvu";
import * as assert from "uvu/assert";
import type { HistoryOp } from "../history.js";
import { pairOperations } from "../operations.js";
import type { LedgerEntry, RunRecord } from "../run-record.js";
import { durability } from "./durability.js";
import { runOf } from "./notation.js";

const RUN = runOf(`
  p0 0-1 open A -> ok @1
  p0 2-3 open B -> ok @2
  p0 4-5 deposit A 100 -> 100 @3
  p1 6-9 move A B 30 -> 70 30 @4
  p2 6-9 withdraw B 500 -> !insufficient-funds @5
  p3 6-9 deposit B 5 -> ? @6
  p4 6-9 deposit B 7 -> ?
  p5 6-9 deposit B 9 -> failed
`);

function judged(run: RunRecord) {
  return durability(pairOperations(run.history), run);
}

function withEntries(
  change: (entries: readonly LedgerEntry[]) => readonly LedgerEntry[],
): RunRecord {
  const ledgers = RUN.ledgers.map((dump) =>
    dump.node === "r2" ? { ...dump, entries: change(dump.entries) } : dump,
  );
  return { ...RUN, ledgers };
}

/** As if the operation with this seq (or of this process) had left one more entry. */
function entryOf(process: number, change: Partial<LedgerEntry>): LedgerEntry {
  const client = 256 * 65536 + process;
  const deposit = { kind: "deposit" as const, debit: "@cash", credit: "B" };
  return { index: 5, seq: 7, client, timestamp: 1, ...deposit, amount: 5, ...change };
}

function changed(index: number, change: Partial<LedgerEntry>): RunRecord {
  return withEntries((entries) =>
    entries.map((entry) => (entry.index === index ? { ...entry, ...change } : entry)),
  );
}

function rejects(name: string, run: RunRecord, mention: RegExp): void {
  test(`rejected: ${name}`, () => {
    const { valid, explanation } = judged(run);
    assert.is(valid, false);
    assert.match((explanation ?? []).join("\n"), mention);
  });
}

test("accepted: every acknowledged write once in every ledger", () => {
  const { valid, summary } = judged(RUN);
  assert.is(valid, true);
  assert.match(summary, /each of 4 acknowledged writes stands exactly once in 4 ledgers/);
});

// Lost.
for (const index of [0, 2, 3]) {
  rejects(
    `an acknowledged write is gone, index ${index}`,
    withEntries((entries) => entries.filter((entry) => entry.index !== index)),
    /acknowledged, but not in the ledger of r2: op \d+ .*client \d+ timestamp \d+/,
  );
}

// Twice.
rejects(
  "a write stands twice",
  withEntries((entries) => [...entries, { ...entryOf(0, {}), timestamp: 3 }]),
  /r2 applied one request twice: entry 2 .* and entry 5/,
);
rejects(
  "a write of unknown outcome stands twice",
  withEntries((entries) => [...entries, entryOf(3, {})]),
  /applied one request twice/,
);
rejects(
  "an opening stands twice",
  withEntries((entries) => [...entries, { ...(entries[0] ?? entryOf(0, {})), index: 5 }]),
  /applied one request twice/,
);

// Not asked for, or not to be there.
rejects(
  "an entry of a client that nobody knows",
  withEntries((entries) => [...entries, entryOf(77, {})]),
  /r2 holds what nobody asked for: entry 5 \(deposit 5 from @cash to B, seq 7, client 16777293/,
);
rejects(
  "an entry with a timestamp that was never sent",
  withEntries((entries) => [...entries, entryOf(3, { timestamp: 9 })]),
  /holds what nobody asked for/,
);
rejects(
  "a refused write stands there",
  withEntries((entries) => [
    ...entries,
    entryOf(2, { kind: "withdraw", debit: "B", credit: "@cash", amount: 500 }),
  ]),
  /stands for an operation that failed: op/,
);
rejects(
  "a failed write stands there",
  withEntries((entries) => [...entries, entryOf(5, { amount: 9 })]),
  /stands for an operation that failed: op/,
);

// Altered.
rejects("another amount", changed(3, { amount: 31 }), /is not what was asked for: op/);
rejects(
  "another account",
  changed(3, { credit: "A", debit: "B" }),
  /is not what was asked for: op/,
);
rejects(
  "another kind",
  changed(2, { kind: "withdraw", debit: "A", credit: "@cash" }),
  /is not what was asked for/,
);
rejects(
  "another seq than the reply",
  changed(3, { seq: 5 }),
  /has another seq than the reply to op/,
);

test("accepted: a write of unknown outcome may stand there or not", () => {
  const without = withEntries((entries) => entries.filter(({ seq }) => seq !== 6));
  assert.is(judged(without).valid, true);
  const late = withEntries((entries) => [...entries, entryOf(4, { amount: 7 })]);
  assert.is(judged(late).valid, true);
});

test("a write that nobody could identify may stand there as often as it was sent, and no more", () => {
  const anonymous = RUN.history.map((op): HistoryOp => {
    if (op.process !== 4) return op;
    const { client: _, timestamp: __, ...rest } = op;
    return rest;
  });
  const withDeposits = (count: number) => {
    const run = withEntries((entries) => [
      ...entries,
      ...Array.from({ length: count }, (_, index) => entryOf(4, { amount: 7, timestamp: index })),
    ]);
    return judged({ ...run, history: anonymous }).valid;
  };
  assert.is(withDeposits(1), true);
  assert.is(withDeposits(2), false);
});

test("unknown: a ledger is missing, or no write was acknowledged", () => {
  const fewer = { ...RUN, ledgers: RUN.ledgers.slice(1) };
  const { valid, summary } = judged(fewer);
  assert.is(valid, "unknown");
  assert.match(summary, /the ledger of r0 is missing/);
  assert.is(judged(runOf("p0 0-1 open A -> ?")).valid, "unknown");
  assert.is(judged({ ...RUN, ledgers: [] }).valid, "unknown");
});

test.run();
