import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FaultSpan } from "../run-record.js";
import type { CheckResult } from "../verdict.js";
import { accountable } from "./accountable.js";
import { VERIFIED_PER_SENDER_MAX } from "./contradictions.js";
import { signatureHolds } from "./ed25519.js";
import { scanJournals } from "./journals.js";
import { digestOf, entry, line, type Said, SIGNERS } from "./testing/notary.js";

/** r2's vote as a backup of view 0. */
const PREPARE: Said = { signer: 2, kind: "prepare", view: 0, seq: 7, about: "a" };
const LIE: FaultSpan = {
  id: "f0",
  label: "lie equivocate 50 % one → r2",
  nodes: ["r2"],
  start: 0,
  landed: true,
  evidence: "r2 told 12 lies",
  spendsF: true,
};

/** Journals of r0 and r1, each with some of these lines. */
function judge(
  heard: readonly [r0: readonly string[], r1: readonly string[]],
  faults: readonly FaultSpan[] = [],
): CheckResult {
  const journals = heard.map((lines, id) => ({ node: `r${id}`, lines }));
  return accountable({ scan: scanJournals(journals, SIGNERS), signers: SIGNERS }, faults);
}

function rejects(claim: string, statements: readonly Said[], deed: RegExp): void {
  test(`rejected: ${claim}`, () => {
    const [first, ...rest] = statements.map(line);
    const { valid, summary, proved } = judge([[first ?? ""], rest]);
    assert.is(valid, false);
    assert.match(summary, /^r\d contradicted itself, though no fault made it: /);
    assert.match(summary, deed);
    const signed = proved?.[0]?.statements ?? [];
    assert.is(signed.length, statements.length);
    for (const { bytes, signature } of signed) {
      assert.ok(signatureHolds(proved?.[0]?.signingKey ?? "", bytes, signature));
    }
  });
}

rejects(
  "an amnesiac's two prepares",
  [PREPARE, { ...PREPARE, about: "b" }],
  /prepares for view 0, seq 7 with digests [0-9a-f]{4}… and [0-9a-f]{4}…$/,
);
rejects(
  "a backup's two commits",
  ["a", "b"].map((about) => ({ ...PREPARE, kind: "commit", about })),
  /commits for view 0, seq 7/,
);
rejects(
  "a primary's commit for another batch than it proposed",
  [
    { signer: 1, kind: "pre-prepare", view: 1, seq: 7, about: "a" },
    { signer: 1, kind: "commit", view: 1, seq: 7, about: "b" },
  ],
  /r1 .*: a pre-prepare and a commit for view 1, seq 7/,
);
rejects(
  "two proposals for one slot",
  ["a", "b"].map((about) => ({ signer: 3, kind: "pre-prepare", view: 3, seq: 1, about })),
  /r3 .*: pre-prepares for view 3, seq 1/,
);
rejects(
  "two states at one checkpoint",
  ["a", "b"].map((about) => ({ signer: 0, kind: "checkpoint", seq: 128, about })),
  /r0 .*: checkpoints for seq 128 with/,
);
rejects(
  "two view-changes for one view",
  ["a", "b"].map((about) => ({ signer: 0, kind: "view-change", view: 5, about })),
  /r0 .*: view-changes for view 5 with/,
);
rejects(
  "two new-views for one view",
  ["a", "b"].map((about) => ({ signer: 1, kind: "new-view", view: 5, about })),
  /r1 .*: new-views for view 5 with/,
);
rejects(
  "the prepare of a view's primary",
  [{ ...PREPARE, view: 2 }],
  /r2 .*: a prepare for view 2, seq 7, though it is its primary$/,
);
rejects(
  "the proposal of a backup",
  [{ ...PREPARE, kind: "pre-prepare" }],
  /r2 .*: a pre-prepare for view 0, seq 7, though it is not its primary$/,
);
rejects(
  "the new-view of a backup",
  [{ signer: 2, kind: "new-view", view: 5, about: "a" }],
  /r2 .*: a new-view for view 5, though it is not its primary$/,
);

test("accepted: who repeats itself, in other views and at other seqs, contradicts nothing", () => {
  const said: readonly Said[] = [
    PREPARE,
    PREPARE,
    { ...PREPARE, kind: "commit" },
    { ...PREPARE, view: 1, about: "b" },
    { ...PREPARE, seq: 8, about: "b" },
    { signer: 3, kind: "prepare", view: 0, seq: 7, about: "b" },
    { signer: 3, kind: "commit", view: 0, seq: 7, about: "a" }, // 2f others prepared what it forgot
    { signer: 2, kind: "checkpoint", seq: 7, about: "b" },
    { signer: 2, kind: "view-change", view: 7, about: "b" },
  ];
  const lines = said.map(line);
  const { valid, summary, figures } = judge([lines, lines]);
  assert.is(valid, true);
  assert.is(summary, "no replica contradicts itself in 8 signed statements of 2 journals");
  assert.is(figures?.["signatures verified"], 0);
});

