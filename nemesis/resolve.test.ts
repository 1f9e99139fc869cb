import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { describeFault } from "./describe.js";
import type { ClusterView, FaultIntent, LinkScope, NodeName, Target } from "./faults.js";
import type { LossPattern } from "./link-loss.js";
import { createRandom } from "./random.js";
import { resolveFault, resolveTarget } from "./resolve.js";

const test = suite("resolve");

function clusterOf(f: number, primary: NodeName | undefined = "r1"): ClusterView {
  const replicas = Array.from({ length: 3 * f + 1 }, (_, index) => `r${index}`);
  return { replicas, clients: ["c0", "c1"], f, primary };
}

test("targets mean what they say, at f = 1, 2, 3", () => {
  for (const f of [1, 2, 3]) {
    const view = clusterOf(f);
    const sizes: [Target["kind"] & ("one" | "f" | "minority" | "majority" | "all"), number][] = [
      ["one", 1],
      ["f", f],
      ["minority", f],
      ["majority", 2 * f + 1],
      ["all", 3 * f + 1],
    ];
    for (let seed = 0; seed < 20; seed++) {
      const random = createRandom(seed);
      for (const [kind, size] of sizes) {
        const nodes = resolveTarget({ kind }, view, random);
        assert.is(new Set(nodes).size, size, `${kind} at f = ${f}`);
        for (const node of nodes) assert.ok(view.replicas.includes(node));
      }
      assert.equal(resolveTarget({ kind: "primary" }, view, random), ["r1"]);
      assert.not.equal(resolveTarget({ kind: "backup" }, view, random), ["r1"]);
      assert.equal(resolveTarget({ kind: "none" }, view, random), []);
    }
  }
});

test("every replica is some seed's one, and the primary falls back to one while unknown", () => {
  const view = { ...clusterOf(1), primary: undefined };
  const ones = new Set<string>();
  const primaries = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    ones.add(resolveTarget({ kind: "one" }, view, createRandom(seed)).join());
    primaries.add(resolveTarget({ kind: "primary" }, view, createRandom(seed)).join());
  }
  assert.equal([...ones].sort(), view.replicas);
  assert.equal([...primaries].sort(), view.replicas);
});

test("next primary, laggard and clients: who they are, and any replica where that is not known", () => {
  const view = { ...clusterOf(1, "r3"), laggard: "r2" };
  const meant = (kind: "next-primary" | "laggard" | "clients", seed = 1, of: ClusterView = view) =>
    resolveTarget({ kind }, of, createRandom(seed));
  assert.equal(meant("next-primary"), ["r0"]);
  assert.equal(meant("laggard"), ["r2"]);
  assert.equal(meant("clients"), ["c0", "c1"]);
  const blind = { ...clusterOf(1), primary: undefined };
  const seeds = Array.from({ length: 60 }, (_, seed) => seed);
  for (const kind of ["next-primary", "laggard"] as const) {
    const found = new Set(seeds.flatMap((seed) => meant(kind, seed, blind)));
    assert.equal([...found].sort(), view.replicas);
  }
});

test("a minority-third is one to a third of the replicas, never a third of them", () => {
  const sizes = new Set<number>();
  for (let seed = 0; seed < 60; seed++) {
    const nodes = resolveTarget({ kind: "minority-third" }, clusterOf(3), createRandom(seed));
    sizes.add(nodes.length);
  }
  assert.equal([...sizes].sort(), [1, 2, 3]);
});

test("clients are the target of links, not of what is done to replicas", () => {
  const target: Target = { kind: "clients" };
  const loss = resolveFault(
    "f0",
    { kind: "loss", percent: 9, target },
    clusterOf(1),
    createRandom(1),
  );
  assert.equal(loss.nodes, ["c0", "c1"]);
  assert.is(loss.links.length, 8);
  assert.throws(
    () => resolveFault("f0", { kind: "kill", target }, clusterOf(1), createRandom(1)),
    /kill is done to replicas/,
  );
});

test("named nodes must exist; the message names the unknown and the known", () => {
  const view = clusterOf(1);
  const named: Target = { kind: "nodes", nodes: ["c1", "r2"] };
  assert.equal(resolveTarget(named, view, createRandom(1)), ["r2", "c1"]);
  assert.throws(
    () => resolveTarget({ kind: "nodes", nodes: ["r9"] }, view, createRandom(1)),
    /r9, but the cluster has r0, r1, r2, r3, c0, c1/,
  );
});

