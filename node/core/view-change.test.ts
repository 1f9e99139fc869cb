import { test } from "uvu";
import * as assert from "uvu/assert";
import { NULL_DIGEST } from "./digest.js";
import { planNewView } from "./new-view.js";
import { statusOf, step } from "./replica.js";
import type { Effect } from "./step.js";
import { Cluster, type Liar } from "./testing/cluster.js";
import { createSubject, reasonOf, type Subject, sentOf, tell, Voices } from "./testing/voices.js";
import { encodeMessage as encode, encodeBatch } from "./wire.js";

const [A, B] = ["aa".repeat(32), "bb".repeat(32)];
const STATE = "cc".repeat(32);

for (const n of [4, 7]) {
  test(`${n} replicas replace a primary that is dead, and lose nothing (OSDI '99 §4.4)`, () => {
    const cluster = new Cluster({ n, seed: n, sessions: 3 });
    cluster.ask(4);
    cluster.runUntil(() => cluster.sessions.some(({ done }) => done.length > 1), 5_000, "answers");
    cluster.crash(0, "kill");
    cluster.ask(4);
    cluster.runUntil(() => cluster.answered, 20_000, "answers without r0");
    cluster.restart(0);
    cluster.runUntil(() => cluster.converged, 5_000, "r0 equal");
    cluster.checkHistories();
    assert.is(statusOf(cluster.node(1).replica).view, 1, "one view change was enough");
    assert.is(statusOf(cluster.node(0).replica).view, 1, "r0 followed");
  });

  test(`${n} replicas get past f dead primaries in a row, with doubled time-outs (§4.5.2)`, () => {
    const cluster = new Cluster({ n, seed: n, sessions: 2 });
    for (let id = 0; id < cluster.f; id++) cluster.crash(id, "kill");
    cluster.ask(3);
    cluster.runUntil(() => cluster.answered, 20_000, "answers");
    for (const { replica } of cluster.nodes.slice(cluster.f)) {
      assert.is(statusOf(replica).view, cluster.f);
      assert.is(replica.attempts, 0, "progress resets the time-out");
    }
  });

  test(`${n} replicas replace a primary that proposes different batches to different backups`, () => {
    const cluster = new Cluster({ n, seed: n, sessions: 4 });
    cluster.node(0).liar = ({ to, message }) => {
      if (message.kind !== "pre-prepare" || to % 2 === 0) return undefined;
      const voices = new Voices(cluster.config);
      return [voices.prePrepare(message.view, message.seq, [])];
    };
    cluster.ask(5);
    cluster.runUntil(() => cluster.answered, 30_000, "answers");
    cluster.runUntil(() => cluster.converged, 5_000, "equal");
    cluster.checkHistories();
    assert.ok(statusOf(cluster.node(1).replica).view >= 1);
  });
}

test("time-outs double with every view change in a row, up to the cap", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  tell(subject, 256, voices.request(0, 1));
  const delays: number[] = [];
  step(subject.replica, { kind: "timeout", timer: "view" });
  for (let view = 1; view <= 7; view++) {
    const effects = [2, 3].flatMap((voter) => tell(subject, voter, voices.viewChange(voter, view)));
    for (const one of effects) if (one.kind === "set-timer") delays.push(one.delayMs);
    step(subject.replica, { kind: "timeout", timer: "view" });
  }
  // Views 1 and 5 are our own: as their primary we need no new-view of another, so no timer runs.
  assert.equal(delays.slice(0, 5), [1_000, 2_000, 4_000, 8_000, 8_000].slice(0, delays.length));
});

test("a replica that asks for a view waits without a time-out until 2f+1 ask (§4.5.2)", () => {
  const subject = createSubject(2);
  const voices = new Voices(subject.config);
  tell(subject, 256, voices.request(0, 1));
  const asked = step(subject.replica, { kind: "timeout", timer: "view" });
  assert.is(sentOf(asked, "view-change").length, 1);
  const armed = (effects: readonly { kind: string }[]) =>
    effects.some((one) => one.kind === "set-timer");
  assert.not(armed(asked));
  assert.not(armed(tell(subject, 0, voices.viewChange(0, 1))));
  assert.ok(armed(tell(subject, 3, voices.viewChange(3, 2))), "a later view counts as well");
});

