import { test } from "uvu";
import * as assert from "uvu/assert";
import { statusOf, step } from "./replica.js";
import type { Effect } from "./step.js";
import { Cluster } from "./testing/cluster.js";
import { createSubject, reasonOf, sentOf, tell, Voices } from "./testing/voices.js";

for (const n of [4, 7]) {
  test(`${n} replicas execute every request once and answer it (OSDI '99 §4.2)`, () => {
    const cluster = new Cluster({ n, seed: n, sessions: 5 });
    cluster.ask(10);
    cluster.runUntil(() => cluster.answered, 20_000, "answers");
    cluster.runUntil(() => cluster.converged, 5_000, "equal states");
    cluster.checkHistories();
    assert.is(cluster.node(0).stateMachine.history().length, 50);
    assert.is(cluster.countEvents("view-change-started"), 0);
  });

  test(`${n} replicas execute all under loss, duplication and reordering`, () => {
    const cluster = new Cluster({ n, seed: 40 + n, sessions: 3 });
    Object.assign(cluster.network, {
      lossProbability: 0.1,
      duplicateProbability: 0.2,
      delayMsMax: 40,
    });
    cluster.ask(10);
    cluster.runUntil(() => cluster.answered, 60_000, "answers");
    cluster.runUntil(() => cluster.converged, 20_000, "equal states");
    cluster.checkHistories();
  });
}

test("the watermarks stop the primary at h + L until a checkpoint is stable (§4.2, §4.3)", () => {
  const cluster = new Cluster({ n: 4, seed: 3, sessions: 1 });
  const drop = new Set<unknown>();
  cluster.onSend = ({ message }) => {
    if (message.kind === "checkpoint") drop.add(message);
  };
  const { transmit } = cluster;
  cluster.transmit = function (from, to, bytes) {
    const kind = bytes[0];
    const carriesCheckpoint = kind === 6 || kind === 12;
    if (!carriesCheckpoint || drop.size === 0 || !held) transmit.call(this, from, to, bytes);
  };
  let held = true;
  cluster.ask(20);
  cluster.runFor(3_000);
  assert.is(statusOf(cluster.node(0).replica).executedSeq, 8, "no batch above the high watermark");
  held = false;
  cluster.runUntil(() => cluster.answered, 20_000, "answers");
});

test("a backup ignores a vote outside the watermarks, of another view, of the primary or of another", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const digest = "ab".repeat(32);
  assert.is(reasonOf(tell(subject, 2, voices.prepare(2, 0, 9, digest))), "outside-watermarks");
  assert.is(reasonOf(tell(subject, 2, voices.prepare(2, 0, 0, digest))), "outside-watermarks");
  assert.is(reasonOf(tell(subject, 2, voices.commit(2, 0, 9, digest))), "outside-watermarks");
  assert.is(reasonOf(tell(subject, 2, voices.prepare(2, 1, 1, digest))), "other-view");
  assert.is(reasonOf(tell(subject, 0, voices.prepare(0, 0, 1, digest))), "vote-of-primary");
  assert.is(reasonOf(tell(subject, 3, voices.prepare(2, 0, 1, digest))), "not-sender");
  assert.is(reasonOf(tell(subject, 1, voices.prepare(1, 0, 1, digest))), "from-ourselves");
  assert.is(reasonOf(tell(subject, 9, voices.prepare(2, 0, 1, digest))), "not-a-replica");
  const far = voices.prePrepare(0, 9, [voices.request(0, 1)]);
  assert.is(reasonOf(tell(subject, 0, far)), "outside-watermarks");
});

