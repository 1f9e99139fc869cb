import { suite } from "uvu";
import * as assert from "uvu/assert";
import { budgetOf, budgetOfPlan } from "./budget.js";
import type { ClusterView, FaultIntent, PartitionShape, Target } from "./faults.js";
import type { LossPattern } from "./link-loss.js";
import { NEMESIS_PACKAGES } from "./packages.js";
import { createRandom } from "./random.js";
import { resolveFault } from "./resolve.js";
import { nemesisPlan } from "./schedule.js";

const test = suite("budget");
const clusterOf = (f: number): ClusterView => ({
  replicas: Array.from({ length: 3 * f + 1 }, (_, index) => `r${index}`),
  clients: ["c0", "c1"],
  f,
  primary: "r0",
});
const budget = (view: ClusterView, ...intents: FaultIntent[]) =>
  budgetOf(
    intents.map((intent, index) => resolveFault(`f${index}`, intent, view, createRandom(index))),
    view,
  );
const named = (...nodes: string[]): Target => ({ kind: "nodes", nodes });
const shape = (of: PartitionShape, target: Target = { kind: "none" }): FaultIntent => ({
  kind: "partition",
  shape: of,
  target,
});

test("no fault spends anything", () => {
  const spent = budget(clusterOf(1));
  assert.equal(spent.connected, ["r0", "r1", "r2", "r3"]);
  assert.not(spent.livenessBreaking || spent.beyondF);
});

test("f crashes keep a quorum, f + 1 crashes, or crashes and pauses, do not", () => {
  for (const f of [1, 2, 3]) {
    const view = clusterOf(f);
    assert.not(budget(view, { kind: "kill", target: { kind: "f" } }).livenessBreaking);
    const names = view.replicas.slice(0, f);
    const extra = view.replicas.slice(f, f + 1);
    const spent = budget(
      view,
      { kind: "kill", target: named(...names) },
      { kind: "pause", target: named(...extra) },
    );
    assert.ok(spent.livenessBreaking);
    assert.not(spent.beyondF);
    const same = budget(
      view,
      { kind: "kill", target: named(...names) },
      { kind: "pause", target: named(...names) },
    );
    assert.not(same.livenessBreaking);
  }
});

test("halves break liveness at 4, 7 and 10; isolating f does not; a 4-ring does, a 7-ring too", () => {
  for (const f of [1, 2, 3]) {
    const view = clusterOf(f);
    assert.ok(budget(view, shape("halves")).livenessBreaking, `halves at f = ${f}`);
    assert.not(budget(view, shape("isolate", { kind: "f" })).livenessBreaking);
    assert.not(budget(view, shape("one-way-in", { kind: "primary" })).livenessBreaking);
    assert.ok(budget(view, shape("majorities-ring")).livenessBreaking);
    assert.ok(budget(view, shape("clients")).livenessBreaking);
    assert.not(budget(view, shape("clients", named("c0"))).livenessBreaking);
  }
});

test("a majority, a primary in part and clients without their primary leave a quorum", () => {
  for (const f of [1, 2, 3]) {
    for (const kind of ["majority", "primary-partial", "client-primary"] as const) {
      assert.not(budget(clusterOf(f), shape(kind, { kind: "primary" })).livenessBreaking, kind);
    }
  }
});

test("a bridge at n = 4 leaves a pair and a triple: the triple is the quorum", () => {
  const spent = budget(clusterOf(1), shape("bridge", named("r2")));
  assert.is(spent.connected.length, 3);
  assert.ok(spent.connected.includes("r2"));
  assert.not(spent.livenessBreaking);
});

test("losing a part spends nothing, losing everything cuts", () => {
  const loss = (percent: number): FaultIntent => ({
    kind: "loss",
    percent,
    target: { kind: "all" },
  });
  assert.not(budget(clusterOf(1), loss(30)).livenessBreaking);
  assert.ok(budget(clusterOf(1), loss(100)).livenessBreaking);
});

test("messages that are lost again and again may cut a link, the first few do not", () => {
  const lose = (first: number | undefined, target: Target): FaultIntent => ({
    kind: "message",
    effect: "drop",
    match: { kinds: ["commit"], ...(first === undefined ? {} : { first }) },
    direction: "in",
    target,
  });
  assert.not(budget(clusterOf(1), lose(undefined, named("r2"))).livenessBreaking);
  assert.ok(budget(clusterOf(1), lose(undefined, named("r2", "r3"))).livenessBreaking);
  assert.not(budget(clusterOf(1), lose(3, { kind: "all" })).livenessBreaking);
});