test("after its view-change a replica votes in no earlier view", () => {
  const subject = createSubject(2);
  const voices = new Voices(subject.config);
  tell(subject, 256, voices.request(0, 1));
  step(subject.replica, { kind: "timeout", timer: "view" });
  const late = tell(subject, 0, voices.prePrepare(0, 1, [voices.request(0, 1)]));
  assert.is(reasonOf(late), "other-view");
  assert.is(sentOf(late, "prepare").length, 0);
});

test("f+1 later views are joined at the smallest of them; f are not", () => {
  const subject = createSubject(3, { n: 7 });
  const voices = new Voices(subject.config);
  tell(subject, 1, voices.viewChange(1, 9));
  tell(subject, 2, voices.viewChange(2, 4));
  assert.is(statusOf(subject.replica).view, 0);
  const effects = tell(subject, 4, voices.viewChange(4, 6));
  assert.is(statusOf(subject.replica).view, 4);
  assert.is(sentOf(effects, "view-change").length, 1);
});

test("a view-change that proves too little is refused, whatever it claims", () => {
  const subject = createSubject(0);
  const voices = new Voices(subject.config);
  const stable = [0, 1, 2].map((voter) => voices.checkpoint(voter, 4, STATE));
  const good = voices.prepared(0, 5, A, [1, 2]);
  const cases: [string, Parameters<Voices["viewChange"]>[2], typeof stable][] = [
    ["wrong-prepare-count", [voices.prepared(0, 5, A, [1])], stable],
    ["repeated-prepares", [voices.prepared(0, 5, A, [1, 1])], stable],
    ["prepare-of-primary", [voices.prepared(0, 5, A, [0, 1])], stable],
    ["certificate-of-later-view", [voices.prepared(1, 5, A, [2, 3])], stable],
    ["certificate-out-of-order", [voices.prepared(0, 13, A, [1, 2])], stable],
    ["certificate-out-of-order", [voices.prepared(0, 4, A, [1, 2])], stable],
    ["certificate-out-of-order", [good, good], stable],
    ["wrong-proof-count", [good], stable.slice(1)],
    [
      "forged-prepare",
      [{ ...good, prepares: voices.prepared(0, 5, A, [1, 2]).prepares.map(broken) }],
      stable,
    ],
    ["forged-pre-prepare", [{ ...good, prePrepareSignature: new Uint8Array(64) }], stable],
    ["forged-checkpoint", [good], stable.map(broken)],
  ];
  for (const [reason, prepared, proof] of cases) {
    step(subject.replica, { kind: "timeout", timer: "status" });
    const effects = tell(subject, 3, voices.viewChange(3, 1, prepared, proof));
    assert.is(reasonOf(effects), reason);
  }
  const unsigned = { ...voices.viewChange(3, 1, [good], stable), signature: new Uint8Array(64) };
  assert.is(reasonOf(tell(subject, 3, unsigned)), "bad-signature");
  assert.is(reasonOf(tell(subject, 3, voices.viewChange(3, 1, [good], stable))), undefined);
});

function broken<V extends { signature: Uint8Array }>(vote: V): V {
  return { ...vote, signature: new Uint8Array(64) };
}

/** A replica that has asked for view 1, and three view-changes for it. */
function awaiting(): {
  subject: Subject;
  voices: Voices;
  asked: ReturnType<Voices["viewChange"]>[];
} {
  const subject = createSubject(3);
  const voices = new Voices(subject.config);
  const proof = [0, 1, 2].map((voter) => voices.checkpoint(voter, 4, STATE));
  const asked = [
    voices.viewChange(0, 1, [voices.prepared(0, 6, A, [1, 2])], proof),
    voices.viewChange(1, 1, [voices.prepared(0, 8, B, [1, 2])], proof),
    voices.viewChange(2, 1, [voices.prepared(0, 2, B, [1, 3])]),
  ];
  for (const one of asked) tell(subject, one.replica, one);
  assert.is(statusOf(subject.replica).viewActive, false, "it joined");
  return { subject, voices, asked };
}

const RIGHT = [
  { seq: 5, digest: NULL_DIGEST },
  { seq: 6, digest: A },
  { seq: 7, digest: NULL_DIGEST },
  { seq: 8, digest: B },
];

test("a new-view holds every prepared batch above min-s, null requests in the gaps (§4.4)", () => {
  const { subject, voices, asked } = awaiting();
  assert.equal(planNewView(asked).proposals, RIGHT);
  const effects = tell(subject, 1, voices.newView(1, asked, RIGHT));
  assert.ok(statusOf(subject.replica).viewActive);
  assert.is(statusOf(subject.replica).stableSeq, 4, "min-s became our stable checkpoint");
  const prepares = sentOf(effects, "prepare").map((one) => "seq" in one && one.seq);
  assert.equal(prepares, [5, 7], "a prepare waits for the batch");
  assert.is(sentOf(effects, "fetch").length > 0, true, "which is asked for by its digest");
});

