import { test } from "uvu";
import * as assert from "uvu/assert";
import { NULL_DIGEST } from "./digest.js";
import type { LogRecord } from "./log.js";
import { createReplica, recover, statusOf, step } from "./replica.js";
import type { Effect } from "./step.js";
import { Cluster } from "./testing/cluster.js";
import { createSubject, sentOf, tell, Voices } from "./testing/voices.js";

for (const [n, victim] of [
  [4, 0],
  [4, 1],
  [7, 0],
  [7, 5],
] as const) {
  test(`replica ${victim} of ${n} dies before any effect of its run and breaks no promise`, () => {
    // The crash point moves through the first effects one by one: each is a boundary of the log.
    let points = 0;
    for (let effects = 0; effects < 70; effects += n === 4 ? 1 : 5) {
      const cluster = new Cluster({ n, seed: 7, sessions: 2 });
      cluster.node(victim).effectsUntilCrash = effects;
      cluster.ask(6);
      const died = () => !cluster.node(victim).alive;
      cluster.runUntil(() => died() || cluster.answered, 20_000, "progress");
      if (!died()) break;
      points += 1;
      cluster.runFor(effects % 2 === 0 ? 5 : 900); // restarts at once, or after a view change
      cluster.restart(victim);
      cluster.runUntil(() => cluster.answered, 20_000, `answers, died at ${effects}`);
      cluster.runUntil(() => cluster.converged, 20_000, `equal, died at ${effects}`);
      cluster.checkHistories();
    }
    assert.ok(points > 10, `only ${points} crash points`);
  });
}

test("all replicas lose power at once, at every moment, and what was acknowledged is there", () => {
  for (let moment = 0; moment < 60; moment += 2) {
    const cluster = new Cluster({ n: 4, seed: 21, sessions: 2 });
    cluster.ask(8);
    cluster.runFor(moment);
    for (let id = 0; id < 4; id++) cluster.crash(id, "power-cut");
    for (let id = 0; id < 4; id++) cluster.restart(id);
    cluster.runUntil(() => cluster.answered, 20_000, `answers, power cut at ${moment} ms`);
    cluster.runUntil(() => cluster.converged, 20_000, "equal states");
    cluster.checkHistories();
  }
});

const recordsOf = (effects: readonly Effect[]): LogRecord[] =>
  effects.flatMap((one) => (one.kind === "persist" ? [one.record] : []));

test("a restarted backup answers a second pre-prepare for its slot with nothing", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const log = recordsOf(tell(subject, 0, voices.prePrepare(0, 1, [voices.request(0, 1)])));
  const again = createSubject(1, {}, log);
  const other = tell(again, 0, voices.prePrepare(0, 1, [voices.request(1, 1)]));
  assert.is(sentOf(other, "prepare").length, 0);
});

test("a restarted replica asks for the view it asked for, with every certificate it had", () => {
  const subject = createSubject(2);
  const voices = new Voices(subject.config);
  const proposal = voices.prePrepare(0, 1, [voices.request(0, 1)]);
  const log = recordsOf(tell(subject, 0, proposal));
  log.push(...recordsOf(tell(subject, 1, voices.prepare(1, 0, 1, proposal.digest))));
  tell(subject, 256, voices.request(1, 1));
  const asked = step(subject.replica, { kind: "timeout", timer: "view" });
  log.push(...recordsOf(asked));
  const { config, keyring, stateMachine } = subject;
  const again = createReplica({ id: 2, config, keyring, stateMachine, hollow: false });
  const effects = recover(again, log);
  assert.equal(sentOf(effects, "view-change"), sentOf(asked, "view-change"));
  assert.equal([statusOf(again).view, statusOf(again).viewActive], [1, false]);
  const [message] = sentOf(effects, "view-change");
  assert.is(message?.kind === "view-change" && message.prepared.length, 1);
});

