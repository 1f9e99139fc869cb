import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Message } from "./messages.js";
import { statusOf, step } from "./replica.js";
import { Cluster } from "./testing/cluster.js";
import { createSubject, reasonOf, sentOf, tell, Voices } from "./testing/voices.js";

const STATE = "cc".repeat(32);

/** Runs while `id` is cut off, until the others' stable checkpoint is far above it; then joins it. */
function leaveBehind(cluster: Cluster, id: number, asks: number): void {
  cluster.network.connected = (from, to) => from !== id && to !== id;
  cluster.ask(asks);
  cluster.runUntil(() => cluster.answered, 60_000, "answers without one");
  cluster.network.connected = () => true;
}

for (const n of [4, 7]) {
  test(`a replica of ${n} that is a whole log behind catches up while the cluster is idle`, () => {
    const cluster = new Cluster({ n, seed: n, sessions: 2 });
    leaveBehind(cluster, n - 1, 30);
    cluster.runUntil(() => cluster.converged, 5_000, "the laggard is equal");
    cluster.checkHistories();
    assert.ok(cluster.countEvents("state-transfer-finished", n - 1) >= 1);
  });
}

test("a replica that lacks less than a log needs no state transfer: certificates are enough", () => {
  const cluster = new Cluster({
    n: 4,
    seed: 2,
    sessions: 1,
    config: { checkpointInterval: 64, window: 128 },
  });
  leaveBehind(cluster, 3, 40);
  cluster.runUntil(() => cluster.converged, 5_000, "the laggard is equal");
  cluster.checkHistories();
  assert.is(cluster.countEvents("state-transfer-started", 3), 0);
});

test("an idle laggard whose last batch was one vote short catches up", () => {
  const cluster = new Cluster({ n: 4, seed: 2, sessions: 1 });
  cluster.network.connected = (_, to) => to !== 2;
  cluster.ask(1);
  cluster.runUntil(() => cluster.answered, 5_000, "answers");
  cluster.network.connected = () => true;
  cluster.runUntil(() => cluster.converged, 1_000, "r2 is equal");
});

test("a peer that claims to be behind for ever costs one checkpoint of null requests (swarm seed 2109)", () => {
  const cluster = new Cluster({
    n: 4,
    seed: 2,
    sessions: 1,
    config: { checkpointInterval: 8, window: 16, batchesOutstandingMax: 8 },
  });
  cluster.ask(19);
  cluster.runUntil(() => cluster.answered && cluster.converged, 10_000, "answers");
  const before = cluster.nodes[0]?.replica.executedSeq ?? 0;
  assert.ok(before > 16 && before < 24, `${before}: between two checkpoints`);
  const liar = cluster.nodes[3];
  assert.ok(liar !== undefined);
  liar.liar = ({ message }) =>
    message.kind === "status" ? [{ ...message, executedSeq: 1, stableSeq: 0 }] : undefined;
  cluster.runFor(30_000);
  assert.is(cluster.nodes[0]?.replica.executedSeq, 24);
});

test("a laggard alone in a view that nobody else asks for catches up, and stays there", () => {
  const cluster = new Cluster({ n: 4, seed: 6, sessions: 1 });
  cluster.network.connected = (from, to) => from !== 3 && to !== 3;
  const voices = new Voices(cluster.config);
  cluster.input(3, { kind: "message", from: 256, message: voices.request(9, 1) });
  cluster.runFor(600);
  cluster.ask(30);
  cluster.runUntil(() => cluster.answered, 20_000, "answers");
  cluster.network.connected = () => true;
  cluster.runUntil(() => cluster.converged, 5_000, "r3 is equal");
  cluster.ask(3);
  cluster.runUntil(() => cluster.answered, 20_000, "answers");
  cluster.runUntil(() => cluster.converged, 5_000, "r3 is still equal");
  cluster.checkHistories();
  assert.is(statusOf(cluster.node(3).replica).viewActive, false);
  assert.is(statusOf(cluster.node(0).replica).view, 0, "one replica alone moves nobody");
});

test("a laggard alone in a view catches up where the others lost their certificates", () => {
  const cluster = new Cluster({ n: 4, seed: 6, sessions: 1 });
  cluster.network.connected = (from, to) => from !== 3 && to !== 3;
  const voices = new Voices(cluster.config);
  cluster.input(3, { kind: "message", from: 256, message: voices.request(9, 1) });
  cluster.runFor(600);
  assert.is(statusOf(cluster.node(3).replica).viewActive, false);
  cluster.ask(2);
  cluster.runUntil(() => cluster.answered, 20_000, "answers");
  // The last batch has executed, and its certificate waits for the next record to be logged with.
  for (const id of [0, 1, 2]) cluster.crash(id, "kill");
  for (const id of [0, 1, 2]) cluster.restart(id);
  cluster.network.connected = () => true;
  cluster.runUntil(() => cluster.converged, 30_000, "r3 is equal");
  cluster.checkHistories();
});

test("an empty replica is rebuilt though one source sends nonsense and another is dead", () => {
  const cluster = new Cluster({ n: 7, seed: 11, sessions: 2 });
  leaveBehind(cluster, 6, 25);
  cluster.crash(5, "kill");
  cluster.node(2).liar = ({ message }, random): readonly Message[] | undefined => {
    if (message.kind !== "data") return undefined;
    const bytes = Uint8Array.from(message.bytes);
    bytes[random.below(bytes.length)] = random.below(256);
    return [{ ...message, bytes }];
  };
  cluster.runUntil(() => cluster.converged, 10_000, "the laggard is equal");
  assert.ok(cluster.countEvents("state-transfer-finished", 6) >= 1);
});

