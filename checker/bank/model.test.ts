import { test } from "uvu";
import * as assert from "uvu/assert";
import type { BankOperation } from "./bank-operation.js";
import { answers, BALANCE_MAX, type Bank, perform, refuses, undo } from "./model.js";
import { randomOf } from "./simulate-bank.js";

function bankOf(balances: Readonly<Record<string, number>>): Bank {
  return new Map(
    Object.entries(balances).map(([account, balance]) => [
      account,
      { balance, amounts: balance === 0 ? [] : [balance] },
    ]),
  );
}

function balancesOf(bank: Bank): Record<string, number> {
  return Object.fromEntries([...bank].map(([account, { balance }]) => [account, balance]));
}

const MOVE: BankOperation = { kind: "move", from: "A", to: "B", amount: 30 };

test("each operation does what it says", () => {
  const bank = bankOf({ A: 100 });
  const performed: BankOperation[] = [
    { kind: "open", account: "B" },
    { kind: "deposit", account: "A", amount: 7 },
    { kind: "withdraw", account: "A", amount: 2 },
    MOVE,
    { kind: "balance", account: "A" },
  ];
  for (const operation of performed) assert.is(perform(bank, operation), true);
  assert.equal(balancesOf(bank), { A: 75, B: 30 });
  assert.equal(bank.get("A")?.amounts, [100, 7, -2, -30]);
  assert.equal(bank.get("B")?.amounts, [30]);
});

test("an account is empty or more, never less, and never above the bound", () => {
  assert.is(perform(bankOf({ A: 5 }), { kind: "withdraw", account: "A", amount: 5 }), true);
  assert.is(perform(bankOf({ A: 5 }), { kind: "withdraw", account: "A", amount: 6 }), false);
  const full = bankOf({ A: BALANCE_MAX - 1, B: 5 });
  assert.is(perform(full, { kind: "deposit", account: "A", amount: 2 }), false);
  assert.is(perform(full, { kind: "move", from: "B", to: "A", amount: 2 }), false);
  assert.is(perform(full, { kind: "move", from: "B", to: "A", amount: 1 }), true);
});

test("an operation that is refused changes nothing, and has a reason", () => {
  const reasons = ["no-such-account", "account-exists", "insufficient-funds", "overflow"];
  const random = randomOf(7);
  const pick = <T>(from: readonly [T, ...T[]]): T =>
    from[Math.floor(random() * from.length)] ?? from[0];
  let refused = 0;
  for (let round = 0; round < 2_000; round++) {
    const bank = bankOf({ A: pick([0, 5, BALANCE_MAX]), B: 5 });
    const before = balancesOf(bank);
    const amount = pick([1, 5, 6, BALANCE_MAX]);
    const account = pick(["A", "B", "C"]);
    const operation = pick<BankOperation>([
      { kind: "open", account },
      { kind: "deposit", account, amount },
      { kind: "withdraw", account, amount },
      { kind: "move", from: account, to: account === "A" ? "B" : "A", amount },
      { kind: "statement", account, limit: 3 },
    ]);
    const total = operation.kind === "deposit";
    const reason = reasons.find((refusal) => refuses(bank, operation, refusal));
    if (perform(bank, operation)) {
      // Only the sum of all accounts may be a reason that the account itself does not show.
      assert.ok(reason === undefined || (total && reason === "overflow"), `${reason}`);
      undo(bank, operation);
    } else {
      assert.ok(reason !== undefined, JSON.stringify(operation));
      refused += 1;
    }
    assert.equal(balancesOf(bank), before);
  }
  assert.ok(refused > 500);
});

test("a deposit overflows where the account, or all accounts together, would pass the bound", () => {
  const bank = bankOf({ A: BALANCE_MAX - 10, B: 5 });
  const overflows = (account: string, amount: number) =>
    refuses(bank, { kind: "deposit", account, amount }, "overflow");
  assert.equal([overflows("B", 5), overflows("B", 6)], [false, true]);
  const move: BankOperation = { kind: "move", from: "B", to: "A", amount: 5 };
  assert.is(refuses(bank, move, "overflow"), false);
  assert.is(refuses(bank, { ...move, amount: 11 }, "overflow"), true);
});

test("what is undone was never done", () => {
  const bank = bankOf({ A: 100 });
  const operations: BankOperation[] = [
    { kind: "open", account: "B" },
    MOVE,
    { ...MOVE, amount: 5 },
  ];
  for (const operation of operations) perform(bank, operation);
  for (const operation of operations.toReversed()) undo(bank, operation);
  assert.equal(bank, bankOf({ A: 100 }));
});

test("a statement is the newest postings, the count of all, and the balance", () => {
  const bank = bankOf({ A: 100 });
  perform(bank, { kind: "deposit", account: "A", amount: 5 });
  perform(bank, { kind: "withdraw", account: "A", amount: 3 });
  const says = (limit: number, balance: number, entryCount: number, amounts: readonly number[]) =>
    answers(
      bank,
      { kind: "statement", account: "A", limit },
      { kind: "ok", balance, entryCount, amounts },
    );
  assert.is(says(2, 102, 3, [5, -3]), true);
  assert.is(says(9, 102, 3, [100, 5, -3]), true);
  assert.is(says(2, 102, 3, [-3, 5]), false);
  assert.is(says(2, 102, 3, [100, 5]), false);
  assert.is(says(2, 102, 3, [-3]), false);
  assert.is(says(2, 102, 2, [5, -3]), false);
  assert.is(says(2, 100, 3, [5, -3]), false);
});

test.run();
