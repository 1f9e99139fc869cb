import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { NodeName } from "./faults.js";
import {
  bridge,
  completeGrudge,
  cutClients,
  deafen,
  type Grudge,
  heardBy,
  isolate,
  linksOfGrudge,
  majoritiesRing,
  mute,
  splitHalves,
  stochasticRing,
} from "./grudge.js";
import { createRandom } from "./random.js";

const test = suite("grudge");
const SIZES = [4, 7, 10];
const replicas = (n: number): NodeName[] => Array.from({ length: n }, (_, index) => `r${index}`);
const heard = (node: NodeName, nodes: readonly NodeName[], grudge: Grudge) =>
  [...heardBy(node, nodes, grudge)].sort();
const mutual = (nodes: readonly NodeName[], grudge: Grudge) =>
  nodes.every((a) =>
    nodes.every((b) => heardBy(a, nodes, grudge).has(b) === heardBy(b, nodes, grudge).has(a)),
  );

for (const n of SIZES) {
  const nodes = replicas(n);

  test(`isolate at n = ${n}: the one hears only itself, the others all but it`, () => {
    const grudge = isolate(["r1"], nodes);
    assert.equal(heard("r1", nodes, grudge), ["r1"]);
    for (const other of nodes.filter((node) => node !== "r1")) {
      assert.equal(heard(other, nodes, grudge), nodes.filter((node) => node !== "r1").sort());
    }
    assert.is(linksOfGrudge(grudge).length, 2 * (n - 1));
  });

  test(`isolate at n = ${n}: a group stays connected inside`, () => {
    const grudge = isolate(["r0", "r2"], nodes);
    assert.equal(heard("r0", nodes, grudge), ["r0", "r2"]);
    assert.equal(heard("r2", nodes, grudge), ["r0", "r2"]);
    assert.is(heardBy("r1", nodes, grudge).size, n - 2);
  });

  test(`halves at n = ${n}: two sides that differ by at most one and hear only themselves`, () => {
    const [smaller, larger] = splitHalves(nodes);
    assert.equal([...smaller, ...larger], nodes);
    assert.is(smaller.length, Math.floor(n / 2));
    const grudge = completeGrudge([smaller, larger]);
    for (const node of smaller) assert.equal(heard(node, nodes, grudge), [...smaller].sort());
    for (const node of larger) assert.equal(heard(node, nodes, grudge), [...larger].sort());
    assert.is(linksOfGrudge(grudge).length, 2 * smaller.length * larger.length);
  });

  test(`bridge at n = ${n}: the first node hears all, the sides only themselves and it`, () => {
    const grudge = bridge(nodes);
    assert.is(heardBy("r0", nodes, grudge).size, n);
    const [left, right] = splitHalves(nodes.slice(1));
    for (const node of left) assert.equal(heard(node, nodes, grudge), ["r0", ...left].sort());
    for (const node of right) assert.equal(heard(node, nodes, grudge), ["r0", ...right].sort());
    assert.ok(mutual(nodes, grudge));
  });

  test(`majorities ring at n = ${n}: each hears a majority, no two the same`, () => {
    const sizes: Record<number, number> = { 4: 3, 7: 5, 10: 6 };
    for (let seed = 0; seed < 20; seed++) {
      const grudge = majoritiesRing(nodes, createRandom(seed));
      const views = nodes.map((node) => heard(node, nodes, grudge));
      for (const view of views) assert.is(view.length, sizes[n]);
      assert.is(new Set(views.map((view) => view.join())).size, n);
      assert.ok(mutual(nodes, grudge));
    }
  });

  test(`one-way at n = ${n}: the deaf are heard, the mute hear`, () => {
    const deaf = deafen(["r1"], nodes);
    const silent = mute(["r1"], nodes);
    assert.equal(heard("r1", nodes, deaf), ["r1"]);
    assert.is(heardBy("r1", nodes, silent).size, n);
    for (const other of nodes.filter((node) => node !== "r1")) {
      assert.is(heardBy(other, nodes, deaf).size, n);
      assert.not(heardBy(other, nodes, silent).has("r1"));
    }
    assert.is(linksOfGrudge(deaf).length, n - 1);
    assert.is(linksOfGrudge(silent).length, n - 1);
  });

  test(`cut clients at n = ${n}: replicas hear each other, clients hear each other, no more`, () => {
    const clients = ["c0", "c1"];
    const everybody = [...nodes, ...clients];
    const grudge = cutClients(clients, nodes);
    for (const node of nodes) assert.equal(heard(node, everybody, grudge), [...nodes].sort());
    for (const client of clients) assert.equal(heard(client, everybody, grudge), clients);
  });
}

test("a majorities ring of any size: a majority each, one more at most, all different", () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 31 }), fc.nat(), (n, seed) => {
      const nodes = replicas(n);
      const grudge = majoritiesRing(nodes, createRandom(seed));
      const majority = Math.floor(n / 2) + 1;
      const views = nodes.map((node) => heard(node, nodes, grudge));
      for (const view of views) assert.ok(view.length >= majority && view.length <= majority + 1);
      assert.is(new Set(views.map((view) => view.join())).size, n);
      assert.ok(mutual(nodes, grudge));
    }),
    { numRuns: 60 },
  );
});

test("a stochastic ring of any size: a majority each, mutual, and something is cut", () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 31 }), fc.nat(), (n, seed) => {
      const nodes = replicas(n);
      const grudge = stochasticRing(nodes, createRandom(seed));
      for (const node of nodes) {
        assert.ok(
          heardBy(node, nodes, grudge).size >= Math.floor(n / 2) + 1,
          `${n} nodes: ${node}`,
        );
      }
      assert.ok(mutual(nodes, grudge));
      assert.ok(linksOfGrudge(grudge).length > 0);
    }),
    { numRuns: 60 },
  );
});

test("no grudge makes a node refuse itself, and links name each refusal once", () => {
  const nodes = replicas(7);
  const shapes = [
    isolate(["r3"], nodes),
    bridge(nodes),
    majoritiesRing(nodes, createRandom(1)),
    stochasticRing(nodes, createRandom(1)),
    deafen(["r1", "r2"], nodes),
    mute(["r1", "r2"], nodes),
  ];
  for (const grudge of shapes) {
    const links = linksOfGrudge(grudge);
    const keys = links.map((link) => `${link.from}>${link.to}`);
    assert.ok(links.length > 0);
    assert.is(new Set(keys).size, keys.length);
    for (const link of links) {
      assert.ok(link.drop);
      assert.is.not(link.from, link.to);
    }
  }
});

test("small rings and empty bridges cut nothing", () => {
  assert.is(majoritiesRing(replicas(3), createRandom(1)).size, 0);
  assert.is(bridge([]).size, 0);
});

test.run();
