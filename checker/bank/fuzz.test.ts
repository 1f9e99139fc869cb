// The checker's fast paths against the twin that tries every order.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { HistoryOp } from "../history.js";
import { pairOperations } from "../operations.js";
import { BankCase } from "./bank-case.js";
import { explicable } from "./brute-force.js";
import { corrupt } from "./corrupt.js";
import { blackBox, linearizable } from "./linearizable.js";
import { randomOf, simulate } from "./simulate-bank.js";

const small = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  operations: fc.integer({ min: 2, max: 9 }),
  accounts: fc.integer({ min: 1, max: 4 }),
  processes: fc.integer({ min: 2, max: 5 }),
  infoShare: fc.constantFrom(0, 0.1, 0.3),
  readShare: fc.constantFrom(0.3, 0.6),
  statementShare: fc.constantFrom(0.1, 0.6),
  amountMax: fc.constantFrom(1, 3, 2 ** 32),
  opened: fc.boolean(),
  steps: fc.integer({ min: 0, max: 3 }),
});

function withoutSeqs(history: readonly HistoryOp[]): HistoryOp[] {
  return history.map((op) => {
    // The seq of a refusal is what tells it from an operation that was never sent.
    const { seq: _, ...rest } = op;
    return op.type === "fail" ? op : rest;
  });
}

/** Whether the bank said anything with it. */
function wasAnswered({ type, seq }: HistoryOp): boolean {
  return type === "ok" || (type === "fail" && seq !== undefined);
}

test("fast paths and brute force agree on small random histories", () => {
  const counts = { true: 0, false: 0, unknown: 0 };
  const orders = new Map<unknown, number>();
  fc.assert(
    fc.property(small, ({ steps, ...options }) => {
      const record = simulate(options);
      const history = corrupt(record.history, steps, randomOf(options.seed));
      const expected = explicable(history);
      const views = [
        { history, ledgers: record.ledgers },
        { history, ledgers: [] },
        { history: withoutSeqs(history), ledgers: [] },
      ];
      for (const { history, ledgers } of views) {
        const bank = new BankCase(pairOperations(history), ledgers);
        for (const { valid, figures } of [linearizable(bank), blackBox(bank)]) {
          counts[`${valid}`] += 1;
          orders.set(figures?.["order"], (orders.get(figures?.["order"]) ?? 0) + 1);
          if (valid !== "unknown") assert.is(valid, expected);
          else assert.not(history.some(wasAnswered));
        }
      }
    }),
    { numRuns: 4_000, seed: 20_261_122 },
  );
  // The agreement is worth something only where both verdicts, and both paths, occur often.
  assert.ok(counts.true > 2_000, `only ${counts.true} valid`);
  assert.ok(counts.false > 1_000, `only ${counts.false} invalid`);
  for (const order of ["by ledger", "by seq", "inferred", "searched"]) {
    assert.ok((orders.get(order) ?? 0) > 1_000, `only ${orders.get(order)} ${order}`);
  }
});

test.run();
