import { test } from "uvu";
import * as assert from "uvu/assert";
import type { LogRecord } from "../../node/core/log.js";
import type { Commit, Message, Prepare } from "../../node/core/messages.js";
import type { Replica } from "../../node/core/replica.js";
import { createSlot } from "../../node/core/slot.js";
import { VOTES_AHEAD_MAX } from "../../node/core/votes-ahead.js";
import { Promises } from "./promises.js";

const [A, B] = ["aa".repeat(32), "bb".repeat(32)];
const signature = new Uint8Array(64);
const CLEAN = { clean: true };

function prepare(view: number, seq: number, digest = A): Prepare {
  return { kind: "prepare", view, seq, digest, replica: 1, signature };
}

function commit(view: number, seq: number, digest = A): Commit {
  return { kind: "commit", view, seq, digest, replica: 1, signature };
}

function proposed(view: number, seq: number, digest = A): LogRecord {
  return {
    kind: "pre-prepare",
    message: { kind: "pre-prepare", view, seq, digest, signature, requests: [] },
  };
}

function prepared(view: number, seq: number, digest = A): LogRecord {
  const certificate = { view, seq, digest, prePrepareSignature: signature, prepares: [] };
  return { kind: "prepared", certificate };
}

function viewChange(view: number): Message & { kind: "view-change" } {
  const nothing = { stableSeq: 0, stableProof: [], prepared: [] };
  return { kind: "view-change", view, replica: 1, ...nothing, signature };
}

test("a vote with its record may leave, and leave again", () => {
  const promises = new Promises(1, 4);
  promises.onAppend([proposed(0, 1), prepared(0, 1)]);
  for (const message of [prepare(0, 1), commit(0, 1), prepare(0, 1)]) {
    promises.onSend(message, CLEAN);
  }
});

test("a vote without a record is caught, and one whose record is not synced", () => {
  const promises = new Promises(1, 4);
  assert.throws(() => promises.onSend(prepare(0, 1), CLEAN), /without a durable record/);
  promises.onAppend([proposed(0, 1)]);
  assert.throws(() => promises.onSend(prepare(0, 1), { clean: false }), /before its record/);
  assert.throws(() => promises.onSend(commit(0, 1), CLEAN), /without a durable record/);
});

test("a prepare may run ahead of the last logged vote of its view, so far and not further", () => {
  const promises = new Promises(1, 4);
  promises.onAppend([prepared(0, 1)]);
  promises.onSend(prepare(0, 1 + VOTES_AHEAD_MAX), CLEAN);
  assert.throws(() => promises.onSend(prepare(0, 2 + VOTES_AHEAD_MAX), CLEAN), /without a durable/);
  assert.throws(() => promises.onSend(commit(0, 2), CLEAN), /without a durable/);
  assert.throws(() => promises.onSend(prepare(1, 2), CLEAN), /without a durable/);
  promises.onAppend([{ kind: "votes-logged", view: 0, forgottenSeq: 0 }]);
  assert.throws(() => promises.onSend(prepare(0, 3), CLEAN), /without a durable/);
});

test("after a restart a vote of which no record was found is not cast again, not even the same", () => {
  const promises = new Promises(1, 4);
  promises.onAppend([proposed(0, 1)]);
  for (const seq of [1, 2]) promises.onSend(prepare(0, seq), CLEAN);
  promises.onStart([proposed(0, 1)]);
  promises.onSend(prepare(0, 1), CLEAN);
  promises.onAppend([proposed(0, 2)]);
  assert.throws(() => promises.onSend(prepare(0, 2), CLEAN), /could not remember/);

  const own = new Map([[1, { vote: prepare(0, 2), verified: true }]]);
  const slots = new Map([[2, { ...createSlot(2), prepares: own }]]);
  const holder = { id: 1, view: 0, slots } as unknown as Replica;
  assert.throws(() => promises.checkHeld(holder), /where it has forgotten one/);
  const cut = (forgottenSeq: number): LogRecord[] => [
    { kind: "view", view: 0, active: true },
    { kind: "votes-logged", view: 0, forgottenSeq },
  ];
  promises.onCut(cut(5));
  assert.throws(() => promises.onCut(cut(1)), /does not say that a vote at seq 2/);
});

test("another vote for the same slot is caught, also after a restart and a wiped disk", () => {
  const promises = new Promises(1, 4);
  promises.onAppend([proposed(0, 1)]);
  promises.onSend(prepare(0, 1), CLEAN);
  promises.onAmnesia();
  promises.onCut([proposed(0, 1, B)]);
  assert.throws(() => promises.onSend(prepare(0, 1, B), CLEAN), /cast twice/);
});

test("a log that was cut below a stable checkpoint covers what was voted there", () => {
  const promises = new Promises(1, 4);
  const vote = { kind: "checkpoint" as const, seq: 4, digest: A, replica: 0, signature };
  promises.onCut([{ kind: "stable", proof: [vote] }]);
  promises.onSend(prepare(0, 4), CLEAN);
  assert.throws(() => promises.onSend(prepare(0, 5), CLEAN), /without a durable record/);
});

test("who has asked for a view votes in no earlier one", () => {
  const promises = new Promises(1, 4);
  promises.onAppend([proposed(0, 1), { kind: "view-change", message: viewChange(1) }]);
  promises.onSend(viewChange(1), CLEAN);
  assert.throws(() => promises.onSend(prepare(0, 1), CLEAN), /after it had asked for view 1/);
});

test("a later certificate for the seq keeps what a commit promised; an earlier one does not", () => {
  const promises = new Promises(1, 4);
  promises.onCut([prepared(2, 1, B)]);
  promises.onSend(commit(1, 1, A), CLEAN);
  assert.throws(() => promises.onSend(commit(3, 1, A), CLEAN), /without a durable record/);
});

test("a cut log need not hold what a later view has overtaken in the same turn", () => {
  const promises = new Promises(1, 4);
  promises.onCut([{ kind: "view-change", message: viewChange(5) }]);
  promises.onSend(prepare(3, 1), CLEAN);
  promises.onSend(viewChange(4), CLEAN);
  assert.throws(() => promises.onSend(commit(3, 1), CLEAN), /without a durable record/);
  assert.throws(() => promises.onSend(viewChange(6), CLEAN), /without a durable record/);
  const entered = new Promises(1, 4);
  entered.onCut([{ kind: "view", view: 4, active: true }]);
  entered.onSend(viewChange(4), CLEAN);
});

test("votes of others, and relayed proposals, bind nobody", () => {
  const promises = new Promises(1, 4);
  promises.onSend({ ...prepare(0, 1), replica: 2 }, CLEAN);
  promises.onSend(
    { kind: "pre-prepare", view: 0, seq: 1, digest: A, signature, requests: [] },
    CLEAN,
  );
});

test("who lost its disk votes for no seq up to the highest that it had voted for, in no view", () => {
  const promises = new Promises(1, 4);
  promises.onAppend([proposed(0, 7)]);
  promises.onSend(prepare(0, 7), CLEAN);
  promises.onAmnesia();
  promises.onCut([proposed(2, 6), proposed(2, 8)]);
  assert.throws(
    () => promises.onSend(prepare(2, 6), CLEAN),
    /lost its disk after votes up to seq 7/,
  );
  promises.onSend(prepare(2, 8), CLEAN);
});

test.run();
