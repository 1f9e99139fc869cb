import { test } from "uvu";
import * as assert from "uvu/assert";
import { EventQueue } from "./event-queue.js";
import { SimClock } from "./sim-clock.js";

function rig() {
  const queue = new EventQueue();
  const clock = new SimClock(queue, (callback) => callback());
  /** Lets time pass to this moment, ms. */
  const passTo = (ms: number) => {
    queue.at(ms * 1_000, () => undefined);
    while (queue.nextUs !== undefined && queue.nextUs <= ms * 1_000) queue.step();
  };
  return { queue, clock, passTo };
}

test("a clock that strobes is never behind its last reading, and right after every period", () => {
  const { clock, passTo } = rig();
  clock.strobe(100);
  let last = clock.now();
  for (let ms = 5; ms <= 1_000; ms += 5) {
    passTo(ms);
    assert.ok(clock.now() >= last, `at ${ms} ms`);
    last = clock.now();
    if (ms % 100 === 0) assert.ok(Math.abs(last - ms) < 0.01, `${last} at ${ms} ms`);
    if (ms % 100 === 50) assert.ok(Math.abs(last - ms - 50) < 0.01, `${last} at ${ms} ms`);
  }
});

test("a timer of a strobing clock fires when its own clock says so; the cure ends the strobe", () => {
  const { clock, passTo, queue } = rig();
  clock.strobe(100);
  const fired: number[] = [];
  clock.after(90, () => fired.push(queue.nowUs / 1_000));
  passTo(200);
  assert.equal(fired, [45]); // Twice as fast for the first half of the period.
  clock.set(1, 0);
  const then = clock.now();
  passTo(777);
  assert.ok(Math.abs(clock.now() - then - 577) < 0.01);
});

test.run();
