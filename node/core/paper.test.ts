import { existsSync, readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { batchDigest, NULL_DIGEST } from "./digest.js";
import type { Message } from "./messages.js";
import { statusOf, step } from "./replica.js";
import {
  CLIENT,
  createSubject,
  reasonOf,
  type Subject,
  sentOf,
  tell,
  Voices,
} from "./testing/voices.js";

const OTHER = "ee".repeat(32);
// This file runs from dist/; the list and the tests it names stand beside the sources.
const sources = new URL("../../../node/core/", import.meta.url);

test("every rule of the paper that is listed has a test or a script that shows it", () => {
  const rows = readFileSync(new URL("paper.md", sources), "utf8").match(/^\| \d.*$/gm) ?? [];
  assert.ok(rows.length > 50);
  for (const row of rows) {
    const [, section, rule, place = ""] = row.split("|").map((cell) => cell.trim());
    const [, file = "", name = ""] = /^`([^`]+)` ?(.*)$/.exec(place) ?? [];
    assert.ok(existsSync(new URL(file, sources)), `§${section}, ${rule}: there is no ${file}`);
    if (file.endsWith(".txt")) continue;
    const text = readFileSync(new URL(file, sources), "utf8");
    assert.ok(name !== "" && text.includes(`("${name}`), `§${section}, ${rule}: no test "${name}"`);
  }
});

/** Lets a batch execute at r1 or r3, by the certificate of the others; gives its checkpoint, if any. */
function execute(subject: Subject, voices: Voices, seq: number): Message[] {
  const requests = [voices.request(seq, 1)];
  const certificate = voices.commitCertificate(0, seq, requests, [0, 2, 3]);
  return sentOf(tell(subject, 2, certificate), "checkpoint");
}

/** Makes seq 4 stable with the checkpoints of two others. */
function stabilise(subject: Subject, voices: Voices): void {
  const [own] = [1, 2, 3, 4].flatMap((seq) => execute(subject, voices, seq));
  assert.ok(own?.kind === "checkpoint" && own.seq === 4);
  for (const voter of [0, 2]) tell(subject, voter, voices.checkpoint(voter, 4, own.digest));
  assert.is(statusOf(subject.replica).stableSeq, 4);
}

test("a reply names its view, timestamp, client and replica (OSDI '99 §4.1)", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const requests = [voices.request(5, 7, "pay")];
  const certificate = voices.commitCertificate(0, 1, requests, [0, 2, 3]);
  const [reply] = sentOf(tell(subject, 2, certificate), "reply");
  assert.ok(reply?.kind === "reply");
  const { view, client, timestamp, replica, seq, result } = reply;
  assert.equal([view, client, timestamp, replica, seq], [0, CLIENT + 5, 7, 1, 1]);
  assert.is(Buffer.from(result).toString(), "pay=1");
});

test("a backup relays a request to the primary of its view (OSDI '99 §4.1)", () => {
  const subject = createSubject(2);
  const voices = new Voices(subject.config);
  const request = voices.request(0, 1);
  const effects = tell(subject, 256, request);
  const relayed = effects.filter(({ kind }) => kind === "send");
  assert.equal(relayed, [{ kind: "send", to: [0], message: request }]);
  // What another backup relays is not relayed on: it would never come to rest.
  assert.equal(sentOf(tell(subject, 3, voices.request(1, 1)), "request"), []);
});

test("a pre-prepare or vote of an earlier or a later view does not count (OSDI '99 §4.2)", () => {
  const subject = createSubject(3);
  const voices = new Voices(subject.config);
  enterView1(subject, voices);
  const requests = [voices.request(0, 1)];
  const digest = batchDigest(requests);
  for (const view of [0, 2]) {
    const primary = view % 4;
    const proposal = voices.prePrepare(view, 1, requests);
    assert.is(reasonOf(tell(subject, primary, proposal)), "other-view");
    assert.is(reasonOf(tell(subject, 1, voices.prepare(1, view, 1, digest))), "other-view");
    assert.is(reasonOf(tell(subject, 1, voices.commit(1, view, 1, digest))), "other-view");
  }
  assert.is(reasonOf(tell(subject, 1, voices.prePrepare(1, 1, requests))), undefined);
});

function enterView1(subject: Subject, voices: Voices): void {
  const asked = [0, 1, 2].map((voter) => voices.viewChange(voter, 1));
  for (const viewChange of asked) tell(subject, viewChange.replica, viewChange);
  tell(subject, 1, voices.newView(1, asked, []));
  assert.equal([subject.replica.view, subject.replica.viewActive], [1, true]);
}

