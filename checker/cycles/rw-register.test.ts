import { test } from "uvu";
import * as assert from "uvu/assert";
import type { RegisterAssumptions } from "./register-versions.js";
import { checkRwRegister } from "./rw-register.js";
import { transactionsFrom } from "./testing/notation.js";
import { REGISTER_CASES } from "./testing/register-cases.js";
import { transactionsOf } from "./transactions.js";

function judged(text: string, assumptions: RegisterAssumptions = {}) {
  return checkRwRegister(transactionsOf(transactionsFrom(text), "rw-register"), assumptions);
}

for (const { claim, history, shows, assumptions } of REGISTER_CASES) {
  test(claim, () => {
    const names = judged(history, assumptions).anomalies.map(({ name }) => name);
    assert.equal(names, [...shows]);
  });
}

test("a cycle has a reason for every edge, and the source of each order of versions", () => {
  const { anomalies } = judged("x:=1 y:=1\n x=1 y=nil", {});
  assert.equal(anomalies[0]?.examples[0], [
    "G-single: a cycle of 2 transactions",
    "  T1 = op 1 (process 1001): read x as 1, read y as nil; ok",
    "  T2 = op 0 (process 1000): write 1 to x, write 1 to y; ok",
    "  T1 before T2 (rw) because T1 read y as nil, and T2 wrote 1, a later version (initial-state)",
    "  T2 before T1 (wr) because T1 read x as 1, which T2 wrote",
  ]);
});

test("values written twice leave it unknown whose write was read", () => {
  const { valid, causes } = judged("x:=1\n x:=1\n x=1");
  assert.is(valid, "unknown");
  assert.match(causes.join(), /1 was written to x more than once/);
});

test.run();
