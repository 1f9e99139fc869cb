import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Replica } from "../../node/core/replica.js";
import type { Audit } from "./audit.js";
import { checkReplica, nothingRemembered } from "./replica-checks.js";

const AUDIT: Audit = { holds: () => true, checked: new WeakSet(), viewChanges: new Map() };

/** r1 of four in view 2, which it waits in for the second time-out. */
function replicaOf(executedSeq: number, attempts: number): Replica {
  const committed = { view: 2, seq: executedSeq, digest: "", commits: [], requests: [{}] };
  AUDIT.checked.add(committed);
  return {
    id: 1,
    config: { n: 4, window: 16, checkpointInterval: 8 },
    view: 2,
    viewActive: true,
    tick: 3,
    executedSeq,
    attempts,
    stable: { seq: 0, proof: [] },
    slots: new Map([[executedSeq, { seq: executedSeq, committed }]]),
    checkpoints: new Map(),
    viewChanges: new Map(),
    pendingNewViews: new Map(),
    waiting: new Map(),
  } as unknown as Replica;
}

function lastAt(executedSeq: number, toldExecuted: number) {
  const view = { view: 2, viewActive: true, tick: 3 };
  return { ...nothingRemembered(), ...view, executedSeq, toldExecuted };
}

test("who executed in its view waits again as at first", () => {
  checkReplica(replicaOf(5, 0), lastAt(4, 5), AUDIT);
  assert.throws(
    () => checkReplica(replicaOf(5, 1), lastAt(4, 5), AUDIT),
    /r1 executed in view 2 and waits as if it had not/,
  );
});

test("who came to a seq by state transfer executed nothing (seed 184)", () => {
  checkReplica(replicaOf(5, 1), lastAt(1, 1), AUDIT);
});

test("what was before the last turn never comes back", () => {
  const later = { ...lastAt(6, 6), stableSeq: 4 };
  assert.throws(() => checkReplica(replicaOf(5, 0), later, AUDIT), /back from seq 6 to 5/);
  const view = { ...lastAt(5, 5), view: 3 };
  assert.throws(() => checkReplica(replicaOf(5, 0), view, AUDIT), /back from view 3 to 2/);
  const stable = { ...lastAt(5, 5), stableSeq: 4 };
  assert.throws(() => checkReplica(replicaOf(5, 0), stable, AUDIT), /checkpoint went back to 0/);
});

test.run();
