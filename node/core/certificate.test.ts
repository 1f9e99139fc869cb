import { test } from "uvu";
import * as assert from "uvu/assert";
import type { CommitCertificate } from "./messages.js";
import { statusOf } from "./replica.js";
import { createSubject, reasonOf, tell, Voices } from "./testing/voices.js";
import { encodeMessage } from "./wire.js";

const OTHER = "ee".repeat(32);

test("a commit certificate executes in any view, and nothing less than 2f+1 real commits does", () => {
  const subject = createSubject(3);
  const voices = new Voices(subject.config);
  const batch = [voices.request(0, 1)];
  const good = voices.commitCertificate(5, 1, batch, [0, 1, 2]);
  const [first, second, third] = good.commits;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const refused: [string, CommitCertificate][] = [
    ["wrong-commit-count", { ...good, commits: [first, second] }],
    ["repeated-commits", { ...good, commits: [first, first, second] }],
    ["repeated-commits", { ...good, commits: [third, second, first] }],
    ["mismatched-commit", { ...good, commits: [first, second, { ...third, view: 4 }] }],
    ["mismatched-commit", { ...good, commits: [first, second, { ...third, digest: OTHER }] }],
    [
      "forged-commit",
      { ...good, commits: [first, second, { ...third, signature: first.signature }] },
    ],
    ["repeated-commits", voices.commitCertificate(5, 1, batch, [0, 1, 9])],
    ["digest-mismatch", { ...good, requests: [voices.request(0, 2)] }],
    ["outside-watermarks", voices.commitCertificate(5, 9, batch, [0, 1, 2])],
  ];
  for (const [reason, certificate] of refused) {
    assert.is(reasonOf(tell(subject, 0, certificate)), reason);
    assert.is(statusOf(subject.replica).executedSeq, 0);
  }
  tell(subject, 0, good);
  assert.is(statusOf(subject.replica).executedSeq, 1);
  assert.is(statusOf(subject.replica).view, 0);
});

test("certificates that come in any order execute in the order of their seqs", () => {
  const subject = createSubject(3);
  const voices = new Voices(subject.config);
  for (const seq of [3, 2, 4]) {
    tell(subject, 1, voices.commitCertificate(0, seq, [voices.request(seq, 1)], [0, 1, 2]));
  }
  assert.is(statusOf(subject.replica).executedSeq, 0);
  tell(subject, 1, voices.commitCertificate(0, 1, [], [0, 1, 2]));
  assert.is(statusOf(subject.replica).executedSeq, 4);
});

test("votes that disagree have no encoding as a certificate", () => {
  const subject = createSubject(3);
  const voices = new Voices(subject.config);
  const good = voices.commitCertificate(0, 1, [], [0, 1, 2]);
  const mixed = { ...good, commits: [...good.commits, voices.commit(3, 0, 2, good.digest)] };
  assert.throws(() => encodeMessage(mixed), /in a proof of/);
});

test("a signature seen valid once is not verified again, nor taken for another message's", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const proposal = voices.prePrepare(0, 1, [voices.request(0, 1)]);
  tell(subject, 0, proposal);
  const { digest } = proposal;
  tell(subject, 2, voices.prepare(2, 0, 1, digest));
  const before = subject.keyring.verifications;
  tell(subject, 3, voices.viewChange(3, 1, [voices.prepared(0, 1, digest, [1, 2])]));
  assert.is(subject.keyring.verifications - before, 1, "only the view-change's own");
  const stolen = voices.prepared(0, 2, digest, [1, 2]);
  const [one] = voices.prepared(0, 1, digest, [1, 2]).prepares;
  assert.ok(one !== undefined);
  const relabelled = { ...stolen, prepares: [{ ...one, seq: 2 }, ...stolen.prepares.slice(1)] };
  assert.is(reasonOf(tell(subject, 3, voices.viewChange(3, 2, [relabelled]))), "forged-prepare");
});

test.run();
