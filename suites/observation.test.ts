import { test } from "uvu";
import * as assert from "uvu/assert";
import type { NodeStatus } from "./cluster/environment.js";
import { laggardOf, primaryOf, unrest, viewOf } from "./observation.js";

const REPLICAS = ["r0", "r1", "r2", "r3"];

function statusOf(
  replica: number,
  fields: { view?: number; viewActive?: boolean; executedSeq?: number; digest?: string } = {},
): NodeStatus {
  const marks = { stableSeq: 0, stableDigest: "", lowWatermark: 0, highWatermark: 128 };
  const base = { replica, view: 0, viewActive: true, executedSeq: 5, digest: "d", rssBytes: 1 };
  return {
    node: `r${replica}`,
    alive: true,
    status: { ...base, ...marks, transferring: false, ...fields },
  };
}

test("the primary is that of the newest view which f+1 replicas have entered", () => {
  const views = [9, 2, 2, 1].map((view, replica) => statusOf(replica, { view }));
  assert.is(primaryOf(views, REPLICAS), "r2"); // One alone in view 9 may be a liar.
});

test("a view that is only asked for has no primary yet", () => {
  const asked = [3, 3, 3, 0].map((view, replica) =>
    statusOf(replica, { view, viewActive: view === 0 }),
  );
  assert.is(primaryOf(asked, REPLICAS), undefined);
  assert.is(viewOf(asked), 3);
});

test("the laggard is the first that has executed least, and nobody while all have executed alike", () => {
  const seqs = (...values: number[]) => values.map((seq, id) => ({ node: `r${id}`, seq }));
  assert.is(laggardOf(seqs(9, 4, 7, 4)), "r1");
  assert.is(laggardOf(seqs(4, 4, 4, 4)), undefined);
  assert.is(laggardOf([]), undefined);
});

test("nobody answers: no view, no primary", () => {
  const silent = REPLICAS.map((node) => ({ node, alive: false }));
  assert.is(primaryOf(silent, REPLICAS), undefined);
  assert.is(viewOf(silent), undefined);
});

test("rest is one seq and one digest at every correct replica", () => {
  const all = [0, 1, 2, 3].map((replica) => statusOf(replica));
  assert.is(unrest(all, REPLICAS), undefined);
  assert.match(String(unrest(all.slice(1), REPLICAS)), "no answer from r0");
  const behind = [...all.slice(0, 3), statusOf(3, { executedSeq: 4 })];
  assert.match(String(unrest(behind, REPLICAS)), "r3 at seq 4");
  const torn = [...all.slice(0, 3), statusOf(3, { digest: "e" })];
  assert.match(String(unrest(torn, REPLICAS)), "r3 at seq 5 with e");
});

test.run();
