import { suite } from "uvu";
import * as assert from "uvu/assert";
import { burstChances, everyNth, nextInBurst } from "./link-loss.js";
import { createRandom } from "./random.js";

const test = suite("link-loss");

/** Share and mean length of the bursts of a long walk along the chain. */
function walk(percent: number, lengthMean: number) {
  const random = createRandom(9);
  const chances = burstChances({ percent, lengthMean });
  const steps = 200_000;
  let lost = 0;
  let bursts = 0;
  let inBurst = false;
  for (let step = 0; step < steps; step++) {
    const before = inBurst;
    inBurst = nextInBurst(inBurst, chances, random.float());
    if (inBurst) lost++;
    if (inBurst && !before) bursts++;
  }
  return { percent: (100 * lost) / steps, length: lost / bursts };
}

test("the chain loses the share that was asked, in bursts of the length that was asked", () => {
  for (const [percent, lengthMean] of [
    [5, 3],
    [20, 5],
    [30, 10],
    [50, 2],
  ] as const) {
    const found = walk(percent, lengthMean);
    assert.ok(
      Math.abs(found.percent - percent) < 0.1 * percent,
      `${found.percent} of ${percent} %`,
    );
    assert.ok(Math.abs(found.length - lengthMean) < 0.1 * lengthMean, `${found.length}`);
  }
});

test("bursts that are too short for so much loss are as short as can be", () => {
  const chances = burstChances({ percent: 90, lengthMean: 2 });
  assert.ok(Math.abs(chances.begins - 1) < 1e-9 && Math.abs(chances.ends - 1 / 9) < 1e-9);
  assert.equal(burstChances({ percent: 100, lengthMean: 4 }), { begins: 1, ends: 0 });
  assert.is(burstChances({ percent: 0, lengthMean: 4 }).begins, 0);
});

test("a percentage names its n-th", () => {
  assert.equal([100, 50, 10, 3, 60].map(everyNth), [1, 2, 10, 33, 2]);
  assert.is(everyNth(0), Number.POSITIVE_INFINITY);
});

test.run();