test("peers that send nothing are asked once each, and not again in every round (swarm seed 3857)", () => {
  const cluster = new Cluster({
    n: 7,
    seed: 5,
    sessions: 2,
    config: { fetchNodesMax: 1, statusIntervalMs: 400 },
  });
  leaveBehind(cluster, 6, 120);
  const dead = [0, 1];
  cluster.network.connected = (from, to) => !dead.includes(from) && !dead.includes(to);
  let asked = 0;
  cluster.node(6).liar = ({ to, message }) => {
    if (message.kind === "fetch" && dead.includes(to)) asked += 1;
    return undefined;
  };
  const caughtUp = () => cluster.countEvents("state-transfer-finished", 6) > 0;
  cluster.runUntil(caughtUp, 20_000, "the laggard has the state");
  assert.is(asked, 2);
});

test("a transfer goes on from another peer, and turns to the newer checkpoint when the old is gone", () => {
  const cluster = new Cluster({ n: 4, seed: 12, sessions: 2 });
  cluster.ask(12);
  cluster.network.connected = (from, to) => from !== 3 && to !== 3;
  cluster.runUntil(() => cluster.answered, 20_000, "answers");
  // Only proofs reach r3 for a while: what it wants is gone when the nodes may come.
  let dataDropped = 0;
  const { transmit } = cluster;
  let open = false;
  cluster.transmit = function (from, to, bytes) {
    if (!open && to === 3 && bytes[0] === 11) dataDropped += 1;
    else transmit.call(this, from, to, bytes);
  };
  cluster.network.connected = () => true;
  cluster.runFor(600);
  const first = cluster.node(3).replica.transfer?.seq ?? 0;
  assert.ok(first > 0 && dataDropped > 0);
  cluster.ask(20);
  cluster.runUntil(() => cluster.answered, 20_000, "answers");
  open = true;
  cluster.runUntil(() => cluster.converged, 10_000, "r3 is equal");
  cluster.checkHistories();
  const finished = cluster.events.flatMap(({ node, event }) =>
    node === 3 && event.kind === "state-transfer-finished" ? [event.seq] : [],
  );
  assert.ok(Math.min(...finished) > first, "the first target was given up");
});

test("a digest that fewer than f+1 replicas signed is never fetched", () => {
  const subject = createSubject(3);
  const voices = new Voices(subject.config);
  const one = voices.checkpoint(0, 400, STATE);
  assert.is(sentOf(tell(subject, 0, one), "fetch").length, 0);
  const again = { kind: "checkpoint-proof" as const, replica: 0, checkpoints: [one] };
  assert.is(reasonOf(tell(subject, 0, again)), "wrong-proof-count");
  const twice = { ...again, checkpoints: [one, one] };
  assert.is(reasonOf(tell(subject, 0, twice)), "repeated-checkpoints");
  const forged = { ...voices.checkpoint(1, 400, STATE), signature: new Uint8Array(64) };
  assert.is(
    reasonOf(tell(subject, 0, { ...again, checkpoints: [one, forged] })),
    "forged-checkpoint",
  );
  const effects = tell(subject, 0, {
    ...again,
    checkpoints: [one, voices.checkpoint(1, 400, STATE)],
  });
  assert.is(sentOf(effects, "fetch").length, 1);
  assert.is(statusOf(subject.replica).stableSeq, 0, "f+1 make it trusted, not stable");
});

test("a replica whose state differs from a stable checkpoint says so, stops voting and replaces it", () => {
  const cluster = new Cluster({ n: 4, seed: 14, sessions: 1 });
  const { stateMachine } = cluster.node(2);
  const { snapshot } = stateMachine;
  let wrong = true;
  stateMachine.snapshot = () => (wrong ? "dd".repeat(32) : snapshot());
  cluster.ask(6);
  cluster.runUntil(() => cluster.countEvents("diverged", 2) === 1, 20_000, "it noticed");
  wrong = false;
  cluster.runUntil(() => cluster.answered && cluster.converged, 20_000, "it is equal again");
  cluster.checkHistories();
  assert.ok(cluster.countEvents("state-transfer-finished", 2) >= 1);
  assert.is(cluster.node(2).replica.diverged, false);
});

test("after all restarted, and the stable snapshot with them, an empty laggard is still rebuilt", () => {
  const cluster = new Cluster({ n: 4, seed: 15, sessions: 2 });
  leaveBehind(cluster, 3, 13);
  for (const id of [0, 1, 2]) {
    cluster.crash(id, "kill");
    cluster.restart(id);
  }
  cluster.runUntil(() => cluster.converged, 20_000, "r3 is equal");
  cluster.checkHistories();
});

test("a peer that asks too often is answered a bounded number of times between two ticks", () => {
  const subject = createSubject(0);
  const voices = new Voices(subject.config);
  tell(subject, 256, voices.request(0, 1));
  step(subject.replica, { kind: "timeout", timer: "status" });
  step(subject.replica, { kind: "timeout", timer: "status" });
  let answers = 0;
  for (let count = 0; count < 1_000; count++) {
    const effects = tell(subject, 2, {
      kind: "status",
      replica: 2,
      view: 0,
      viewActive: true,
      stableSeq: 0,
      executedSeq: 0,
      slots: new Uint8Array(0),
      viewChangesHeld: new Uint8Array(1),
    });
    answers += sentOf(effects, "pre-prepare").length;
  }
  assert.ok(answers >= 1 && answers <= 4, `${answers} answers`);
});

test.run();
