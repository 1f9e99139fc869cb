import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Keyring } from "../core/keyring.js";
import type { Reply } from "../core/messages.js";
import {
  createSession,
  isIdle,
  RETRY_MS,
  RETRY_MS_MAX,
  type Session,
  type SessionEffect,
  stepSession,
} from "./session.js";

const CLIENT = 256 * 65_536 + 3;
const OPERATION = Uint8Array.of(1, 2, 3);

/** MACs and signatures that name who they are for. */
const keyring: Keyring = {
  principal: 256,
  sign: () => new Uint8Array(64).fill(9),
  verify: () => false,
  mac: (peer) => new Uint8Array(16).fill(peer),
  verifyMac: () => false,
};

function session(n = 4): Session {
  return createSession({
    cluster: "00000000000000aa",
    n,
    client: CLIENT,
    keyring,
    timestamp: 1000,
  });
}

function submitted(n = 4): Session {
  const subject = session(n);
  stepSession(subject, { kind: "submit", operation: OPERATION, view: 0 });
  return subject;
}

function reply(replica: number, fields: Partial<Reply> = {}): Reply {
  const result = Uint8Array.of(7);
  return {
    kind: "reply",
    view: 0,
    client: CLIENT,
    timestamp: 1001,
    replica,
    seq: 5,
    result,
    ...fields,
  };
}

function answered(subject: Session, ...replies: Reply[]): SessionEffect[] {
  return replies.flatMap((message) =>
    stepSession(subject, { kind: "reply", from: message.replica, reply: message }),
  );
}

function done(effects: readonly SessionEffect[]) {
  return effects.find((effect) => effect.kind === "done");
}

test("a request goes to the primary of the presumed view, with a MAC for each replica", () => {
  const effects = stepSession(session(), { kind: "submit", operation: OPERATION, view: 6 });
  const [send, timer] = effects;
  assert.equal(timer, { kind: "set-timer", delayMs: RETRY_MS });
  assert.ok(send?.kind === "send");
  if (send?.kind !== "send") return;
  assert.equal(send.to, [2]);
  assert.is(send.request.timestamp, 1001);
  const macs = [0, 1, 2, 3].flatMap((peer) => Array<number>(16).fill(peer));
  assert.equal([...send.request.authenticator], macs);
  assert.is(send.request.signature.length, 64);
});

test("the caller may name the replica that is asked first", () => {
  const [send] = stepSession(session(), {
    kind: "submit",
    operation: OPERATION,
    view: 0,
    first: 3,
  });
  assert.equal(send?.kind === "send" ? send.to : [], [3]);
});

test("without an answer the same request goes to all, ever later up to a limit", () => {
  const subject = submitted();
  const request = subject.outstanding?.request;
  const delays = Array.from({ length: 5 }, () => {
    const [send, timer] = stepSession(subject, { kind: "timeout" });
    assert.equal(send, { kind: "send", to: [0, 1, 2, 3], request });
    return timer?.kind === "set-timer" ? timer.delayMs : 0;
  });
  assert.equal(delays, [2 * RETRY_MS, RETRY_MS_MAX, RETRY_MS_MAX, RETRY_MS_MAX, RETRY_MS_MAX]);
});

test("f+1 matching replies of distinct replicas end the request, fewer do not", () => {
  for (const [n, needed] of [
    [4, 2],
    [7, 3],
    [31, 11],
  ] as const) {
    const subject = submitted(n);
    for (let replica = 0; replica < needed - 1; replica++) {
      assert.is(done(answered(subject, reply(replica), reply(replica))), undefined);
    }
    const effects = answered(subject, reply(needed - 1));
    const result = Uint8Array.of(7);
    assert.equal(done(effects), { kind: "done", timestamp: 1001, seq: 5, result, view: 0 });
    assert.ok(isIdle(subject));
  }
});

test("replies that differ in seq or in result do not add up", () => {
  const subject = submitted();
  const result = Uint8Array.of(8);
  assert.is(
    done(answered(subject, reply(0), reply(1, { seq: 6 }), reply(2, { result }))),
    undefined,
  );
  assert.ok(done(answered(subject, reply(3))));
});

test("f liars cannot make an answer, whatever they send and however often", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(1), fc.nat(2), fc.uint8Array({ maxLength: 2 }), fc.nat(9)), {
        maxLength: 40,
      }),
      (lies) => {
        const subject = submitted(7);
        for (const [liar, seq, result, view] of lies) {
          assert.is(done(answered(subject, reply(liar, { seq, result, view }))), undefined);
        }
        // Nor can they hinder three correct ones.
        assert.equal(done(answered(subject, reply(2), reply(3), reply(4)))?.kind, "done");
      },
    ),
    { numRuns: 200 },
  );
});

test("replies of another request, another session or for another replica are ignored by reason", () => {
  const subject = submitted();
  const reasons = [
    ...answered(subject, reply(0, { timestamp: 1000 }), reply(1, { client: CLIENT + 1 })),
    ...stepSession(subject, { kind: "reply", from: 2, reply: reply(1) }),
  ].map((effect) => (effect.kind === "ignored" ? effect.reason : effect.kind));
  assert.equal(reasons, ["other-request", "other-request", "not-the-sender"]);
  answered(subject, reply(0), reply(1));
  assert.equal(answered(subject, reply(2)), [{ kind: "ignored", reason: "idle" }]);
});

test("a replica may correct itself: its latest reply counts", () => {
  const subject = submitted();
  assert.is(
    done(answered(subject, reply(0, { seq: 4 }), reply(0), reply(0, { seq: 4 }))),
    undefined,
  );
  assert.is(done(answered(subject, reply(1))), undefined, "replica 0 said 4 last");
  assert.ok(done(answered(subject, reply(0))));
});

test("the view learned is one that a correct replica reached", () => {
  const subject = submitted();
  const effects = answered(subject, reply(3, { view: 1_000_000 }), reply(1, { view: 5 }));
  const end = done(effects);
  assert.is(end?.kind === "done" ? end.view : -1, 5);
});

test("an abandoned request is over: its replies are ignored and the next timestamp is above it", () => {
  const subject = submitted();
  answered(subject, reply(0));
  assert.equal(stepSession(subject, { kind: "abandon" }), [{ kind: "cancel-timer" }]);
  assert.equal(stepSession(subject, { kind: "timeout" }), []);
  stepSession(subject, { kind: "submit", operation: OPERATION, view: 0 });
  assert.is(subject.outstanding?.request.timestamp, 1002);
  assert.is(done(answered(subject, reply(1), reply(2))), undefined, "these answer the first one");
});

test("a session does one request at a time", () => {
  const subject = submitted();
  assert.throws(
    () => stepSession(subject, { kind: "submit", operation: OPERATION, view: 0 }),
    /a request is outstanding/,
  );
});

test.run();