test("of two certificates for a seq the one of the higher view decides, whoever shows it (§4.4)", () => {
  const voices = new Voices(createSubject(0).config);
  const older = voices.viewChange(0, 5, [voices.prepared(1, 3, A, [0, 2])]);
  const newer = voices.viewChange(2, 5, [voices.prepared(4, 3, B, [1, 3])]);
  const empty = voices.viewChange(3, 5);
  for (const order of [
    [older, newer, empty],
    [newer, empty, older],
  ]) {
    assert.equal(planNewView(order).proposals.at(-1), { seq: 3, digest: B });
  }
});

test("a new-view whose O does not follow from its V is refused, and the next view asked for", () => {
  const wrong = [
    RIGHT.slice(0, 3),
    [...RIGHT, { seq: 9, digest: A }],
    RIGHT.map((one) => (one.seq === 6 ? { ...one, digest: NULL_DIGEST } : one)),
    RIGHT.map((one) => (one.seq === 5 ? { ...one, digest: A } : one)),
    [{ seq: 4, digest: A }, ...RIGHT],
    [],
  ];
  for (const proposals of wrong) {
    const { subject, voices, asked } = awaiting();
    const effects = tell(subject, 1, voices.newView(1, asked, proposals));
    assert.is(reasonOf(effects), "wrong-pre-prepares");
    assert.is(statusOf(subject.replica).view, 2);
    assert.is(sentOf(effects, "prepare").length, 0);
  }
});

test("a new-view with too few, repeated or foreign view-changes, or not of its primary, is refused", () => {
  const { subject, voices, asked } = awaiting();
  const [first, second, third] = asked;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const refused = (from: number, chosen: typeof asked): string | undefined =>
    reasonOf(tell(subject, from, voices.newView(1, chosen, planNewView(chosen).proposals)));
  assert.is(refused(1, [first, second]), "wrong-view-change-count");
  assert.is(refused(1, [first, first, second]), "repeated-view-changes");
  assert.is(refused(1, [second, first, third]), "repeated-view-changes");
  const good = voices.newView(1, asked, RIGHT);
  assert.is(reasonOf(tell(subject, 2, { ...good, replica: 2 })), "not-primary");
  assert.is(reasonOf(tell(subject, 1, { ...good, prePrepares: [] })), "bad-signature");
  assert.is(statusOf(subject.replica).view, 1, "nothing of this was the primary's own lie");
  const mislabelled = voices.newView(1, [first, second, { ...third, replica: 3 }], RIGHT);
  tell(subject, 1, mislabelled);
  assert.is(statusOf(subject.replica).viewActive, false);
});

test("a new-view that names an invalid view-change is refused once that was fetched", () => {
  const { subject, voices, asked } = awaiting();
  const [first, second] = asked;
  assert.ok(first !== undefined && second !== undefined);
  const lie = voices.viewChange(3, 1, [voices.prepared(0, 5, A, [1, 1])]);
  const chosen = [first, second, { ...lie, replica: 3 }];
  tell(subject, 1, voices.newView(1, chosen, planNewView(chosen).proposals));
  assert.is(statusOf(subject.replica).view, 1, "the named view-change is awaited");
  const effects = tell(subject, 1, {
    kind: "data",
    replica: 1,
    what: "view-change",
    bytes: encode(lie),
  });
  assert.is(reasonOf(effects), "invalid-view-change");
  assert.is(statusOf(subject.replica).view, 2);
});

test("missing view-changes are fetched by digest from whoever has them", () => {
  const subject = createSubject(3);
  const voices = new Voices(subject.config);
  const asked = [0, 1, 2].map((voter) => voices.viewChange(voter, 1));
  const effects = tell(subject, 2, voices.newView(1, asked, []));
  assert.ok(sentOf(effects, "fetch").length > 0);
  assert.is(statusOf(subject.replica).view, 0);
  for (const one of asked) {
    tell(subject, 2, { kind: "data", replica: 2, what: "view-change", bytes: encode(one) });
  }
  assert.is(statusOf(subject.replica).view, 1);
});

