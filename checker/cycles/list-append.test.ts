// Every anomaly: histories that show it, and near misses that do not.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { type AnomalyName, CYCLE_KINDS, CYCLE_ORDERS } from "./anomalies.js";
import { checkListAppend } from "./list-append.js";
import { LIST_CASES } from "./testing/list-cases.js";
import { transactionsFrom } from "./testing/notation.js";
import { REGISTER_CASES } from "./testing/register-cases.js";
import { transactionsOf } from "./transactions.js";

function anomaliesOf(text: string): string[] {
  const transactions = transactionsOf(transactionsFrom(text), "list-append");
  return checkListAppend(transactions).anomalies.map(({ name }) => name);
}

for (const { claim, history, shows } of LIST_CASES) {
  test(claim, () => assert.equal(anomaliesOf(history), [...shows]));
}

test("every anomaly has at least three histories that show it, and a near miss", () => {
  const cases = [...LIST_CASES, ...REGISTER_CASES];
  const direct: readonly AnomalyName[] = [
    "internal",
    "future-read",
    "G1a",
    "G1b",
    "dirty-update",
    "duplicate-elements",
    "incompatible-order",
    "garbage-read",
    "cyclic-versions",
    "lost-update",
  ];
  const cycles = CYCLE_ORDERS.flatMap((order) =>
    CYCLE_KINDS.map((kind): AnomalyName => `${kind}${order}`),
  );
  for (const name of [...direct, ...cycles]) {
    const count = cases.filter(({ shows }) => shows.includes(name)).length;
    assert.ok(count >= 3, `${name} has ${count}`);
    assert.ok(
      cases.some(({ misses }) => misses.includes(name)),
      `${name} has no near miss`,
    );
  }
});

test.run();
