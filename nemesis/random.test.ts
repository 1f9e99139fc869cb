import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom, type Random } from "./random.js";

const test = suite("random");
const seeds = fc.nat({ max: 2 ** 53 - 1 });
const draws = (random: Random, count: number) =>
  Array.from({ length: count }, () => random.int(2 ** 32));

test("the sequence of a seed is pinned", () => {
  const vectors: [number, number[], number, number][] = [
    [0, [1550426381, 2422637090, 3852495882, 1039895632], 0.8054435812964341, 8585521247143781],
    [1, [581925787, 2737704576, 1693854535, 1577297462], 0.9470733510221488, 6215601045133151],
    [42, [701865797, 1452016370, 2881487712, 2191334608], 0.9298716826974556, 2222438555394793],
    [
      2 ** 53 - 1,
      [2475114431, 2343726356, 3689876996, 3348319610],
      0.5763953593261931,
      3728335533428809,
    ],
  ];
  for (const [seed, words, float, forked] of vectors) {
    const random = createRandom(seed);
    assert.equal(draws(random, 4), words);
    assert.is(random.float(), float);
    assert.is(random.fork("link").int(2 ** 53 - 1), forked);
  }
});

test("a fork depends on its label and its origin, not on what was drawn before", () => {
  fc.assert(
    fc.property(seeds, fc.string(), fc.nat({ max: 20 }), (seed, label, drawn) => {
      const fresh = createRandom(seed);
      const used = createRandom(seed);
      draws(used, drawn);
      assert.equal(draws(used.fork(label), 4), draws(fresh.fork(label), 4));
    }),
  );
});

test("different seeds, labels and paths of labels give different sequences", () => {
  const seen = new Set<string>();
  const note = (random: Random) => seen.add(draws(random, 3).join());
  for (let seed = 0; seed < 500; seed++) note(createRandom(seed));
  for (let label = 0; label < 500; label++) note(createRandom(7).fork(`${label}`));
  for (const [first, second] of [
    ["ab", "c"],
    ["a", "bc"],
    ["", "abc"],
    ["abc", ""],
  ] as const) {
    note(createRandom(7).fork(first).fork(second));
  }
  note(createRandom(7).fork("abc"));
  assert.is(seen.size, 1005);
});

test("int is uniform: chi-square over bounds that divide no power of two", () => {
  for (const bound of [3, 7, 10, 100]) {
    const random = createRandom(11).fork(`${bound}`);
    const counts = new Array<number>(bound).fill(0);
    const drawn = bound * 1_000;
    for (let draw = 0; draw < drawn; draw++) {
      const value = random.int(bound);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    const chi = counts.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
    assert.ok(chi < bound + 5 * Math.sqrt(2 * bound), `bound ${bound}: chi-square ${chi}`);
  }
});

test("int stays inside its bound, up to 2^53 − 1, and refuses others", () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 1, max: 2 ** 53 - 1 }), (seed, bound) => {
      const value = createRandom(seed).int(bound);
      assert.ok(Number.isSafeInteger(value) && value >= 0 && value < bound);
    }),
  );
  for (const bound of [0, -1, 1.5, 2 ** 53, Number.NaN]) {
    assert.throws(() => createRandom(1).int(bound), /a bound is an integer/);
  }
  for (const seed of [-1, 0.5, 2 ** 53]) assert.throws(() => createRandom(seed), /a seed is/);
});

test("shuffle keeps the elements, reaches every order and leaves the list alone", () => {
  const items = [1, 2, 3, 4];
  const orders = new Set<string>();
  const random = createRandom(3);
  for (let draw = 0; draw < 1_000; draw++) {
    const shuffled = random.shuffle(items);
    assert.equal([...shuffled].sort(), items);
    orders.add(shuffled.join());
  }
  assert.is(orders.size, 24);
  assert.equal(items, [1, 2, 3, 4]);
});

test("chance, exponential and pick follow their distributions", () => {
  const random = createRandom(9);
  let hits = 0;
  let sum = 0;
  const picked = new Set<string>();
  for (let draw = 0; draw < 20_000; draw++) {
    if (random.chance(0.2)) hits++;
    sum += random.exponential(50);
    picked.add(random.pick(["a", "b", "c"]));
  }
  assert.ok(Math.abs(hits / 20_000 - 0.2) < 0.01, `chance 0.2 hit ${hits} of 20000`);
  assert.ok(Math.abs(sum / 20_000 - 50) < 2, `exponential mean ${sum / 20_000}`);
  assert.is(picked.size, 3);
  assert.throws(() => random.pick([]), /empty list/);
});

test.run();