test("commits for another batch than the pre-prepare's do not count (OSDI '99 §4.2)", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const requests = [voices.request(0, 1)];
  const digest = batchDigest(requests);
  tell(subject, 0, voices.prePrepare(0, 1, requests));
  tell(subject, 2, voices.prepare(2, 0, 1, digest));
  tell(subject, 0, voices.commit(0, 0, 1, OTHER));
  tell(subject, 2, voices.commit(2, 0, 1, OTHER));
  tell(subject, 3, voices.commit(3, 0, 1, digest));
  assert.is(statusOf(subject.replica).executedSeq, 0, "two commits match, ours and r3's");
});

test("a checkpoint is taken at every multiple of K, and nowhere else (OSDI '99 §4.3)", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const taken = [1, 2, 3, 4, 5, 6, 7, 8].map((seq) => execute(subject, voices, seq).length);
  assert.equal(taken, [0, 0, 0, 1, 0, 0, 0, 1]);
});

test("a stable checkpoint forgets every vote and checkpoint at or below it (OSDI '99 §4.3)", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  tell(subject, 2, voices.prepare(2, 0, 3, OTHER));
  tell(subject, 2, voices.prepare(2, 0, 5, OTHER));
  stabilise(subject, voices);
  assert.equal([...subject.replica.slots.keys()], [5]);
  assert.is(subject.replica.checkpoints.size, 0);
});

test("the watermarks follow the stable checkpoint (OSDI '99 §4.3)", () => {
  const subject = createSubject(1);
  const before = statusOf(subject.replica);
  assert.equal([before.lowWatermark, before.highWatermark], [0, 8]);
  stabilise(subject, new Voices(subject.config));
  const after = statusOf(subject.replica);
  assert.equal([after.lowWatermark, after.highWatermark], [4, 12]);
});

test("the view timer stops when nothing waits, and starts anew for what still waits (OSDI '99 §4.4)", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const timers = (effects: ReturnType<typeof tell>) =>
    effects.flatMap((effect) => {
      if (effect.kind === "set-timer" && effect.timer === "view") return ["set"];
      return effect.kind === "cancel-timer" && effect.timer === "view" ? ["cancelled"] : [];
    });
  const [first, second] = [voices.request(0, 1), voices.request(1, 1)];
  assert.equal(timers(tell(subject, 256, first)), ["set"]);
  assert.equal(timers(tell(subject, 256, second)), [], "it runs already");
  const certificate = (seq: number, request: typeof first) =>
    voices.commitCertificate(0, seq, [request], [0, 2, 3]);
  assert.equal(timers(tell(subject, 2, certificate(1, first))), ["set"], "for the second");
  assert.equal(timers(tell(subject, 2, certificate(2, second))), ["cancelled"]);
});

test("while it changes views a replica counts checkpoints, and no votes of the old view (OSDI '99 §4.4)", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  tell(subject, 256, voices.request(0, 1));
  step(subject.replica, { kind: "timeout", timer: "view" });
  assert.is(subject.replica.viewActive, false);
  assert.is(reasonOf(tell(subject, 2, voices.prepare(2, 0, 1, OTHER))), "other-view");
  for (const voter of [0, 2, 3]) tell(subject, voter, voices.checkpoint(voter, 4, OTHER));
  assert.is(statusOf(subject.replica).stableSeq, 4);
});

test("a view-change holds the proof of its checkpoint and a certificate for each slot above (OSDI '99 §4.4)", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  stabilise(subject, voices);
  for (const seq of [5, 7]) {
    const requests = [voices.request(seq, 1)];
    tell(subject, 0, voices.prePrepare(0, seq, requests));
    for (const voter of [2, 3]) {
      tell(subject, voter, voices.prepare(voter, 0, seq, batchDigest(requests)));
    }
  }
  tell(subject, 0, voices.prePrepare(0, 6, [voices.request(6, 1)])); // not prepared
  tell(subject, 256, voices.request(0, 9));
  const effects = step(subject.replica, { kind: "timeout", timer: "view" });
  const [viewChange] = sentOf(effects, "view-change");
  assert.ok(viewChange?.kind === "view-change");
  assert.equal([viewChange.stableSeq, viewChange.stableProof.length], [4, 3]);
  assert.equal(
    viewChange.prepared.map(({ seq, prepares }) => [seq, prepares.length]),
    [
      [5, 2],
      [7, 2],
    ],
  );
});

test("the next primary announces its view with its own view-change and 2f others, not before (OSDI '99 §4.4)", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  tell(subject, 256, voices.request(0, 1));
  step(subject.replica, { kind: "timeout", timer: "view" });
  assert.equal(sentOf(tell(subject, 2, voices.viewChange(2, 1)), "new-view"), []);
  assert.equal(sentOf(tell(subject, 2, voices.viewChange(2, 1)), "new-view"), [], "one, repeated");
  const [newView] = sentOf(tell(subject, 3, voices.viewChange(3, 1)), "new-view");
  assert.ok(newView?.kind === "new-view");
  assert.equal(
    newView.viewChanges.map(({ replica }) => replica),
    [1, 2, 3],
  );
});

