import { test } from "uvu";
import * as assert from "uvu/assert";
import { LogDamage } from "./log-damage.js";

/** A log whose last group begins at byte 100. */
function logOf(): LogDamage {
  const log = new LogDamage();
  log.onAppended(40);
  log.onAppended(100);
  return log;
}

test("a bit that turned in front of the last group must be noticed", () => {
  const log = logOf();
  log.onDamage("bit-flip", 99);
  assert.throws(() => log.onOpenedAsWhole(2), /r2 takes its log for whole.*byte 99/);
});

test("damage to the last group may look like its end, and so may a log that was cut", () => {
  for (const [how, at] of [
    ["bit-flip", 100],
    ["truncated", 50],
    ["torn", 90],
  ] as const) {
    const log = logOf();
    log.onDamage(how, at);
    log.onOpenedAsWhole(2);
  }
});

test("nothing is demanded where the last group may be gone already", () => {
  const log = logOf();
  log.onDamage("truncated", 50);
  log.onDamage("bit-flip", 45);
  log.onOpenedAsWhole(2);
});

test("nothing is demanded where what stood behind the bit that turned is gone, too (swarm seed 1110)", () => {
  const log = logOf();
  log.onDamage("bit-flip", 45);
  log.onDamage("truncated", 50);
  log.onOpenedAsWhole(2);
});

test.run();
