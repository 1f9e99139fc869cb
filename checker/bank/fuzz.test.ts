// The fast paths against the slow exact ones; `npm run fuzz` goes on for as long as one likes.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { disagreement, trial } from "./testing/trial.js";

/** Runs trials; counts what the checks said, and where orders came from. */
function tally(size: "tiny" | "small", trials: number): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  for (let seed = 1; seed <= trials; seed++) {
    const result = trial(seed, size);
    assert.is(disagreement(result), undefined);
    count(`expected ${result.expected}`);
    for (const { valid, order } of result.found) {
      count(String(valid));
      count(order);
    }
  }
  return counts;
}

test("the fast paths and every possible order agree on tiny histories", () => {
  const counts = tally("tiny", 1_500);
  // The agreement is worth something only where both verdicts, and all paths, occur often.
  for (const what of ["true", "false", "by ledger", "by seq", "inferred", "searched"]) {
    assert.ok((counts.get(what) ?? 0) > 500, `only ${counts.get(what)} ${what}`);
  }
});

test("the fast paths and the exact search agree on small histories", () => {
  const counts = tally("small", 120);
  for (const what of ["expected true", "expected false"]) {
    assert.ok((counts.get(what) ?? 0) > 20, `only ${counts.get(what)} ${what}`);
  }
});

test.run();
