import { test } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "../nemesis/random.js";
import { type BankOp, bankOps, openingOps } from "./workload.js";

const OPTIONS = { accounts: 5, readShare: 0.5, refusedShare: 0.1 };

function draw(count: number, options = OPTIONS, seed = 7): BankOp[] {
  const next = bankOps(options, createRandom(seed));
  return Array.from({ length: count }, next);
}

test("a seed decides the operations", () => {
  assert.equal(draw(200), draw(200));
  assert.not.equal(draw(200), draw(200, OPTIONS, 8));
});

test("half of the operations read, all kinds occur, and some ought to be refused", () => {
  const ops = draw(8_000);
  const kinds = new Map<string, number>();
  for (const { f } of ops) kinds.set(f, (kinds.get(f) ?? 0) + 1);
  const reads = (kinds.get("balance") ?? 0) + (kinds.get("statement") ?? 0);
  assert.ok(Math.abs(reads - 4_000) < 400, `${reads} reads`);
  for (const f of ["balance", "statement", "deposit", "withdraw", "move", "open"]) {
    assert.ok((kinds.get(f) ?? 0) > 20, f);
  }
  assert.ok(ops.some(({ value }) => Object.values(value).includes("nobody")));
  const overdrafts = ops.filter(
    ({ f, value: { amount } }) => f === "withdraw" && Number(amount) > 2 ** 50,
  );
  assert.ok(overdrafts.length > 10);
  const amounts = ops.map(({ value }) => Number(value["amount"] ?? 1));
  for (const sign of [-1, 0]) assert.ok(amounts.some((amount) => Math.sign(amount) === sign));
  assert.ok(amounts.includes(Number.MAX_SAFE_INTEGER), "more than any balance can take");
  assert.ok(ops.some(({ f, value }) => f === "move" && value["from"] === value["to"]));
});

test("without a refused share, nothing names a missing account or asks for too much", () => {
  for (const { f, value } of draw(2_000, { ...OPTIONS, refusedShare: 0 })) {
    const { amount = 1 } = value;
    assert.not.equal(f, "open");
    assert.ok(!Object.values(value).includes("nobody"));
    assert.ok(Number(amount) <= 2 ** 32);
  }
});

test("amounts are wide and distinct, and moves join two accounts", () => {
  const amounts: number[] = [];
  for (const { f, value } of draw(2_000, { ...OPTIONS, refusedShare: 0 })) {
    const { from, to, amount } = value;
    if (f === "move") assert.is.not(from, to);
    if (typeof amount === "number") amounts.push(amount);
  }
  assert.is(new Set(amounts).size, amounts.length);
  assert.ok(Math.max(...amounts) > 2 ** 31);
  assert.ok(Math.min(...amounts) >= 1);
});

test("an account is opened with more than ordinary withdrawals take, far below the range", () => {
  const [open, deposit] = openingOps(3, createRandom(1));
  assert.is(open?.f, "open");
  const { account, amount } = { ...deposit?.value };
  assert.is(account, "a3");
  assert.ok(typeof amount === "number");
  assert.ok(amount >= 2 ** 40 && amount < 2 ** 41);
});

test.run();