test("isolating the primary cuts it off from clients too", () => {
  const fault = resolveFault("f0", isolatePrimary, clusterOf(1), createRandom(1));
  assert.equal(fault.nodes, ["r1"]);
  assert.is(fault.links.length, 10);
  for (const link of fault.links) {
    assert.ok(link.drop && (link.from === "r1") !== (link.to === "r1"));
  }
  assert.is(describeFault(fault), "partition isolate primary → r1");
});

test("halves, bridge and ring cut replicas only, and halves put their target in the smaller", () => {
  const view = clusterOf(2);
  for (const shape of ["halves", "bridge", "majorities-ring"] as const) {
    const intent: FaultIntent = { kind: "partition", shape, target: { kind: "primary" } };
    const { nodes, links } = resolveFault("f0", intent, view, createRandom(5));
    for (const { from, to } of links) assert.ok(from.startsWith("r") && to.startsWith("r"));
    assert.ok(links.length > 0);
    if (shape === "halves") {
      assert.is(nodes.length, 3);
      assert.ok(nodes.includes("r1"));
    }
    if (shape === "bridge") assert.equal(nodes, ["r1"]);
  }
});

test("a majority cuts f off, in turn all of them, or those that are named", () => {
  for (const f of [1, 2]) {
    const view = clusterOf(f);
    const restAt = (turn: number) =>
      resolveFault(
        "f0",
        { kind: "partition", shape: "majority", target: { kind: "none" }, turn },
        view,
        createRandom(1),
      );
    const rests = Array.from({ length: view.replicas.length }, (_, turn) => restAt(turn).nodes);
    for (const rest of rests) assert.is(rest.length, f);
    assert.equal(new Set(rests.flat()).size, view.replicas.length);
    assert.is(restAt(0).links.length, 2 * f * (2 * f + 1));
  }
  const named: FaultIntent = {
    kind: "partition",
    shape: "majority",
    target: { kind: "nodes", nodes: ["r3"] },
  };
  const fault = resolveFault("f0", named, clusterOf(1), createRandom(1));
  assert.is(describeFault(fault), "partition majority r3 → r3 | r0,r1,r2");
});

test("a primary in part loses f+1 replicas and keeps the others and the clients", () => {
  for (const f of [1, 2, 3]) {
    const intent: FaultIntent = {
      kind: "partition",
      shape: "primary-partial",
      target: { kind: "primary" },
    };
    const { nodes, links } = resolveFault("f0", intent, clusterOf(f), createRandom(3));
    assert.equal(nodes, ["r1"]);
    assert.is(links.filter(({ from, to }) => from === "r1" && to.startsWith("r")).length, f + 1);
    assert.is(links.filter(({ from, to }) => to === "r1" && from.startsWith("r")).length, f + 1);
    assert.is(links.length, 2 * (f + 1));
  }
});

test("clients cut from the primary still reach the backups", () => {
  const intent: FaultIntent = {
    kind: "partition",
    shape: "client-primary",
    target: { kind: "primary" },
  };
  const { links } = resolveFault("f0", intent, clusterOf(1), createRandom(1));
  const pairs = links.map(({ from, to }) => `${from}>${to}`).sort();
  assert.equal(pairs, ["c0>r1", "c1>r1", "r1>c0", "r1>c1"]);
});

test("at n = 4 the halves are two and two", () => {
  const intent: FaultIntent = { kind: "partition", shape: "halves", target: { kind: "none" } };
  const splits = new Set<string>();
  for (let seed = 0; seed < 100; seed++) {
    const fault = resolveFault("f0", intent, clusterOf(1), createRandom(seed));
    assert.is(fault.nodes.length, 2);
    assert.is(fault.links.length, 8);
    splits.add(fault.nodes.join());
  }
  assert.is(splits.size, 6);
});

test("cutting clients cuts all of them, or those named", () => {
  const cut = (target: Target) =>
    resolveFault(
      "f0",
      { kind: "partition", shape: "clients", target },
      clusterOf(1),
      createRandom(1),
    );
  assert.is(cut({ kind: "none" }).links.length, 16);
  assert.equal(cut({ kind: "nodes", nodes: ["c1"] }).nodes, ["c1"]);
  assert.is(cut({ kind: "nodes", nodes: ["c1"] }).links.length, 8);
});