test("a new-view that comes late takes nobody back to an earlier view", () => {
  const subject = createSubject(3);
  const voices = new Voices(subject.config);
  const asked = [0, 1, 2].map((voter) => voices.viewChange(voter, 1));
  tell(subject, 1, voices.newView(1, asked, [])); // its view-changes are awaited
  for (const voter of [0, 2]) tell(subject, voter, voices.viewChange(voter, 2));
  assert.is(statusOf(subject.replica).view, 2);
  for (const one of asked) {
    tell(subject, 1, { kind: "data", replica: 1, what: "view-change", bytes: encode(one) });
  }
  assert.equal([statusOf(subject.replica).view, statusOf(subject.replica).viewActive], [2, false]);
});

test("a view change over a full window verifies each signature once", () => {
  const subject = createSubject(1, {
    checkpointInterval: 64,
    window: 128,
    batchesOutstandingMax: 128,
  });
  const voices = new Voices(subject.config);
  const certificates = Array.from({ length: 128 }, (_, index) =>
    voices.prepared(0, index + 1, NULL_DIGEST, [2, 3]),
  );
  const before = subject.keyring.verifications;
  tell(subject, 2, voices.viewChange(2, 1, certificates));
  const first = subject.keyring.verifications - before;
  tell(subject, 3, voices.viewChange(3, 1, certificates));
  const second = subject.keyring.verifications - before - first;
  assert.is(first, 1 + 3 * 128);
  assert.is(second, 1, "all but the view-change's own signature was seen before");
  assert.ok(statusOf(subject.replica).viewActive, "r1 is the primary of view 1");
});

/** What the new-view among the effects proposes, and on whose view-changes; undefined: there is none. */
function announced(effects: readonly Effect[]) {
  const [message] = sentOf(effects, "new-view");
  if (message?.kind !== "new-view") return undefined;
  return {
    proposals: message.prePrepares.map(({ seq, digest }) => ({ seq, digest })),
    voters: message.viewChanges.map(({ replica }) => replica),
  };
}

test("the next primary fetches a batch before it names it, and goes on without one that nobody gives", () => {
  const asked = (subject: Subject, voices: Voices, digest: string) => [
    ...tell(subject, 3, voices.viewChange(3, 1, [voices.prepared(0, 1, digest, [2, 3])])),
    ...tell(subject, 2, voices.viewChange(2, 1)),
  ];
  const kept = createSubject(1);
  const voices = new Voices(kept.config);
  const waits = asked(kept, voices, A);
  assert.is(announced(waits), undefined, "2f+1 ask, and one shows a batch that is not here");
  assert.ok(sentOf(waits, "fetch").some((one) => one.kind === "fetch" && one.digests[0] === A));
  const without = tell(kept, 0, voices.viewChange(0, 1));
  assert.equal(announced(without), { proposals: [], voters: [0, 1, 2] });

  const given = createSubject(1);
  const { requests, digest } = voices.prePrepare(0, 1, [voices.request(0, 1)]);
  assert.is(announced(asked(given, voices, digest)), undefined);
  const bytes = encodeBatch(requests);
  const data = tell(given, 3, { kind: "data", replica: 3, what: "batch", bytes });
  assert.equal(announced(data), { proposals: [{ seq: 1, digest }], voters: [1, 2, 3] });
  const foreign = tell(given, 3, { kind: "data", replica: 3, what: "batch", bytes });
  assert.is(reasonOf(foreign), "unwanted-batch");
});

test("a next primary that is behind takes the latest checkpoint first: what is below it nobody has", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const proof = [0, 2, 3].map((voter) => voices.checkpoint(voter, 8, STATE));
  tell(subject, 2, voices.viewChange(2, 1, [voices.prepared(0, 5, A, [2, 3])]));
  const effects = tell(subject, 3, voices.viewChange(3, 1, [], proof));
  assert.equal(announced(effects), { proposals: [], voters: [1, 2, 3] });
  assert.is(statusOf(subject.replica).stableSeq, 8);
});

/** In place of what r3 should send: nothing that helps anyone to a batch. */
const hoards: Liar = ({ message: { kind } }) =>
  ["prepare", "commit", "data", "pre-prepare", "commit-certificate"].includes(kind)
    ? []
    : undefined;

