import { test } from "uvu";
import * as assert from "uvu/assert";
import type { LedgerDump, RunRecord } from "../../checker/run-record.js";
import { syntheticRun } from "../testing/synthetic-run.js";
import { firstDivergence, ledgersSection } from "./ledgers-section.js";

function recordOf(valid: boolean): RunRecord {
  return syntheticRun({ operations: 10, processes: 2, valid, text: "Ada" }).record;
}

function cut(ledger: LedgerDump, count: number): LedgerDump {
  return { ...ledger, entries: ledger.entries.slice(0, count) };
}

test("the first divergence is the first entry that not all have, or not all have alike", () => {
  const same = recordOf(true).ledgers;
  assert.is(firstDivergence(same), undefined);
  assert.is(firstDivergence(recordOf(false).ledgers), 3);
  assert.is(
    firstDivergence(same.map((ledger, index) => (index === 1 ? cut(ledger, 2) : ledger))),
    2,
  );
  assert.is(firstDivergence([]), undefined);
});

test("only what differs from the majority is marked", () => {
  assert.not.match(ledgersSection(recordOf(true)).text, "differs");
  const marked = ledgersSection(recordOf(false)).text.match(/class="number differs">≠ [^<]*/g);
  assert.equal(
    marked?.map((cell) => cell.replace(/^.*≠ /, "")),
    ["", "", "1,000,090", "move 17 a1 → a2, seq 13, client 16777216 at 3", "90"],
  );
});

test("a correct replica without a ledger is named", () => {
  const record = recordOf(true);
  const text = ledgersSection({ ...record, ledgers: record.ledgers.slice(1) }).text;
  assert.match(text, "No ledger was read from r0.");
});

test("an account that one replica lacks is shown as absent there", () => {
  const { ledgers, ...record } = recordOf(true);
  const lacking = ledgers.map((ledger, index) => {
    return index === 3 ? { ...ledger, accounts: ledger.accounts.slice(1) } : ledger;
  });
  const text = ledgersSection({ ...record, ledgers: lacking }).text;
  assert.match(text, "≠ absent");
  assert.match(text, "2 accounts, 1 not alike (shown first)");
});

test.run();
