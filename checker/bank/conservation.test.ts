import { test } from "uvu";
import * as assert from "uvu/assert";
import { pairOperations } from "../operations.js";
import type { LedgerDump, LedgerEntry, RunRecord } from "../run-record.js";
import { conservation } from "./conservation.js";
import { runOf } from "./notation.js";

const RUN = runOf(`
  p0 0-1 open A -> ok @1
  p0 2-3 open B -> ok @2
  p0 4-5 deposit A 100 -> 100 @3
  p1 6-9 move A B 30 -> 70 30 @4
  p2 6-9 withdraw B 10 -> 20 @5
  p1 20-21 balance A -> 70 @6
  p1 22-23 balance B -> 20 @7
`);

function judged(run: RunRecord) {
  return conservation(pairOperations(run.history), run);
}

/** The run with one ledger changed. */
function withDump(node: string, change: (dump: LedgerDump) => Partial<LedgerDump>): RunRecord {
  const ledgers = RUN.ledgers.map((dump) =>
    dump.node === node ? { ...dump, ...change(dump) } : dump,
  );
  return { ...RUN, ledgers };
}

function withEntry(index: number, change: Partial<LedgerEntry>): RunRecord {
  return withDump("r2", ({ entries }) => ({
    entries: entries.map((entry) => (entry.index === index ? { ...entry, ...change } : entry)),
  }));
}

function withBalance(account: string, balance: number): RunRecord {
  return withDump("r1", ({ accounts }) => ({
    accounts: accounts.map((row) => (row.id === account ? { ...row, balance } : row)),
  }));
}

function rejects(name: string, run: RunRecord, mention: RegExp): void {
  test(`rejected: ${name}`, () => {
    const { valid, explanation } = judged(run);
    assert.is(valid, false);
    assert.match((explanation ?? []).join("\n"), mention);
  });
}

test("accepted: deposits less withdrawals are the total", () => {
  const { valid, figures } = judged(RUN);
  assert.is(valid, true);
  assert.equal(figures, {
    ledgers: 4,
    deposits: 100,
    withdrawals: 10,
    total: 90,
    "reads compared": 2,
  });
});

rejects(
  "money from nothing in an account",
  withBalance("A", 71),
  /r1: account A has 71, but its entries make 70/,
);
rejects(
  "money lost from an account",
  withBalance("B", 0),
  /r1: all balances together are 70, but 90 was put in/,
);
rejects(
  "cash that does not balance",
  withBalance("@cash", -91),
  /r1: @cash has -91, but all others together have 90/,
);
rejects(
  "an account that no entry opened",
  withDump("r1", ({ accounts }) => ({
    accounts: [...accounts, { id: "C", name: "", address: "", balance: 0 }],
  })),
  /account C has 0, but its entries make no such account/,
);
rejects(
  "an account that is gone",
  withDump("r1", ({ accounts }) => ({ accounts: accounts.filter(({ id }) => id !== "A") })),
  /account A has no row, but its entries make 70/,
);
rejects(
  "an account that is there twice",
  withDump("r1", ({ accounts }) => ({ accounts: [...accounts, ...accounts.slice(0, 1)] })),
  /an account is there twice/,
);
rejects("an overdraft in between", withEntry(3, { amount: 130 }), /entry 3 leaves A at -30/);
rejects("an entry of nothing", withEntry(2, { amount: 0 }), /entry 2 has no positive amount/);
rejects("an entry of a fraction", withEntry(2, { amount: 0.5 }), /entry 2 has no positive amount/);
rejects(
  "an opening that moves money",
  withEntry(0, { amount: 5 }),
  /entry 0 opens an account and moves money/,
);
rejects(
  "an account opened twice",
  withEntry(1, { credit: "A" }),
  /entry 1 opens an account that is open/,
);
rejects(
  "a deposit out of an account",
  withEntry(2, { debit: "B" }),
  /entry 2 has the wrong parties/,
);
rejects("a move to nowhere", withEntry(3, { credit: "X" }), /entry 3 names X, which is not open/);
rejects("a gap in the indexes", withEntry(4, { index: 5 }), /entry 4 has index 5/);
rejects(
  "a seq that goes back",
  withEntry(4, { seq: 2 }),
  /entry 4 has a seq below the one before it, 4/,
);
rejects(
  "a read that the ledger contradicts",
  runOf(`
    p0 0-1 open A -> ok @1
    p0 2-3 deposit A 100 -> 100 @2
    p1 4-5 balance A -> 101 @3`),
  /r0 had 100 in A at seq 3, not 101: op 4/,
);
rejects(
  "a read of an account before the ledger opened it",
  runOf(`
    p1 4-5 balance A -> 0 @1
    p0 6-7 open A -> ok @2`),
  /r0 had no account in A at seq 1, not 0/,
);

test("accepted: a read inside the batch that changed what it read", () => {
  for (const balance of [100, 70, 75]) {
    const run = runOf(`
      p0 0-1 open A -> ok @1
      p0 2-3 deposit A 100 -> 100 @2
      p1 4-9 withdraw A 30 -> 70 @3
      p2 4-9 deposit A 5 -> 75 @3
      p3 4-9 balance A -> ${balance} @3`);
    assert.is(judged(run).valid, true);
  }
});

test("accepted: more was paid in, over time, than a number can count", () => {
  const full = 2 ** 53 - 1;
  const lines = Array.from({ length: 5 }, (_, round) => {
    const [time, seq] = [10 * round, 2 * round + 2];
    return `p0 ${time + 2}-${time + 3} deposit A ${full - round} -> ${full - round} @${seq}
            p0 ${time + 4}-${time + 5} withdraw A ${full - round} -> 0 @${seq + 1}`;
  });
  const { valid, summary } = judged(runOf(["p0 0-1 open A -> ok @1", ...lines].join("\n")));
  assert.is(valid, true);
  assert.match(summary, /45035996273704945 deposited less 45035996273704945 withdrawn/);
});

test("unknown: no ledger, or nothing in it", () => {
  assert.is(judged(runOf("p0 0-1 open A -> ?")).valid, "unknown");
  assert.is(judged({ ...RUN, ledgers: [] }).valid, "unknown");
});

test.run();
