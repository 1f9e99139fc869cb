import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { DelayQueue } from "./delay-queue.js";

test("a delay queue releases what is due like a stable sort does", () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ push: fc.integer({ min: 0, max: 20 }) }),
      fc.record({ popAt: fc.integer({ min: 0, max: 20 }) }),
    ),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(steps, (script) => {
      const queue = new DelayQueue<number>();
      let twin: { dueMs: number; value: number }[] = [];
      script.forEach((step, value) => {
        if ("push" in step) {
          queue.push(step.push, value);
          twin.push({ dueMs: step.push, value });
          twin = twin.toSorted((a, b) => a.dueMs - b.dueMs || a.value - b.value);
        } else {
          const first = twin[0];
          const expected = first !== undefined && first.dueMs <= step.popAt ? first : undefined;
          if (expected !== undefined) twin = twin.slice(1);
          assert.equal(queue.popDue(step.popAt), expected?.value);
        }
        assert.equal(queue.size, twin.length);
        assert.equal(queue.nextDueMs, twin[0]?.dueMs);
      });
    }),
  );
});

test.run();