test("a certificate whose batch only a liar kept through a power failure holds up no view", () => {
  let [shown, announcements] = [0, 0];
  for (let seed = 1; seed <= 20; seed++) {
    const cluster = new Cluster({ n: 4, seed, sessions: 1 });
    cluster.ask(1);
    cluster.runUntil(() => cluster.answered, 5_000, "an answer");
    const seq = statusOf(cluster.node(0).replica).executedSeq + 1;
    cluster.node(3).liar = hoards;
    const correct = [0, 1, 2];
    cluster.onSend = ({ message }) => {
      // The votes of the correct ones reach the liar only.
      if (message.kind !== "prepare" || message.seq !== seq) return;
      cluster.network.connected = (_, to) => to === 3;
    };
    cluster.ask(1);
    const certificate = () => cluster.node(3).replica.slots.get(seq)?.prepared;
    cluster.runUntil(() => certificate() !== undefined, 5_000, "the liar's certificate");
    const hoarded = certificate()?.digest;
    for (const id of correct) cluster.crash(id, "power-cut");
    cluster.onSend = ({ message }) => {
      if (message.kind === "new-view" && message.view === 1) {
        announcements += 1;
        const proposed = message.prePrepares.find((one) => one.seq === seq)?.digest;
        assert.is.not(proposed, hoarded, `seed ${seed}: proposes what nobody can give`);
      }
      if (message.kind === "view-change" && message.replica === 3) {
        shown += message.prepared.filter((one) => one.seq === seq).length;
      }
    };
    cluster.network.connected = () => true;
    for (const id of correct) cluster.restart(id);
    cluster.runUntil(() => cluster.answered, 10_000, `seed ${seed}: an answer in the next view`);
    cluster.checkHistories();
  }
  assert.ok(shown > 0, "the liar showed its certificate");
  assert.ok(announcements > 0, "a view that could have proposed it began");
});

test("a backup that was paused does not blame the primary for its own sleep", () => {
  const subject = createSubject(2, { statusIntervalMs: 150 });
  const voices = new Voices(subject.config);
  tell(subject, 256, voices.request(0, 1));
  const awake = step(subject.replica, { kind: "timeout", timer: "view" });
  assert.is(sentOf(awake, "view-change").length, 0, "no tick since the timer was set");
  assert.ok(awake.some((one) => one.kind === "set-timer" && one.timer === "view"));
  step(subject.replica, { kind: "timeout", timer: "status" });
  step(subject.replica, { kind: "timeout", timer: "status" });
  const later = step(subject.replica, { kind: "timeout", timer: "view" });
  assert.is(sentOf(later, "view-change").length, 1);
});

test("a backup waits for a null request as for a client's: too few may be left to commit it", () => {
  const subject = createSubject(2);
  const voices = new Voices(subject.config);
  const proposed = tell(subject, 0, voices.prePrepare(0, 1, []));
  assert.ok(proposed.some((one) => one.kind === "set-timer" && one.timer === "view"));
  for (const seq of [1, 2]) {
    const committed = tell(subject, 0, voices.commitCertificate(0, seq, [], [0, 1, 3]));
    const waits = committed.some((one) => one.kind === "cancel-timer" && one.timer === "view");
    assert.is(waits, seq === 1, "it executed: there is nothing to wait for");
  }
  tell(subject, 0, voices.prePrepare(0, 3, []));
  const late = step(subject.replica, { kind: "timeout", timer: "view" });
  assert.is(sentOf(late, "view-change").length, 1);
});

for (const paused of [1, 3]) {
  test(`replica ${paused}, paused for two seconds under load, comes back and asks for no view`, () => {
    const cluster = new Cluster({ n: 4, seed: 50, sessions: 3 });
    cluster.ask(400);
    cluster.runFor(200);
    cluster.node(paused).pausedUntilMs = cluster.nowMs + 2_000;
    cluster.runUntil(() => cluster.answered, 60_000, "answers");
    cluster.runUntil(() => cluster.converged, 5_000, "equal");
    assert.is(cluster.countEvents("view-change-started"), 0);
  });
}

test("a flood of valid view-changes costs a bounded number of verifications in a tick", () => {
  const subject = createSubject(2, { n: 7 });
  const voices = new Voices(subject.config);
  const before = subject.keyring.verifications;
  for (let view = 1; view <= 100; view++) tell(subject, 1, voices.viewChange(1, view));
  assert.ok(subject.keyring.verifications - before <= 8);
});

test("requests that a backup knows reach the primary of the view it enters", () => {
  const { subject, voices, asked } = awaiting();
  tell(subject, 256, voices.request(0, 1));
  const effects = tell(subject, 1, voices.newView(1, asked, RIGHT));
  assert.is(sentOf(effects, "request").length, 1);
});

test.run();