test("accepted: a liar is named with both statements and who heard each", () => {
  const [one, other] = [PREPARE, { ...PREPARE, about: "b" }].map(line);
  const result = judge([[one ?? ""], [one ?? "", other ?? ""]], [LIE]);
  assert.is(result.valid, true);
  assert.match(result.summary, /^r2 proved to have lied: prepares for view 0, seq 7 with digests /);
  const { replica, kind, view, seq, statements = [] } = result.proved?.[0] ?? {};
  assert.equal({ replica, kind, view, seq }, { replica: "r2", kind: "prepare", view: 0, seq: 7 });
  const shown = statements.map(({ digest, heardBy }) => ({ digest, heardBy }));
  assert.equal(shown, [
    { digest: digestOf("a"), heardBy: ["r0", "r1"] },
    { digest: digestOf("b"), heardBy: ["r1"] },
  ]);
});

test("accepted: a lie that nobody can prove is said, and no more", () => {
  const { valid, proved, explanation } = judge([[line(PREPARE)], []], [LIE]);
  assert.is(valid, true);
  assert.is(proved, undefined);
  assert.equal(explanation, ["lied, not proved: f0 lie equivocate 50 % one → r2"]);
  const mute = { ...LIE, label: "lie mute 100 % one → r2" };
  assert.is(judge([[line(PREPARE)], []], [mute]).explanation, undefined);
});

test("accepted: a forged signature is no proof", () => {
  const forged = line({ ...PREPARE, about: "b", key: 3 });
  const { valid, proved, explanation } = judge([[line(PREPARE)], [forged]]);
  assert.is(valid, true);
  assert.is(proved, undefined);
  assert.match(explanation?.[0] ?? "", /^1 signature that /);
});

test("accepted: a forgery beside it does not hide the proof", () => {
  const forged = line({ ...PREPARE, about: "b", key: 3 });
  const { valid } = judge([[forged, line(PREPARE)], [line({ ...PREPARE, about: "b" })]]);
  assert.is(valid, false);
});

test("accepted: a statement of another cluster is no proof", () => {
  const elsewhere = line({ ...PREPARE, about: "b", cluster: "00112233aabbccde" });
  const { valid, explanation } = judge([[line(PREPARE)], [elsewhere]]);
  assert.is(valid, true);
  assert.match(explanation?.[0] ?? "", /^1 statement of another cluster/);
});

test("accepted: what a line claims beside its bytes is not believed", () => {
  const said = entry({ ...PREPARE, about: "b" });
  const changes: readonly object[] = [
    { digest: digestOf("c") },
    { view: 1 },
    { seq: 8 },
    { kind: "commit" },
    { signer: 3 },
    { bytes: said.bytes.slice(2) },
    { bytes: `${said.bytes}00` },
    { bytes: "no hex" },
    { signature: said.signature.slice(2) },
  ];
  const lines = changes.map((change) => JSON.stringify({ ...said, ...change }));
  const torn = [...lines, line(PREPARE).slice(0, 90), "7", "null", ""];
  const { valid, proved, explanation } = judge([[line(PREPARE)], torn]);
  assert.is(valid, true);
  assert.is(proved, undefined);
  assert.match(explanation?.[0] ?? "", /^12 lines of the journals malformed/);
});

test("accepted: a backup may pass on what its primary proposed", () => {
  const proposal: Said = { signer: 0, kind: "pre-prepare", view: 0, seq: 7, about: "a" };
  const passedOn = JSON.stringify({ ...entry(proposal), signer: 2 });
  const { valid, figures } = judge([[line(proposal)], [passedOn]]);
  assert.is(valid, true);
  assert.is(figures?.["signatures verified"], 0);
  assert.is(judge([[passedOn], []]).valid, true);
  // What only came by another way proves as much.
  const other = line({ ...proposal, about: "b" });
  assert.match(judge([[passedOn], [other]]).summary, /^r0 contradicted itself/);
});

test("accepted: a replica whose disk was wiped may have forgotten", () => {
  const wiped = { ...LIE, label: "disk-damage wiped one → r2" };
  const both = [PREPARE, { ...PREPARE, about: "b" }].map(line);
  assert.is(judge([both, []], [wiped]).valid, true);
  const { spendsF: _, ...killed } = { ...LIE, label: "kill one → r2" };
  assert.is(judge([both, []], [killed]).valid, false);
  assert.is(judge([both, []], [{ ...wiped, nodes: ["r1"] }]).valid, false);
});

test("what was not verified is unknown, never valid", () => {
  const forged = Array.from({ length: VERIFIED_PER_SENDER_MAX }, (_, at) =>
    ["a", "b"].map((about) => line({ ...PREPARE, seq: at, about, key: 3 })),
  ).flat();
  const { valid, summary, figures } = judge([forged, []]);
  assert.is(valid, "unknown");
  assert.is(summary, "the budget ended before all suspicions of r2 were verified");
  assert.is(figures?.["signatures verified"], VERIFIED_PER_SENDER_MAX);
  assert.is(judge([forged, []], [LIE]).valid, true);
});

test("without a journal, or with nothing in it, it is not known", () => {
  assert.is(accountable(undefined, []).valid, "unknown");
  assert.is(judge([[], []]).valid, "unknown");
  assert.match(
    judge([[line(PREPARE), '{"full":3}'], []]).explanation?.[0] ?? "",
    /full: r0 of r3$/,
  );
});

test.run();
