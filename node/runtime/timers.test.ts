import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Clock, Timers } from "./timers.js";

/** A clock that a test moves; `lateMs` is how long the process sleeps past each callback. */
function manualClock() {
  let now = 0;
  let waiting: { at: number; callback: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    after(delayMs, callback) {
      const entry = { at: now + delayMs, callback };
      waiting.push(entry);
      return () => {
        waiting = waiting.filter((other) => other !== entry);
      };
    },
    soon: (callback) => void setImmediate(callback),
  };
  const advanceTo = (time: number) => {
    now = time;
    const ready = waiting.filter((entry) => entry.at <= now);
    waiting = waiting.filter((entry) => entry.at > now);
    for (const entry of ready) entry.callback();
  };
  return { clock, advanceTo };
}

function harness() {
  const { clock, advanceTo } = manualClock();
  let wakes = 0;
  const timers = new Timers<"view" | "status">(clock, () => {
    wakes += 1;
  });
  return { timers, advanceTo, wakes: () => wakes };
}

test("a timer that fires is due once, when it is taken", () => {
  const { timers, advanceTo, wakes } = harness();
  timers.set("view", 100);
  advanceTo(99);
  assert.is(wakes(), 0);
  advanceTo(100);
  assert.is(wakes(), 1);
  assert.is(timers.takeDue(), "view");
  assert.is(timers.takeDue(), undefined);
});

test("a datagram seen between firing and taking may set or cancel the timer", () => {
  const { timers, advanceTo } = harness();
  timers.set("view", 100);
  timers.set("status", 100);
  advanceTo(100);
  timers.cancel("view");
  timers.set("status", 50);
  assert.is(timers.takeDue(), undefined);
  advanceTo(150);
  assert.is(timers.takeDue(), "status");
});

test("setting again replaces", () => {
  const { timers, advanceTo } = harness();
  timers.set("view", 100);
  advanceTo(60);
  timers.set("view", 100);
  advanceTo(110);
  assert.is(timers.takeDue(), undefined);
  advanceTo(160);
  assert.is(timers.takeDue(), "view");
});

test("a timer later than its own delay is armed again, once", () => {
  const { timers, advanceTo, wakes } = harness();
  timers.set("view", 100);
  advanceTo(5000);
  assert.is(wakes(), 0, "the process was suspended");
  advanceTo(5099);
  assert.is(wakes(), 0);
  advanceTo(9000);
  assert.is(timers.takeDue(), "view", "late again: then it is the machine that is slow");
});

test("a timer late by its own delay or less fires", () => {
  const { timers, advanceTo } = harness();
  timers.set("view", 100);
  advanceTo(200);
  assert.is(timers.takeDue(), "view");
});

test("cancelling all leaves nothing armed and nothing due", () => {
  const { timers, advanceTo, wakes } = harness();
  timers.set("view", 10);
  advanceTo(10);
  timers.set("status", 10);
  timers.cancelAll();
  advanceTo(100);
  assert.is(timers.takeDue(), undefined);
  assert.is(wakes(), 1);
});

test.run();
