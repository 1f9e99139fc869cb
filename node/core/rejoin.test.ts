import { test } from "uvu";
import * as assert from "uvu/assert";
import type { MessageKind } from "./messages.js";
import { statusOf } from "./replica.js";
import { Cluster } from "./testing/cluster.js";

const VOTES: readonly MessageKind[] = [
  "pre-prepare",
  "prepare",
  "commit",
  "checkpoint",
  "view-change",
  "new-view",
];

for (const [n, wiped] of [
  [4, 3],
  [4, 0],
  [7, 6],
] as const) {
  test(`replica ${wiped} of ${n}, wiped, is silent until its past is out of reach, then votes`, () => {
    const cluster = new Cluster({ n, seed: n, sessions: 2 });
    cluster.ask(5);
    cluster.runUntil(() => cluster.answered, 10_000, "answers");
    const highest = statusOf(cluster.node(wiped).replica).highWatermark;
    cluster.crash(wiped, "power-cut");
    cluster.restartWiped(wiped);
    let votesEarly = 0;
    let votes = 0;
    cluster.onSend = ({ from, message }) => {
      if (from !== wiped || !VOTES.includes(message.kind)) return;
      votes += 1;
      if (cluster.node(wiped).replica.stable.seq < highest) votesEarly += 1;
    };
    cluster.runUntil(() => cluster.converged, 10_000, "it learns the state while it is silent");
    cluster.ask(30);
    cluster.runUntil(() => cluster.answered, 60_000, "answers");
    cluster.runUntil(() => cluster.node(wiped).replica.rejoin === undefined, 10_000, "it rejoined");
    cluster.ask(3);
    cluster.runUntil(() => cluster.answered && cluster.converged, 20_000, "answers");
    cluster.checkHistories();
    assert.is(votesEarly, 0);
    assert.ok(votes > 0, "it votes again");
  });
}

test("a replica that crashes while it is silent stays silent", () => {
  const cluster = new Cluster({ n: 4, seed: 3, sessions: 1 });
  cluster.ask(3);
  cluster.runUntil(() => cluster.answered, 10_000, "answers");
  cluster.crash(2, "kill");
  cluster.restartWiped(2);
  cluster.crash(2, "kill");
  cluster.restart(2);
  assert.equal(cluster.node(2).replica.rejoin, { seq: 0 });
  cluster.runFor(1_000);
  const known = cluster.node(2).replica.rejoin?.seq;
  assert.is(known, statusOf(cluster.node(0).replica).executedSeq + cluster.config.window);
  cluster.crash(2, "kill");
  cluster.restart(2);
  assert.is(cluster.node(2).replica.rejoin?.seq, known);
});

test("a liar's claim of a huge seq does not silence a wiped replica for ever", () => {
  const cluster = new Cluster({ n: 7, seed: 3, sessions: 1 });
  cluster.node(1).liar = ({ message }) =>
    message.kind === "status" ? [{ ...message, executedSeq: 1_000_000 }] : undefined;
  cluster.ask(3);
  cluster.runUntil(() => cluster.answered, 10_000, "answers");
  cluster.crash(2, "kill");
  cluster.restartWiped(2);
  cluster.runFor(1_000);
  assert.ok((cluster.node(2).replica.rejoin?.seq ?? 0) < 1_000);
});

test.run();