test("a replica that is slowed down very much, and another that hears nothing, leave no quorum", () => {
  const slow = (factor: number): FaultIntent => {
    return { kind: "slow-cpu", factor, target: named("r0") };
  };
  const clog: FaultIntent = { kind: "clog", target: named("r3") };
  assert.not(budget(clusterOf(1), slow(50)).livenessBreaking);
  assert.ok(budget(clusterOf(1), slow(50), clog).livenessBreaking);
  assert.not(budget(clusterOf(1), slow(2), clog).livenessBreaking);
});

test("only liars and lost disks spend f", () => {
  const view = clusterOf(1);
  assert.not(budgetOf([], view, ["r0"]).beyondF);
  assert.not(budgetOf([], view, ["r0"]).livenessBreaking);
  const two = budgetOf([], view, ["r0", "r1"]);
  assert.equal(two.faulty, ["r0", "r1"]);
  assert.ok(two.beyondF && two.livenessBreaking);
});

test("who lost a disk is faulty from then on, one after another", () => {
  const wipe = (node: string): FaultIntent => {
    return { kind: "disk-damage", damage: "wiped", target: named(node) };
  };
  const planOf = (...nodes: string[]) =>
    nodes.flatMap((node, index) => [
      { atMs: 100 * index, action: "start" as const, faultId: `f${index}`, intent: wipe(node) },
      { atMs: 100 * index + 50, action: "stop" as const, faultId: `f${index}` },
    ]);
  const judge = (...nodes: string[]) =>
    budgetOfPlan(planOf(...nodes), clusterOf(1), createRandom(1));
  assert.is(judge("r2", "r2", "r2").faultyCountMax, 1);
  assert.not(judge("r2", "r2").beyondF);
  assert.is(judge("r2", "r1").faultyCountMax, 2);
  assert.ok(judge("r2", "r1").beyondF);
  assert.ok(budget(clusterOf(1), wipe("r0"), wipe("r1")).beyondF, "at one moment");
});

test("a plan is judged by its worst moment", () => {
  const judge = (...packages: string[]) => {
    const random = createRandom(4);
    const plan = nemesisPlan({ packages, intervalMs: 4_000, timeLimitMs: 30_000, random });
    return budgetOfPlan(plan, clusterOf(1), random);
  };
  for (const calm of ["kill", "kill-f", "pause-primary", "partition-primary", "one-way", "loss"]) {
    assert.not(judge(calm).livenessBreaking, calm);
  }
  for (const breaking of ["halves", "ring", "power-failure", "clients"]) {
    assert.ok(judge(breaking).livenessBreaking, breaking);
    assert.ok(judge(breaking).breaking.length > 0);
  }
  assert.ok(judge("kill", "pause").livenessBreaking);
  for (const { name, beyondF } of NEMESIS_PACKAGES) {
    assert.is(judge(name).beyondF, beyondF === true, name);
  }
});

test("the widest cluster, 31 replicas: a half, a half and the bridge, nine neighbours of a ring", () => {
  const view = clusterOf(10);
  const connected = (of: PartitionShape) => budget(view, shape(of)).connected.length;
  assert.is(connected("halves"), 16);
  assert.is(connected("bridge"), 16);
  assert.is(connected("majorities-ring"), 9);
});

test("a link that loses all in whatever pattern is a cut link; one that loses less is not", () => {
  const all = { kind: "all" } as const;
  const loss = (percent: number, pattern: LossPattern): FaultIntent => ({
    kind: "loss",
    percent,
    pattern,
    target: all,
  });
  const bursts: LossPattern = { kind: "bursts", lengthMean: 4 };
  for (const breaking of [loss(100, bursts), loss(100, { kind: "every" })]) {
    assert.ok(budget(clusterOf(1), breaking).livenessBreaking);
  }
  for (const bearable of [loss(50, bursts), loss(50, { kind: "every" })]) {
    assert.not(budget(clusterOf(1), bearable).livenessBreaking);
  }
});

test.run();
