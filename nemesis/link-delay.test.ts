import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addDelays, type Delay, delayMsAt } from "./link-delay.js";
import { createRandom } from "./random.js";

const test = suite("link-delay");

function close(found: number, want: number, by: number): void {
  assert.ok(Math.abs(found - want) <= by, `found ${found}, want ${want} ± ${by}`);
}

test("quantiles are those of the distributions' tables", () => {
  const normal: Delay = { delayMs: 100, jitterMs: 10, distribution: "normal" };
  // Two-sided 50 %, 90 %, 95 %, 99 %, 99.9 % of the standard normal distribution.
  const table = [
    [0.75, 0.6744898],
    [0.95, 1.6448536],
    [0.975, 1.959964],
    [0.995, 2.5758293],
    [0.9995, 3.2905267],
  ] as const;
  for (const [share, deviations] of table) {
    close(delayMsAt(normal, share), 100 + 10 * deviations, 1e-4);
    close(delayMsAt(normal, 1 - share), 100 - 10 * deviations, 1e-4);
  }
  close(delayMsAt(normal, 0.5), 100, 1e-5);
  const exponential: Delay = { delayMs: 30, jitterMs: 20, distribution: "exponential" };
  close(delayMsAt(exponential, 0), 10, 1e-9);
  close(delayMsAt(exponential, 1 - Math.exp(-1)), 30, 1e-9);
  close(delayMsAt(exponential, 0.99), 10 + 20 * Math.log(100), 1e-9);
  assert.is(delayMsAt({ delayMs: 20, jitterMs: 10 }, 0.25), 15);
  assert.is(delayMsAt({ delayMs: 20, jitterMs: 0, distribution: "normal" }, 0.999), 20);
});

test("the mean and the spread of many draws are what was asked", () => {
  const random = createRandom(3);
  for (const distribution of ["uniform", "normal", "exponential"] as const) {
    const delay: Delay = { delayMs: 40, jitterMs: 10, distribution };
    const draws = Array.from({ length: 20_000 }, () => delayMsAt(delay, random.float()));
    const mean = draws.reduce((sum, each) => sum + each, 0) / draws.length;
    const spread = Math.sqrt(
      draws.reduce((sum, each) => sum + (each - mean) ** 2, 0) / draws.length,
    );
    close(mean, 40, 0.5);
    close(spread, distribution === "uniform" ? 10 / Math.sqrt(3) : 10, 0.5);
  }
});

test("nothing waits less than not at all, wherever the draw falls", () => {
  for (const distribution of ["uniform", "normal", "exponential"] as const) {
    for (const share of [0, 1e-12, 0.5, 1 - 1e-12]) {
      const waitMs = delayMsAt({ delayMs: 1, jitterMs: 50, distribution }, share);
      assert.ok(waitMs >= 0 && Number.isFinite(waitMs), `${distribution} at ${share}: ${waitMs}`);
    }
  }
});

test("delays add, and the wider one gives its shape", () => {
  const sum = addDelays(
    { delayMs: 10, jitterMs: 2 },
    { delayMs: 30, jitterMs: 5, distribution: "normal" },
  );
  assert.equal(sum, { delayMs: 40, jitterMs: 7, distribution: "normal" });
});

test.run();
