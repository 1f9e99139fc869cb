import { test } from "uvu";
import * as assert from "uvu/assert";
import type { LogRecord } from "./log.js";
import { createReplica, recover, statusOf, step } from "./replica.js";
import type { Effect } from "./step.js";
import { createSubject, reasonOf, type Subject, sentOf, tell, Voices } from "./testing/voices.js";
import { VOTES_AHEAD_MAX } from "./votes-ahead.js";

/** What a disk holds after these effects: records that may wait do, until the next that may not. */
class Log {
  durable: LogRecord[] = [];
  #waiting: LogRecord[] = [];

  take(effects: readonly Effect[]): readonly Effect[] {
    for (const effect of effects) {
      if (effect.kind === "compact") {
        this.durable = [...effect.records];
        this.#waiting = [];
      }
      if (effect.kind !== "persist") continue;
      this.#waiting.push(effect.record);
      if (!effect.later) this.durable.push(...this.#waiting.splice(0));
    }
    return effects;
  }

  get waiting(): number {
    return this.#waiting.length;
  }
}

/** Backup 1 of view 0, with slot 1 prepared and executed. */
function prepared(): { subject: Subject; voices: Voices; log: Log } {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const log = new Log();
  const proposal = voices.prePrepare(0, 1, [voices.request(1, 1)]);
  log.take(tell(subject, 0, proposal));
  log.take(tell(subject, 2, voices.prepare(2, 0, 1, proposal.digest)));
  for (const id of [0, 2]) log.take(tell(subject, id, voices.commit(id, 0, 1, proposal.digest)));
  assert.is(statusOf(subject.replica).executedSeq, 1);
  return { subject, voices, log };
}

function restarted({ config, keyring, stateMachine }: Subject, id: number, log: Log) {
  const replica = createReplica({ id, config, keyring, stateMachine, hollow: false });
  const effects = log.take(recover(replica, log.durable));
  return { subject: { replica, config, keyring, stateMachine }, effects };
}

test("the first prepare of a view waits for its record, those after a logged vote do not", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const log = new Log();
  const first = log.take(tell(subject, 0, voices.prePrepare(0, 1, [voices.request(1, 1)])));
  assert.is(sentOf(first, "prepare").length, 1);
  assert.equal([log.durable.length, log.waiting], [1, 0]);
  for (let seq = 2; seq <= 1 + VOTES_AHEAD_MAX; seq++) {
    const ahead = log.take(tell(subject, 0, voices.prePrepare(0, seq, [voices.request(seq, 1)])));
    assert.is(sentOf(ahead, "prepare").length, 1);
    assert.equal([log.durable.length, log.waiting], [1, seq - 1]);
  }
  const seq = 2 + VOTES_AHEAD_MAX;
  log.take(tell(subject, 0, voices.prePrepare(0, seq, [voices.request(seq, 1)])));
  assert.equal([log.durable.length, log.waiting], [seq, 0], "one vote further takes all with it");
});

test("a restarted backup abstains where it may have voted, takes what the others vote for, and stays so", () => {
  const { subject, voices, log } = prepared();
  const lost = voices.prePrepare(0, 2, [voices.request(2, 1)]);
  assert.is(sentOf(log.take(tell(subject, 0, lost)), "prepare").length, 1);
  assert.is(log.waiting, 1, "the vote at seq 2 is in memory");

  const once = restarted(subject, 1, log);
  const other = voices.prePrepare(0, 2, [voices.request(3, 1)]);
  const accepted = log.take(tell(once.subject, 0, other));
  assert.is(reasonOf(accepted), undefined);
  assert.is(sentOf(accepted, "prepare").length, 0, "it cannot know what it voted for");
  log.take(tell(once.subject, 2, voices.prepare(2, 0, 2, other.digest)));
  const certified = log.take(tell(once.subject, 3, voices.prepare(3, 0, 2, other.digest)));
  assert.is(sentOf(certified, "commit").length, 1, "2f others make a certificate without it");

  const twice = restarted(once.subject, 1, log);
  const slot = twice.subject.replica.slots.get(2);
  assert.equal([slot?.abstained, slot?.prepares.has(1), slot?.commits.has(1)], [true, false, true]);
  const later = voices.prePrepare(0, 2 + VOTES_AHEAD_MAX, [voices.request(4, 1)]);
  assert.is(sentOf(log.take(tell(twice.subject, 0, later)), "prepare").length, 0);
});

