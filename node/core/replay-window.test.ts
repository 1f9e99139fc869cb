import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { createReplayWindow, REPLAY_WINDOW, refusesReplay } from "./replay-window.js";

test("a counter is taken once, in any order within the window", () => {
  const window = createReplayWindow();
  for (const counter of [5, 3, 7, 4, 6]) assert.not.ok(refusesReplay(window, 1, counter));
  for (const counter of [3, 4, 5, 6, 7]) assert.ok(refusesReplay(window, 1, counter));
  assert.not.ok(refusesReplay(window, 1, 5 + REPLAY_WINDOW), "same bit as 5, one window later");
  assert.ok(refusesReplay(window, 1, 5), "now too old");
});

test("a new process of the peer starts a new window", () => {
  const window = createReplayWindow();
  assert.not.ok(refusesReplay(window, 1, 1_000_000));
  assert.not.ok(refusesReplay(window, 2, 0));
  assert.ok(refusesReplay(window, 2, 0));
});

test("the window agrees with a set that remembers everything", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3 * REPLAY_WINDOW), { maxLength: 300 }), (counters) => {
      const window = createReplayWindow();
      const seen = new Set<number>();
      for (const counter of counters) {
        const highest = seen.size === 0 ? -1 : Math.max(...seen);
        const expected = seen.has(counter) || counter <= highest - REPLAY_WINDOW;
        // Outside the window nothing is marked, so the twin does not remember it either.
        if (!expected) seen.add(counter);
        assert.is(refusesReplay(window, 9, counter), expected, `${counter} of ${counters}`);
      }
    }),
    { numRuns: 200 },
  );
});

test.run();
