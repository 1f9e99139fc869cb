import { suite } from "uvu";
import * as assert from "uvu/assert";
import { drawPackages } from "./draw.js";
import type { FaultKind } from "./faults.js";
import { NEMESIS_PACKAGES, packagesOf } from "./packages.js";
import { createRandom } from "./random.js";
import { kindsOf } from "./schedule.js";

const test = suite("draw");
const EVERY_KIND = new Set(NEMESIS_PACKAGES.flatMap(({ kinds }) => kinds));
const draw = (seed: number, can: ReadonlySet<FaultKind> = EVERY_KIND, names = ["all"]) =>
  drawPackages(names, can, createRandom(seed));

test("a swarm has three to five kinds that the environment can do, and each seed its own", () => {
  const can = new Set<FaultKind>(["partition", "loss", "kill", "pause", "delay"]);
  const swarms = new Set<string>();
  const kinds = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const names = draw(seed, can);
    assert.ok(names.length >= 3 && names.length <= 5, names.join());
    assert.is(kindsOf(names).length, names.length);
    for (const kind of kindsOf(names)) kinds.add(kind);
    swarms.add([...names].sort().join());
    assert.equal(names, draw(seed, can), "the seed decides");
  }
  assert.equal([...kinds].sort(), [...can].sort());
  assert.ok(swarms.size > 50, `${swarms.size} different swarms`);
});

test("one package of a swarm ends or stops processes, for two would be in each other's way", () => {
  for (let seed = 0; seed < 300; seed++) {
    const held = kindsOf(draw(seed)).filter((kind) =>
      ["kill", "terminate", "pause"].includes(kind),
    );
    assert.ok(held.length <= 1, held.join());
  }
});

test("no swarm goes beyond f, or waits for what may not come", () => {
  for (let seed = 0; seed < 300; seed++) {
    for (const each of packagesOf(draw(seed))) {
      assert.not(each.beyondF === true || each.rare === true, each.name);
    }
  }
});

test("a swarm's losses may come in patterns, its delays in distributions", () => {
  const drawn = new Set(Array.from({ length: 300 }, (_, seed) => draw(seed)).flat());
  for (const name of ["loss", "burst-loss", "nth-loss", "delay", "long-tail"]) {
    assert.ok(drawn.has(name), name);
  }
});

test("names beside all stay, and without it nothing is drawn", () => {
  assert.equal(draw(1, EVERY_KIND, ["kill", "clock"]), ["kill", "clock"]);
  const names = draw(1, EVERY_KIND, ["crash-recover", "all"]);
  assert.is(names[0], "crash-recover");
  assert.ok(names.length > 3 && !names.includes("all"));
});

test("an environment that can do little has a small swarm", () => {
  assert.equal(kindsOf(draw(1, new Set<FaultKind>(["kill"]))), ["kill"]);
  assert.equal(draw(1, new Set()), []);
});

test.run();
