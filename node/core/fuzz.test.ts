import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Message, PrincipalId } from "./messages.js";
import { type Replica, statusOf, step } from "./replica.js";
import type { Input } from "./step.js";
import { Cluster } from "./testing/cluster.js";
import { createLiar } from "./testing/liar.js";
import { anyMessage } from "./testing/message-arbitrary.js";
import { createSubject, Voices } from "./testing/voices.js";

const timeout = fc.constantFrom(
  "view" as const,
  "status" as const,
  "fetch" as const,
  "batch" as const,
);

/** Squeezes a random message into the ranges where it gets past the first checks, and signs it. */
function plausible(voices: Voices, from: PrincipalId, message: Message): Message {
  const small = (value: number) => value % 11;
  switch (message.kind) {
    case "pre-prepare": {
      const { view, seq } = { view: small(message.view) % 3, seq: small(message.seq) };
      return voices.prePrepare(view, seq, [voices.request(seq % 3, 1 + (view % 2))]);
    }
    case "prepare":
    case "commit":
    case "checkpoint": {
      const seq = message.kind === "checkpoint" ? 4 * (small(message.seq) % 4) : small(message.seq);
      const base = { ...message, seq, replica: from % 4 };
      if (base.kind !== "checkpoint") base.view = small(base.view) % 3;
      return voices.signed(from % 4, base);
    }
    case "view-change": {
      const prepared = message.prepared.map((one, index) =>
        voices.prepared(0, index + 1 + small(one.seq), one.digest, [1, 2]),
      );
      return voices.viewChange(from % 4, 1 + (small(message.view) % 4), prepared);
    }
    case "new-view": {
      const view = 1 + (small(message.view) % 4);
      const asked = [0, 1, 2].map((voter) => voices.viewChange(voter, view));
      return voices.newView(view, asked, message.prePrepares.slice(0, 1));
    }
    case "status":
    case "fetch":
    case "data":
      return { ...message, replica: from };
    default:
      return message;
  }
}

function memoryOf(replica: Replica): number {
  let held = replica.waiting.size + replica.viewChanges.size + replica.pendingNewViews.size;
  for (const slot of replica.slots.values()) {
    held += slot.prepares.size + slot.commits.size + slot.bodies.size;
  }
  for (const votes of replica.checkpoints.values()) held += votes.size;
  return held;
}

test("whatever peers send, in any order, step never throws and holds a bounded amount", () => {
  const input = fc.oneof(
    { weight: 12, arbitrary: fc.tuple(fc.integer({ min: 0, max: 5 }), anyMessage, fc.boolean()) },
    { weight: 1, arbitrary: timeout },
  );
  fc.assert(
    fc.property(fc.array(input, { maxLength: 120 }), fc.integer({ min: 0, max: 3 }), (list, id) => {
      const subject = createSubject(id);
      const voices = new Voices(subject.config);
      const { replica } = subject;
      let { view, executedSeq } = statusOf(replica);
      for (const one of list) {
        const what: Input =
          typeof one === "string"
            ? { kind: "timeout", timer: one }
            : {
                kind: "message",
                from: one[0],
                message: one[2] ? plausible(voices, one[0], one[1]) : one[1],
              };
        step(replica, what);
        const after = statusOf(replica);
        assert.ok(after.view >= view, "a view never goes back");
        assert.ok(after.executedSeq >= executedSeq, "executed seqs only grow");
        ({ view, executedSeq } = after);
        assert.ok(replica.slots.size <= subject.config.window);
        assert.ok(memoryOf(replica) <= 4 * 8 * 3 + 60);
      }
    }),
    { numRuns: 300 },
  );
});

for (const n of [4, 7]) {
  test(`${n} replicas serve, and stay equal, though f of them lie in everything they send`, () => {
    const cluster = new Cluster({ n, seed: 70 + n, sessions: 3 });
    for (let id = 0; id < cluster.f; id++) {
      const options = { id, cluster: cluster.config.cluster, n, probability: 0.9 };
      cluster.node(id).liar = createLiar(options);
    }
    cluster.ask(10);
    cluster.runUntil(() => cluster.answered, 120_000, "answers");
    cluster.runUntil(() => cluster.converged, 20_000, "equal states");
    cluster.checkHistories();
  });
}

test("f+1 liars are not tolerated: the checks of this cluster do catch a broken promise", () => {
  // Two equivocators of four: each proposes one batch to r2 and another to r3, and votes for both.
  const cluster = new Cluster({ n: 4, seed: 1, sessions: 2 });
  const voices = new Voices(cluster.config);
  for (const id of [0, 1]) {
    cluster.node(id).liar = ({ to, message }) => {
      if (to !== 3) return undefined;
      if (message.kind === "pre-prepare") return [voices.prePrepare(message.view, message.seq, [])];
      if (message.kind !== "prepare" && message.kind !== "commit") return undefined;
      const { digest } = voices.prePrepare(message.view, message.seq, []);
      return [voices.signed(id, { ...message, digest })];
    };
  }
  cluster.ask(3);
  assert.throws(() => cluster.runFor(5_000), /executed another batch/);
});

test.run();
