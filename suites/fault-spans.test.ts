import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ClusterView, FaultRecord, LinkRule, ResolvedFault } from "../nemesis/faults.js";
import { faultSpans } from "./fault-spans.js";

const CLUSTER: ClusterView = {
  replicas: ["r0", "r1", "r2", "r3"],
  clients: ["c0"],
  f: 1,
  primary: undefined,
};

function kill(id: string, ...nodes: string[]): ResolvedFault {
  return { id, intent: { kind: "kill", target: { kind: "nodes", nodes } }, nodes, links: [] };
}

function start(fault: ResolvedFault, seconds: number): FaultRecord {
  return { type: "start", time: seconds * 1e9, fault };
}

function stop(faultId: string, seconds: number): FaultRecord {
  const said = { landed: true, summary: `${faultId} gone`, mechanism: "SIGKILL", measured: {} };
  return { type: "stop", time: seconds * 1e9, faultId, evidence: { faultId, ...said } };
}

const serving = (records: readonly FaultRecord[]) =>
  faultSpans(records, CLUSTER).map((span) => [span.id, span.serving]);

test("a span has its fault's label, its times and its evidence", () => {
  const [span] = faultSpans([start(kill("f0", "r1"), 2), stop("f0", 4)], CLUSTER);
  assert.equal(span, {
    id: "f0",
    label: "kill r1",
    nodes: ["r1"],
    start: 2e9,
    stop: 4e9,
    landed: true,
    evidence: "f0 gone",
    serving: true,
  });
});

test("who lies or loses its disk may have broken its word, who is killed may not", () => {
  const target = { kind: "nodes" as const, nodes: ["r1"] };
  const lie = { kind: "lie" as const, lie: "equivocate" as const, percent: 50, target };
  const wiped = { kind: "disk-damage" as const, damage: "wiped" as const, target };
  const spans = faultSpans(
    [
      start({ ...kill("f0", "r1"), intent: lie }, 0),
      start({ ...kill("f1", "r1"), intent: wiped }, 1),
      start(kill("f2", "r1"), 2),
    ],
    CLUSTER,
  );
  assert.equal(
    spans.map(({ spendsF }) => spendsF),
    [true, true, undefined],
  );
});

test("a fault that the run's end cut short did not land, and has no stop", () => {
  const [span] = faultSpans([start(kill("f0", "r1"), 2)], CLUSTER);
  assert.is(span?.landed, false);
  assert.is(span?.stop, undefined);
  assert.is(span?.serving, false);
});

test("service is due during long faults that leave a quorum, not during short ones", () => {
  assert.equal(serving([start(kill("f0", "r1"), 0), stop("f0", 0.9)]), [["f0", false]]);
  assert.equal(serving([start(kill("f0", "r1", "r2"), 0), stop("f0", 5)]), [["f0", false]]);
});

test("what is a long fault, the protocol's view timer says", () => {
  const cut = [start(kill("f0", "r1"), 0), stop("f0", 4)];
  const slow = { viewTimeoutMs: 3_000 };
  assert.equal(serving(cut), [["f0", true]]);
  assert.is(faultSpans(cut, CLUSTER, slow)[0]?.serving, false);
  const longer = [start(kill("f0", "r1"), 0), stop("f0", 6)];
  assert.is(faultSpans(longer, CLUSTER, slow)[0]?.serving, true);
});

test("two faults that together leave no quorum excuse each other", () => {
  const both = [
    start(kill("f0", "r1"), 0),
    start(kill("f1", "r2"), 3),
    stop("f0", 4),
    stop("f1", 9),
  ];
  assert.equal(serving(both), [
    ["f0", false],
    ["f1", false],
  ]);
  const apart = [
    start(kill("f0", "r1"), 0),
    stop("f0", 2),
    start(kill("f1", "r2"), 3),
    stop("f1", 9),
  ];
  assert.equal(serving(apart), [
    ["f0", true],
    ["f1", true],
  ]);
});

test("after an outage, waits that it doubled run out first", () => {
  const outage = [start(kill("f0", "r0", "r1", "r2"), 5), stop("f0", 5.8)];
  assert.equal(serving([...outage, start(kill("f1", "r1"), 6), stop("f1", 7.5)]), [
    ["f0", false],
    ["f1", false],
  ]);
  assert.equal(serving([...outage, start(kill("f1", "r1"), 6), stop("f1", 7.7)]), [
    ["f0", false],
    ["f1", true],
  ]);
});

test("losses that add up excuse each other, one alone does not", () => {
  const lossOf = (id: string, rule: Omit<LinkRule, "from" | "to">): ResolvedFault => ({
    id,
    intent: { kind: "loss", percent: 33, target: { kind: "all" } },
    nodes: CLUSTER.replicas,
    links: [{ from: "r0", to: "r1", ...rule }],
  });
  const every = start(lossOf("f0", { lossEvery: 4 }), 0);
  const bursts = start(lossOf("f1", { burstLoss: { percent: 20, lengthMean: 8 } }), 0);
  assert.equal(serving([every, stop("f0", 2)]), [["f0", true]]);
  assert.equal(serving([every, bursts, stop("f0", 2), stop("f1", 2)]), [
    ["f0", false],
    ["f1", false],
  ]);
});

test("a loss of one in three excuses by itself: a view change takes longer", () => {
  const links = [{ from: "r0", to: "r1", lossEvery: 3 }];
  const intent = { kind: "loss", percent: 100 / 3, target: { kind: "all" } } as const;
  const every = start({ id: "f0", intent, nodes: CLUSTER.replicas, links }, 0);
  assert.equal(serving([every, stop("f0", 2)]), [["f0", false]]);
});

test("losses excuse sooner where f replicas are away", () => {
  const links = [{ from: "r1", to: "r2", burstLoss: { percent: 10, lengthMean: 8 } }];
  const intent = { kind: "loss", percent: 10, target: { kind: "all" } } as const;
  const bursts = start({ id: "f0", intent, nodes: CLUSTER.replicas, links }, 0);
  assert.equal(serving([bursts, stop("f0", 2)]), [["f0", true]]);
  const away = [start(kill("f1", "r0"), 0.5), stop("f1", 2), stop("f0", 2)];
  assert.equal(serving([bursts, ...away]), [
    ["f0", false],
    ["f1", false],
  ]);
});

test("links too narrow for a view change excuse what lasts meanwhile, wider ones do not", () => {
  const narrow = (bytesPerSecond: number): FaultRecord =>
    start(
      {
        id: "f0",
        intent: { kind: "bandwidth", bytesPerSecond, target: { kind: "all" } },
        nodes: CLUSTER.replicas,
        links: [{ from: "r0", to: "r1", bytesPerSecond }],
      },
      0,
    );
  const withKill = [start(kill("f1", "r0"), 1), stop("f1", 3), stop("f0", 3)];
  assert.equal(serving([narrow(50_000), ...withKill]), [
    ["f0", false],
    ["f1", false],
  ]);
  assert.equal(serving([narrow(200_000), ...withKill]), [
    ["f0", true],
    ["f1", true],
  ]);
});

test.run();