test("a slot prepares with 2f prepares of distinct backups, and not with one repeated (§4.2)", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const proposal = voices.prePrepare(0, 1, [voices.request(0, 1)]);
  const { digest } = proposal;
  assert.is(sentOf(tell(subject, 0, proposal), "prepare").length, 1, "our own prepare");
  assert.is(sentOf(tell(subject, 2, voices.prepare(2, 0, 1, "ab".repeat(32))), "commit").length, 0);
  assert.is(reasonOf(tell(subject, 2, voices.prepare(2, 0, 1, digest))), "conflicting-vote");
  const effects = tell(subject, 3, voices.prepare(3, 0, 1, digest));
  assert.is(sentOf(effects, "commit").length, 1);
  const persisted = effects.findIndex((one) => one.kind === "persist");
  const sent = effects.findIndex((one) => one.kind === "send");
  assert.ok(
    persisted >= 0 && persisted < sent,
    "the certificate is durable before the commit leaves",
  );
});

test("a batch executes with 2f+1 commits and a prepared slot, not before", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const proposal = voices.prePrepare(0, 1, [voices.request(0, 1)]);
  const { digest } = proposal;
  for (const voter of [0, 2, 3]) tell(subject, voter, voices.commit(voter, 0, 1, digest));
  tell(subject, 0, proposal);
  assert.is(statusOf(subject.replica).executedSeq, 0, "2f+1 commits, but not prepared here");
  tell(subject, 3, voices.prepare(3, 0, 1, digest));
  assert.is(statusOf(subject.replica).executedSeq, 1);
});

test("a forged vote does not count, and its sender is named", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const proposal = voices.prePrepare(0, 1, [voices.request(0, 1)]);
  tell(subject, 0, proposal);
  const forged = { ...voices.prepare(2, 0, 1, proposal.digest), signature: new Uint8Array(64) };
  const effects = tell(subject, 2, forged);
  assert.is(sentOf(effects, "commit").length, 0);
  assert.equal(
    effects.filter((one) => one.kind === "event").map((one) => one.event),
    [{ kind: "ignored", message: "prepare", from: 2, reason: "bad-signature" }],
  );
  assert.is(sentOf(tell(subject, 2, voices.prepare(2, 0, 1, proposal.digest)), "commit").length, 1);
});

test("of an equivocating primary's pre-prepares a backup takes the first only", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const [one, other] = [[voices.request(0, 1)], [voices.request(1, 1)]];
  assert.is(sentOf(tell(subject, 0, voices.prePrepare(0, 1, one)), "prepare").length, 1);
  const second = tell(subject, 0, voices.prePrepare(0, 1, other));
  assert.is(reasonOf(second), "conflicting-pre-prepare");
  assert.is(sentOf(second, "prepare").length, 0);
});

test("a pre-prepare is refused where the batch is not what its digest says, or not the primary's", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const good = voices.prePrepare(0, 1, [voices.request(0, 1)]);
  const swapped = { ...good, requests: [voices.request(0, 2)] };
  assert.is(reasonOf(tell(subject, 0, swapped)), "digest-mismatch");
  const forged = { ...good, signature: new Uint8Array(64) };
  assert.is(reasonOf(tell(subject, 0, forged)), "bad-signature");
  const twice = voices.prePrepare(0, 1, [voices.request(0, 1), voices.request(0, 2)]);
  assert.is(reasonOf(tell(subject, 0, twice)), "session-twice-in-batch");
  const large = voices.prePrepare(0, 1, [voices.request(0, 1, "x".repeat(1_025))]);
  assert.is(reasonOf(tell(subject, 0, large)), "operation-too-large");
  assert.is(
    sentOf(tell(subject, 2, good), "prepare").length,
    1,
    "any replica may relay the real one",
  );
});

/** A primary that executed its first batch, of one, while five others waited. */
function primaryWithWaiting() {
  const subject = createSubject(0);
  const voices = new Voices(subject.config);
  const first = sentOf(tell(subject, 256, voices.request(0, 1)), "pre-prepare");
  assert.is(first.length, 1);
  for (let session = 1; session <= 5; session++) {
    assert.is(sentOf(tell(subject, 256, voices.request(session, 1)), "pre-prepare").length, 0);
  }
  tell(subject, 256, voices.request(3, 2)); // replaces that session's older request
  const [proposal] = first;
  assert.ok(proposal?.kind === "pre-prepare");
  for (const voter of [1, 2]) tell(subject, voter, voices.prepare(voter, 0, 1, proposal.digest));
  tell(subject, 1, voices.commit(1, 0, 1, proposal.digest));
  const executing = tell(subject, 2, voices.commit(2, 0, 1, proposal.digest));
  return { subject, voices, executing };
}

