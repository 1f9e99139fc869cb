import { test } from "uvu";
import * as assert from "uvu/assert";
import { EventQueue } from "./event-queue.js";
import { SimClock } from "./sim-clock.js";

function run(queue: EventQueue): void {
  while (queue.step());
}

test("nothing that an ended process planned happens in the next one (swarm seed 1825)", () => {
  const queue = new EventQueue();
  const done: string[] = [];
  const clock = new SimClock(queue, (callback) => callback());
  clock.after(5, () => done.push("timer"));
  clock.soon(() => done.push("soon"));
  clock.cancelAll();
  clock.soon(() => done.push("soon of the next"));
  clock.after(5, () => done.push("timer of the next"));
  run(queue);
  assert.equal(done, ["soon of the next", "timer of the next"]);
});

test("timers follow a clock that is slow, fast, stands or jumps", () => {
  const firedAt = (rate: number, jumpMs: number): number | undefined => {
    const queue = new EventQueue();
    let at: number | undefined;
    const clock = new SimClock(queue, (callback) => callback());
    clock.after(100, () => {
      at = queue.nowUs / 1_000;
    });
    clock.set(rate, jumpMs);
    run(queue);
    return at;
  };
  assert.is(firedAt(1, 0), 100);
  assert.is(firedAt(2, 0), 50);
  assert.is(firedAt(0.5, 0), 200);
  assert.is(firedAt(1, 60), 40);
  assert.is(firedAt(1, 500), 0);
  assert.is(firedAt(0, 0), undefined);
});

test.run();