test("a new-view's pre-prepares bind a backup across a restart", () => {
  const subject = createSubject(3);
  const voices = new Voices(subject.config);
  const asked = [0, 1, 2].map((voter) =>
    voices.viewChange(
      voter,
      1,
      voter === 0 ? [voices.prepared(0, 2, "aa".repeat(32), [1, 2])] : [],
    ),
  );
  const log = asked.flatMap((one) => recordsOf(tell(subject, one.replica, one)));
  const proposals = [
    { seq: 1, digest: NULL_DIGEST },
    { seq: 2, digest: "aa".repeat(32) },
  ];
  log.push(...recordsOf(tell(subject, 1, voices.newView(1, asked, proposals))));
  const again = createSubject(3, {}, log);
  assert.equal([statusOf(again.replica).view, statusOf(again.replica).viewActive], [1, true]);
  for (const seq of [1, 2]) {
    const other = tell(again, 1, voices.prePrepare(1, seq, [voices.request(0, 1)]));
    assert.is(sentOf(other, "prepare").length, 0, `no other vote at seq ${seq}`);
  }
  assert.is(again.replica.slots.get(1)?.prepares.get(3)?.vote.digest, NULL_DIGEST);
});

test("a log cut at a checkpoint keeps the votes and certificates above it", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  for (const seq of [1, 2, 3, 4]) {
    tell(subject, 0, voices.commitCertificate(0, seq, [voices.request(seq, 1)], [0, 2, 3]));
  }
  const prepared = voices.prePrepare(0, 5, [voices.request(5, 1)]);
  tell(subject, 0, prepared);
  tell(subject, 2, voices.prepare(2, 0, 5, prepared.digest));
  tell(subject, 0, voices.prePrepare(0, 6, [voices.request(6, 1)]));
  const state = subject.replica.ownDigests.get(4) ?? "";
  tell(subject, 0, voices.checkpoint(0, 4, state));
  const cut = tell(subject, 2, voices.checkpoint(2, 4, state));
  const log = cut.flatMap((one) => (one.kind === "compact" ? one.records : []));
  assert.ok(log.length > 0, "the checkpoint is stable");

  const { config, keyring, stateMachine } = subject;
  const replica = createReplica({ id: 1, config, keyring, stateMachine, hollow: false });
  recover(replica, log);
  assert.equal(statusOf(replica), statusOf(subject.replica));
  const again = { ...subject, replica };
  const other = tell(again, 0, voices.prePrepare(0, 6, [voices.request(7, 1)]));
  assert.is(sentOf(other, "prepare").length, 0, "no other vote at seq 6");
  tell(again, 256, voices.request(9, 1));
  const [asked] = sentOf(step(replica, { kind: "timeout", timer: "view" }), "view-change");
  assert.ok(asked?.kind === "view-change");
  assert.is(asked.stableSeq, 4);
  assert.equal(
    asked.prepared.map(({ seq, digest }) => [seq, digest]),
    [[5, prepared.digest]],
  );
});

test("an idle cluster comes back from a power cut with everything, before any message", () => {
  const cluster = new Cluster({ n: 4, seed: 30, sessions: 2 });
  cluster.ask(11);
  cluster.runUntil(() => cluster.answered && cluster.converged, 10_000, "answers");
  cluster.runFor(2 * cluster.config.statusIntervalMs);
  const before = cluster.nodes.map(({ replica }) => statusOf(replica));
  for (let id = 0; id < 4; id++) cluster.crash(id, "power-cut");
  for (let id = 0; id < 4; id++) cluster.restart(id);
  assert.equal(
    cluster.nodes.map(({ replica }) => statusOf(replica)),
    before,
  );
});

test("a checkpoint that was signed is never signed with another digest", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const log: LogRecord[] = [
    { kind: "checkpoint", message: voices.checkpoint(1, 4, "aa".repeat(32)) },
  ];
  const again = createSubject(1, {}, log);
  const effects = [1, 2, 3, 4].flatMap((seq) =>
    tell(again, 0, voices.commitCertificate(0, seq, [voices.request(seq, 1)], [0, 2, 3])),
  );
  assert.is(statusOf(again.replica).executedSeq, 4);
  assert.is(sentOf(effects, "checkpoint").length, 0);
  assert.ok(effects.some((one) => one.kind === "event" && one.event.kind === "diverged"));
});

test.run();
