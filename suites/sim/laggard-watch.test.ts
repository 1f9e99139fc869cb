import { test } from "uvu";
import * as assert from "uvu/assert";
import type { CheckpointProof, Status } from "../../node/core/messages.js";
import type { Replica } from "../../node/core/replica.js";
import { LaggardWatch } from "./laggard-watch.js";

function replicaOf(stableSeq: number, tick = 1): Replica {
  return { id: 2, stable: { seq: stableSeq }, tick } as unknown as Replica;
}

function statusOf(replica: number, stableSeq: number): Status {
  return { kind: "status", replica, stableSeq } as unknown as Status;
}

function proofOf(seq: number): CheckpointProof {
  return {
    kind: "checkpoint-proof",
    replica: 2,
    checkpoints: [{ seq }],
  } as unknown as CheckpointProof;
}

function watchAt(stableSeq: number): LaggardWatch {
  const watch = new LaggardWatch();
  watch.onTurn(replicaOf(stableSeq));
  return watch;
}

test("a replica that keeps a stable checkpoint from one behind it is caught", () => {
  const silent = watchAt(16);
  silent.onHeard(statusOf(1, 8));
  assert.throws(() => silent.onTurn(replicaOf(16)), /r2 keeps the proof of seq 16 from r1.* is 8/);
  const toAnother = watchAt(16);
  toAnother.onHeard(statusOf(1, 8));
  toAnother.onSend(proofOf(16), 3);
  assert.throws(() => toAnother.onTurn(replicaOf(16)), /from r1/);
  const old = watchAt(16);
  old.onHeard(statusOf(1, 0));
  old.onSend(proofOf(8), 1);
  assert.throws(() => old.onTurn(replicaOf(16)), /from r1/);
});

test("nothing is owed to one who was told, is not behind, or asks too often", () => {
  const watch = watchAt(16);
  watch.onHeard(statusOf(1, 8));
  watch.onSend(proofOf(24), 1);
  watch.onHeard(statusOf(3, 16));
  watch.onTurn(replicaOf(24));
  for (let status = 0; status < 4; status++) {
    watch.onHeard(statusOf(1, 8));
    watch.onSend(proofOf(24), 1);
    watch.onTurn(replicaOf(24));
  }
  watch.onHeard(statusOf(1, 8));
  watch.onTurn(replicaOf(24));
  watch.onTurn(replicaOf(24, 2));
  watch.onHeard(statusOf(1, 8));
  assert.throws(() => watch.onTurn(replicaOf(24, 2)), /from r1/);
});

test("what became stable in the same turn, or before the process began, is not owed yet", () => {
  const watch = watchAt(16);
  watch.onHeard(statusOf(1, 16));
  watch.onTurn(replicaOf(32));
  watch.onStart();
  watch.onHeard(statusOf(1, 16));
  watch.onTurn(replicaOf(32));
});

test.run();