test("entering a view, a replica takes over the latest checkpoint that its view-changes prove (OSDI '99 §4.4)", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const proof = [0, 2, 3].map((voter) => voices.checkpoint(voter, 4, OTHER));
  tell(subject, 2, voices.viewChange(2, 1, [], proof));
  tell(subject, 3, voices.viewChange(3, 1));
  assert.equal([subject.replica.view, subject.replica.viewActive], [1, true]);
  assert.is(statusOf(subject.replica).stableSeq, 4);
  assert.is(subject.replica.nextSeq, 5, "it proposes above the checkpoint");
});

test("entering a view, a backup prepares every pre-prepare of O (OSDI '99 §4.4)", () => {
  const subject = createSubject(3);
  const voices = new Voices(subject.config);
  const batches = [1, 3].map((seq) => ({ seq, requests: [voices.request(seq, 1)] }));
  for (const { seq, requests } of batches) {
    tell(subject, 0, voices.prePrepare(0, seq, requests));
    for (const voter of [1, 2]) {
      tell(subject, voter, voices.prepare(voter, 0, seq, batchDigest(requests)));
    }
  }
  const prepared = batches.map(({ seq, requests }) =>
    voices.prepared(0, seq, batchDigest(requests), [1, 2]),
  );
  const asked = [0, 1, 2].map((voter) => voices.viewChange(voter, 1, prepared));
  for (const viewChange of asked) tell(subject, viewChange.replica, viewChange);
  const [first, third] = batches.map(({ requests }) => batchDigest(requests));
  const proposals = [first ?? "", NULL_DIGEST, third ?? ""].map((digest, index) => ({
    seq: index + 1,
    digest,
  }));
  const votes = sentOf(tell(subject, 1, voices.newView(1, asked, proposals)), "prepare");
  assert.equal(
    votes.map((vote) => vote.kind === "prepare" && [vote.view, vote.seq, vote.digest]),
    proposals.map(({ seq, digest }) => [1, seq, digest]),
  );
});

test("what executed before the view change is ordered again and not executed again (OSDI '99 §4.4)", () => {
  const subject = createSubject(3);
  const voices = new Voices(subject.config);
  const requests = [voices.request(1, 1)];
  const digest = batchDigest(requests);
  tell(subject, 0, voices.prePrepare(0, 1, requests));
  execute(subject, voices, 1);
  const prepared = [voices.prepared(0, 1, digest, [1, 2])];
  const asked = [0, 1, 2].map((voter) => voices.viewChange(voter, 1, prepared));
  for (const viewChange of asked) tell(subject, viewChange.replica, viewChange);
  const entered = tell(subject, 1, voices.newView(1, asked, [{ seq: 1, digest }]));
  assert.is(sentOf(entered, "prepare").length, 1, "others may need our vote");
  for (const voter of [0, 2]) tell(subject, voter, voices.prepare(voter, 1, 1, digest));
  for (const voter of [0, 1, 2]) tell(subject, voter, voices.commit(voter, 1, 1, digest));
  assert.is(subject.stateMachine.history().length, 1);
  assert.is(statusOf(subject.replica).executedSeq, 1);
});

test("the null request takes a seq and changes nothing (OSDI '99 §4.4)", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const effects = tell(subject, 2, voices.commitCertificate(0, 1, [], [0, 2, 3]));
  assert.is(statusOf(subject.replica).executedSeq, 1);
  assert.equal(subject.stateMachine.history(), []);
  assert.equal(sentOf(effects, "reply"), []);
});

test("in a new view the first request has the doubled time-out, and after it the first one (OSDI '99 §4.5.2)", () => {
  const subject = createSubject(3);
  const voices = new Voices(subject.config);
  const requests = [voices.request(0, 1)];
  tell(subject, 256, voices.request(0, 1));
  const delays: number[] = [];
  const note = (effects: ReturnType<typeof tell>) => {
    for (const effect of effects) {
      if (effect.kind === "set-timer" && effect.timer === "view") delays.push(effect.delayMs);
    }
  };
  for (const view of [1, 2]) {
    step(subject.replica, { kind: "timeout", timer: "view" });
    for (const voter of [0, 1, 2]) note(tell(subject, voter, voices.viewChange(voter, view)));
  }
  const asked = [0, 1, 2].map((voter) => voices.viewChange(voter, 2));
  note(tell(subject, 2, voices.newView(2, asked, [])));
  assert.equal(delays, [500, 1_000, 1_000]);
  tell(subject, 2, voices.commitCertificate(2, 1, requests, [0, 1, 2]));
  note(tell(subject, 256, voices.request(0, 2)));
  assert.is(delays.at(-1), 500);
});

test.run();
