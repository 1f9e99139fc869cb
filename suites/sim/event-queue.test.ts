import { test } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "../../nemesis/random.js";
import { EventQueue } from "./event-queue.js";

test("events run by time, and at one moment in the order in which they were planned", () => {
  const random = createRandom(1);
  const queue = new EventQueue();
  const ran: [number, number][] = [];
  for (let index = 0; index < 500; index++) {
    const atUs = random.int(50);
    queue.at(atUs, () => ran.push([atUs, index]));
  }
  while (queue.step());
  const sorted = [...ran].sort(([a, i], [b, j]) => a - b || i - j);
  assert.equal(ran, sorted);
  assert.is(ran.length, 500);
});

test("what was cancelled does not run, and time does not pass for it", () => {
  const queue = new EventQueue();
  let ran = 0;
  const cancelled = queue.after(10, () => ran++);
  queue.after(5, () => ran++);
  queue.cancel(cancelled);
  while (queue.step());
  assert.is(ran, 1);
  assert.is(queue.nowUs, 5);
});

test("a moment in the past is now", () => {
  const queue = new EventQueue();
  const ran: number[] = [];
  queue.at(20, () => {
    queue.at(3, () => ran.push(queue.nowUs));
  });
  while (queue.step());
  assert.equal(ran, [20]);
});

test.run();