test("beyond what may have been forgotten it votes again", () => {
  const { subject, voices, log } = prepared();
  const again = restarted(subject, 1, log).subject;
  const seq = 2 + VOTES_AHEAD_MAX;
  const effects = log.take(tell(again, 0, voices.prePrepare(0, seq, [voices.request(2, 1)])));
  assert.is(sentOf(effects, "prepare").length, 1);
});

test("a cut log remembers what was forgotten, and that nothing else was", () => {
  const { subject, voices, log } = prepared();
  const again = restarted(subject, 1, log).subject;
  const stableAt4 = (of: Subject) => {
    for (const seq of [2, 3, 4]) {
      const batch = [voices.request(10 + seq, 1)];
      log.take(tell(of, 0, voices.commitCertificate(0, seq, batch, [0, 2, 3])));
    }
    const state = of.replica.ownDigests.get(4) ?? "";
    for (const id of [0, 2]) log.take(tell(of, id, voices.checkpoint(id, 4, state)));
    assert.is(statusOf(of.replica).stableSeq, 4);
  };
  stableAt4(again);
  const cut = restarted(again, 1, log).subject;
  const forgotten = tell(cut, 0, voices.prePrepare(0, 5, [voices.request(2, 1)]));
  assert.is(sentOf(forgotten, "prepare").length, 0, "5 is at most 4 ahead of 1");
  const known = tell(cut, 0, voices.prePrepare(0, 6, [voices.request(3, 1)]));
  assert.is(sentOf(known, "prepare").length, 1);
});

test("a restarted primary that may have proposed more leaves its view, and its backups follow at once", () => {
  const primary = createSubject(0);
  const voices = new Voices(primary.config);
  const log = new Log();
  const [first] = sentOf(log.take(tell(primary, 256, voices.request(0, 1))), "pre-prepare");
  assert.ok(first?.kind === "pre-prepare");
  for (const id of [1, 2]) log.take(tell(primary, id, voices.prepare(id, 0, 1, first.digest)));
  for (const id of [1, 2]) log.take(tell(primary, id, voices.commit(id, 0, 1, first.digest)));
  const second = log.take(tell(primary, 256, voices.request(0, 2)));
  assert.is(sentOf(second, "pre-prepare").length, 1);
  assert.is(log.waiting, 1, "the proposal is in memory");

  const { subject, effects } = restarted(primary, 0, log);
  const [resigned] = sentOf(effects, "view-change");
  assert.ok(resigned?.kind === "view-change");
  assert.is(resigned.view, 1);
  const asked = tell(subject, 256, voices.request(0, 3));
  assert.is(sentOf(asked, "pre-prepare").length, 0);

  const backup = createSubject(2);
  const joined = tell(backup, 0, voices.viewChange(0, 7));
  const [message] = sentOf(joined, "view-change");
  assert.ok(message?.kind === "view-change");
  assert.is(message.view, 1, "the next view, however far the primary of this one asks");
  const another = createSubject(2);
  assert.is(sentOf(tell(another, 3, voices.viewChange(3, 1)), "view-change").length, 0);
});

for (const [how, end] of [
  ["in good order", (subject: Subject) => step(subject.replica, { kind: "stop" })],
  [
    "while nothing happens",
    (subject: Subject) =>
      [1, 2].flatMap(() => step(subject.replica, { kind: "timeout", timer: "status" })),
  ],
] as const) {
  test(`a replica that ends ${how} has forgotten nothing`, () => {
    const { subject, voices, log } = prepared();
    const voted = voices.prePrepare(0, 2, [voices.request(2, 1)]);
    log.take(tell(subject, 0, voted));
    log.take(end(subject));
    assert.is(log.waiting, 0);
    const again = restarted(subject, 1, log).subject;
    assert.is(again.replica.slots.get(2)?.prepares.get(1)?.vote.digest, voted.digest);
    const next = tell(again, 0, voices.prePrepare(0, 3, [voices.request(3, 1)]));
    assert.is(sentOf(next, "prepare").length, 1);
  });
}

test.run();