test("percentages act on every link into the targets; all means clients as well", () => {
  const view = clusterOf(1);
  const intents: FaultIntent[] = [
    { kind: "loss", percent: 20, target: { kind: "all" } },
    { kind: "duplicate", percent: 30, target: { kind: "one" } },
    { kind: "reorder", percent: 10, gapMs: 5, target: { kind: "f" } },
    { kind: "delay", delayMs: 20, jitterMs: 5, target: { kind: "primary" } },
  ];
  // 6 nodes, each with a link from every other but from client to client.
  const expected = [6 * 5 - 2, 5, 5, 5];
  for (const [index, intent] of intents.entries()) {
    const fault = resolveFault("f0", intent, view, createRandom(2));
    assert.is(fault.links.length, expected[index]);
    for (const link of fault.links) {
      assert.ok(fault.nodes.includes(link.to));
      assert.is.not(link.from, link.to);
      if (intent.kind === "loss") assert.is(link.lossPercent, 20);
      if (intent.kind === "duplicate") assert.is(link.duplicatePercent, 30);
      if (intent.kind === "reorder") assert.equal(link.reorder, { percent: 10, gapMs: 5 });
      if (intent.kind === "delay") assert.equal(link.delay, { delayMs: 20, jitterMs: 5 });
    }
  }
});

test("kill and pause name replicas and touch no link; the same seed resolves the same way", () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom("kill", "pause"), (seed, kind) => {
      const intent = { kind, target: { kind: "one" } } as const;
      const first = resolveFault("f0", intent, clusterOf(2), createRandom(seed));
      assert.equal(first, resolveFault("f0", intent, clusterOf(2), createRandom(seed)));
      assert.is(first.nodes.length, 1);
      assert.equal(first.links, []);
    }),
  );
});

const isolatePrimary: FaultIntent = {
  kind: "partition",
  shape: "isolate",
  target: { kind: "primary" },
};

test("links go into their target, out of it or both ways, to everybody or to those that are named", () => {
  const view = clusterOf(1); // r1 is the primary.
  const named = (scope: Omit<LinkScope, "target">) => {
    const intent: FaultIntent = { kind: "loss", percent: 9, target: { kind: "primary" }, ...scope };
    const { links } = resolveFault("f0", intent, view, createRandom(1));
    for (const link of links) assert.is(link.lossPercent, 9);
    return links.map(({ from, to }) => `${from}>${to}`);
  };
  assert.equal(named({}), ["r0>r1", "r2>r1", "r3>r1", "c0>r1", "c1>r1"]);
  assert.equal(named({ direction: "out" }), ["r1>r0", "r1>r2", "r1>r3", "r1>c0", "r1>c1"]);
  assert.is(named({ direction: "both" }).length, 10);
  const peers: Target = { kind: "nodes", nodes: ["r3"] };
  assert.equal(named({ peers }), ["r3>r1"]);
  assert.equal(named({ peers, direction: "both" }), ["r3>r1", "r1>r3"]);
  const pair: Target = { kind: "nodes", nodes: ["r0", "r2"] };
  const intent: FaultIntent = { kind: "clog", target: pair, direction: "both", peers: pair };
  const { links } = resolveFault("f0", intent, view, createRandom(1));
  assert.equal(
    links.map(({ from, to }) => `${from}>${to}`),
    ["r2>r0", "r0>r2"],
    "each link once",
  );
});

test("a loss in a pattern says so on its links, and a delay its distribution", () => {
  const target: Target = { kind: "nodes", nodes: ["r0"] };
  const first = (intent: FaultIntent) =>
    resolveFault("f0", intent, clusterOf(1), createRandom(1)).links[0];
  const bursts: LossPattern = { kind: "bursts", lengthMean: 4 };
  assert.equal(first({ kind: "loss", percent: 20, pattern: bursts, target }), {
    from: "r1",
    to: "r0",
    burstLoss: { percent: 20, lengthMean: 4 },
  });
  assert.is(first({ kind: "loss", percent: 20, pattern: { kind: "every" }, target })?.lossEvery, 5);
  const normal = { delayMs: 20, jitterMs: 5, distribution: "normal" } as const;
  assert.equal(first({ kind: "delay", ...normal, target })?.delay, normal);
});

test.run();
