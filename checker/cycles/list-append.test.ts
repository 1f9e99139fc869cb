// Every anomaly: histories that show it, and near misses that do not.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkListAppend } from "./list-append.js";
import { LIST_CASES } from "./testing/list-cases.js";
import { transactionsFrom } from "./testing/notation.js";
import { transactionsOf } from "./transactions.js";

export function anomaliesOf(text: string): string[] {
  const transactions = transactionsOf(transactionsFrom(text), "list-append");
  return checkListAppend(transactions).anomalies.map(({ name }) => name);
}

for (const { claim, history, shows } of LIST_CASES) {
  test(claim, () => assert.equal(anomaliesOf(history), [...shows]));
}

test.run();
