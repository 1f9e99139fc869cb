import { test } from "uvu";
import * as assert from "uvu/assert";
import type { LedgerDump, LedgerEntry, RunRecord } from "../run-record.js";
import { agreement } from "./agreement.js";
import { runOf } from "./notation.js";

const RUN = runOf(`
  p0 0-1 open A -> ok @1
  p0 2-3 open B -> ok @2
  p0 4-5 deposit A 100 -> 100 @3
  p1 6-9 move A B 30 -> 70 30 @4
  p2 6-9 withdraw B 10 -> 20 @5
`);
const NOT_REACHED = { reached: false, detail: "r3 at seq 3" };

function withDump(change: (dump: LedgerDump) => Partial<LedgerDump>, run = RUN): RunRecord {
  const ledgers = run.ledgers.map((dump) =>
    dump.node === "r3" ? { ...dump, ...change(dump) } : dump,
  );
  return { ...run, ledgers };
}

function changed(index: number, change: Partial<LedgerEntry>): RunRecord {
  return withDump(({ entries }) => ({
    entries: entries.map((entry) => (entry.index === index ? { ...entry, ...change } : entry)),
  }));
}

/** r3 as it was at seq 3. */
const BEHIND = withDump(({ entries, accounts }) => ({
  seq: 3,
  digest: "digest 3",
  chain: "chain 3",
  entries: entries.slice(0, 3),
  accounts: accounts.map((row) => (row.id === "A" ? { ...row, balance: 100 } : row)),
}));

function rejects(name: string, run: RunRecord, mention: RegExp): void {
  test(`rejected: ${name}`, () => {
    const { valid, summary, explanation } = agreement(run);
    assert.is(valid, false);
    assert.match([summary, ...(explanation ?? [])].join("\n"), mention);
  });
}

test("accepted: identical ledgers", () => {
  const { valid, summary } = agreement(RUN);
  assert.is(valid, true);
  assert.is(summary, "4 ledgers are identical: 5 entries at seq 5");
});

rejects(
  "another amount",
  changed(3, { amount: 31 }),
  /different entries at index 3 \(the first 3 agree\)/,
);
rejects("another client", changed(2, { client: 1 }), /different entries at index 2/);
rejects("another seq", changed(4, { seq: 6 }), /different entries at index 4/);
rejects(
  "two entries in another order",
  withDump(({ entries }) => ({
    entries: [...entries.slice(0, 3), ...entries.slice(3).toReversed()],
  })),
  /different entries at index 3/,
);
rejects(
  "a balance that entries do not show",
  withDump(({ accounts }) => ({
    accounts: accounts.map((row) => (row.id === "A" ? { ...row, balance: 1 } : row)),
  })),
  /account A: r0 balance 70 \(Name A, Street\); r3 balance 1/,
);
rejects(
  "a name that entries do not show",
  withDump(({ accounts }) => ({ accounts: accounts.map((row) => ({ ...row, name: "Mallory" })) })),
  /r3 balance 70 \(Mallory, Street\)/,
);
rejects(
  "a session of its own",
  withDump(({ sessions }) => ({ sessions: sessions.slice(1) })),
  /session 16777216: r0 timestamp 3, seq 3, .*; r3 absent/,
);
rejects(
  "another cached result",
  withDump(({ sessions }) => ({
    sessions: sessions.map((row) => ({ ...row, resultDigest: "other" })),
  })),
  /r3 timestamp 3, seq 3, result other/,
);
rejects(
  "another digest of the same rows",
  withDump(() => ({ digest: "other" })),
  /digest: r0 digest 5; r3 other/,
);
rejects(
  "another chain of the same rows",
  withDump(() => ({ chain: "other" })),
  /chain: r0 chain 5; r3 other/,
);
rejects(
  "a replica behind after the cluster came to rest",
  BEHIND,
  /came to rest: r0 is at seq 5, r3 at 3/,
);
rejects(
  "a replica that did not catch up before the deadline",
  { ...BEHIND, quiescence: NOT_REACHED },
  /did not come to one state before the deadline \(r3 at seq 3\)[\s\S]*r3 lacks what r0 has from here on: entry 3, seq 4: move 30 from A to B/,
);
rejects(
  "a divergence before the deadline too",
  { ...changed(1, { credit: "C" }), quiescence: NOT_REACHED },
  /different entries at index 1/,
);

test("a divergence is shown row by row", () => {
  const { explanation } = agreement(changed(3, { amount: 31 }));
  assert.equal(explanation?.slice(2, 6), [
    "  both: entry 2, seq 3: deposit 100 from @cash to A, client 16777216 timestamp 3",
    "  r0: entry 3, seq 4: move 30 from A to B, client 16777217 timestamp 1",
    "  r3: entry 3, seq 4: move 31 from A to B, client 16777217 timestamp 1",
    "  both: entry 4, seq 5: withdraw 10 from B to @cash, client 16777218 timestamp 1",
  ]);
});

test("accepted: rows in another order are the same tables", () => {
  const run = withDump(({ accounts, sessions }) => ({
    accounts: accounts.toReversed(),
    sessions: sessions.toReversed(),
  }));
  assert.is(agreement(run).valid, true);
});

test("accepted: agreement reached although nobody saw it in time", () => {
  assert.is(agreement({ ...RUN, quiescence: NOT_REACHED }).valid, true);
});

test("unknown: a ledger of a correct replica is missing", () => {
  const { valid, summary } = agreement({ ...RUN, ledgers: RUN.ledgers.slice(0, 3) });
  assert.is(valid, "unknown");
  assert.match(summary, /the ledger of r3 is missing; the others agree/);
});

test("unknown: ledgers that agree on nothing", () => {
  const { valid, summary } = agreement(runOf("p0 0-1 open A -> ?"));
  assert.is(valid, "unknown");
  assert.is(summary, "the ledgers agree, but they are empty");
});

test("unknown: nothing to compare, or nobody waited for rest", () => {
  assert.is(agreement({ ...RUN, ledgers: [] }).valid, "unknown");
  const one = { ...RUN, ledgers: RUN.ledgers.slice(0, 1), correctReplicas: ["r0"] };
  assert.is(agreement(one).valid, "unknown");
  const { quiescence: _, ...unawaited } = BEHIND;
  assert.is(agreement(unawaited).valid, "unknown");
});

test.run();
