import assert from "node:assert/strict";
import { test } from "uvu";
import { statusOf } from "./control.js";
import { refusalsOf, refusedBetween } from "./refusals.js";

const ANSWER = {
  ...{ replica: 1, view: 0, viewActive: true, executedSeq: 5, stableSeq: 0, stableDigest: "" },
  ...{ lowWatermark: 0, highWatermark: 9, transferring: false, digest: "d", rssBytes: 1 },
};

function status(node: string, ignored: Record<string, number>) {
  const found = statusOf({ ...ANSWER, ignored });
  assert.ok(found);
  return { node, alive: true, status: found };
}

test("refused datagrams are read from a replica's status, and nothing else that it ignores", () => {
  const refusals = refusalsOf([
    status("r0", { "datagram/forged": 3, "datagram/replayed": 1, "send/queue-full": 9 }),
    { node: "r1", alive: false },
  ]);
  assert.deepEqual([...refusals], [["r0", { forged: 3, replayed: 1 }]]);
  assert.equal(statusOf(ANSWER)?.refusals, undefined);
});

test("what was refused in between is summed over replicas, from zero where one has restarted", () => {
  const before = refusalsOf([
    status("r0", { "datagram/forged": 3 }),
    status("r1", { "datagram/forged": 50, "datagram/replayed": 2 }),
  ]);
  const after = refusalsOf([
    status("r0", { "datagram/forged": 10 }),
    status("r1", { "datagram/forged": 4 }),
    status("r2", { "datagram/replayed": 5 }),
  ]);
  assert.deepEqual(refusedBetween(before, after), { "refused forged": 11, "refused replayed": 5 });
  assert.deepEqual(refusedBetween(after, after), {});
});

test.run();