const ARRIVED = [
  [1, 1],
  [2, 1],
  [3, 2],
  [4, 1],
  [5, 1],
];

function proposedIn(effects: readonly Effect[]): number[][] | undefined {
  const [proposal] = sentOf(effects, "pre-prepare");
  if (proposal?.kind !== "pre-prepare") return undefined;
  return proposal.requests.map(({ client, timestamp }) => [client & 0xffff, timestamp]);
}

test("with one batch outstanding, what arrives meanwhile is the next batch, a moment later", () => {
  const { subject, executing } = primaryWithWaiting();
  assert.is(proposedIn(executing), undefined);
  assert.equal(
    executing.filter(({ kind }) => kind === "set-timer"),
    [{ kind: "set-timer", timer: "batch", delayMs: 2 }],
  );
  const effects = step(subject.replica, { kind: "timeout", timer: "batch" });
  assert.equal(proposedIn(effects), ARRIVED);
});

test("the moment is over when whoever was answered has asked again", () => {
  const { subject, voices } = primaryWithWaiting();
  const effects = tell(subject, 256, voices.request(0, 2));
  assert.equal(proposedIn(effects), [...ARRIVED, [0, 2]]);
  assert.ok(effects.some((one) => one.kind === "cancel-timer" && one.timer === "batch"));
});

test("a session that asks alone never waits", () => {
  const subject = createSubject(0);
  const voices = new Voices(subject.config);
  for (let seq = 1; seq <= 3; seq++) {
    const [proposal] = sentOf(tell(subject, 256, voices.request(0, seq)), "pre-prepare");
    assert.ok(proposal?.kind === "pre-prepare");
    for (const voter of [1, 2])
      tell(subject, voter, voices.prepare(voter, 0, seq, proposal.digest));
    for (const voter of [1, 2]) tell(subject, voter, voices.commit(voter, 0, seq, proposal.digest));
    assert.is(statusOf(subject.replica).executedSeq, seq);
  }
});

test("a complete certificate costs 2f and 2f+1 verifications; further votes cost none", () => {
  const subject = createSubject(0, { n: 7 });
  const voices = new Voices(subject.config);
  const [proposal] = sentOf(tell(subject, 256, voices.request(0, 1)), "pre-prepare");
  assert.ok(proposal?.kind === "pre-prepare");
  const { digest } = proposal;
  const before = subject.keyring.verifications;
  for (let voter = 1; voter < 7; voter++) tell(subject, voter, voices.prepare(voter, 0, 1, digest));
  assert.is(subject.keyring.verifications - before, 4);
  for (let voter = 1; voter < 7; voter++) tell(subject, voter, voices.commit(voter, 0, 1, digest));
  assert.is(subject.keyring.verifications - before, 4 + 4, "our own commit is the fifth");
  assert.is(statusOf(subject.replica).executedSeq, 1);
});

test("the same inputs give the same effects, byte for byte", () => {
  const run = () => {
    const cluster = new Cluster({ n: 4, seed: 99, sessions: 3 });
    cluster.network.lossProbability = 0.1;
    cluster.ask(5);
    cluster.runUntil(() => cluster.answered, 60_000, "answers");
    return JSON.stringify([cluster.events, cluster.nowMs]);
  };
  assert.is(run(), run());
});

test("an idle replica's timers do nothing but send its status", () => {
  const subject = createSubject(1);
  const effects = step(subject.replica, { kind: "timeout", timer: "status" });
  assert.equal(
    effects.map((one) => (one.kind === "send" ? one.message.kind : one.kind)),
    ["status", "set-timer"],
  );
  assert.equal(step(subject.replica, { kind: "timeout", timer: "view" }), []);
  assert.equal(step(subject.replica, { kind: "timeout", timer: "fetch" }), []);
});

test.run();
