import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Request } from "./messages.js";
import { statusOf } from "./replica.js";
import { Cluster } from "./testing/cluster.js";
import { CLIENT, createSubject, reasonOf, sentOf, tell, Voices } from "./testing/voices.js";
import { encodeMessage } from "./wire.js";

/** MACs that check at the replicas named only. */
function macsFor(request: Request, replicas: readonly number[]): Request {
  const authenticator = request.authenticator.slice();
  for (let id = 0; id < authenticator.length / 16; id++) {
    if (!replicas.includes(id)) authenticator.fill(0, 16 * id, 16 * (id + 1));
  }
  return { ...request, authenticator };
}

test("a client whose MACs check at some replicas only neither splits nor stalls them", () => {
  for (const checks of [[0], [1], [0, 2], [1, 2, 3], []]) {
    const cluster = new Cluster({ n: 4, seed: 5, sessions: 2 });
    const voices = new Voices(cluster.config);
    const faulty = macsFor(voices.request(9, 1, "partial"), checks);
    cluster.transmit(256, 0, encodeMessage(faulty));
    cluster.ask(5);
    cluster.runUntil(() => cluster.answered, 10_000, "the others' answers");
    cluster.runUntil(() => cluster.converged, 5_000, "equal states");
    assert.is(cluster.countEvents("view-change-started"), 0);
    for (const { stateMachine } of cluster.nodes) {
      assert.is(stateMachine.history().filter((entry) => entry.includes("partial")).length, 1);
    }
  }
});

test("a request with MACs and no signature is never proposed: some backup would refuse it", () => {
  const subject = createSubject(0);
  const voices = new Voices(subject.config);
  const unsigned = { ...voices.request(0, 1), signature: new Uint8Array(64) };
  const effects = tell(subject, 256, unsigned);
  assert.is(reasonOf(effects), "bad-signature");
  assert.is(sentOf(effects, "pre-prepare").length, 0);
});

test("a backup starts no time-out for a request that its client did not sign", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  const effects = tell(subject, 256, { ...voices.request(0, 1), signature: new Uint8Array(64) });
  assert.not(effects.some((one) => one.kind === "set-timer"));
  assert.is(sentOf(effects, "request").length, 0);
});

test("a backup accepts a batch by its own MAC or by the signature, and by nothing else", () => {
  const [mac, signature, neither] = [1, 2, 3].map((seq) => {
    const subject = createSubject(1);
    const voices = new Voices(subject.config);
    let request = voices.request(0, 1);
    if (seq !== 2) request = { ...request, signature: new Uint8Array(64) };
    if (seq !== 1) request = macsFor(request, [0, 2, 3]);
    return sentOf(tell(subject, 0, voices.prePrepare(0, 1, [request])), "prepare").length;
  });
  assert.equal([mac, signature, neither], [1, 1, 0]);
});

test("nobody asks in another client's name", () => {
  const subject = createSubject(0);
  const voices = new Voices(subject.config);
  assert.is(reasonOf(tell(subject, 257, voices.request(0, 1))), "session-of-another-client");
});

test("a repeated request is answered from the session, an older one not at all", () => {
  const cluster = new Cluster({ n: 4, seed: 8, sessions: 1 });
  cluster.ask(2);
  cluster.runUntil(() => cluster.answered, 5_000, "answers");
  const voices = new Voices(cluster.config);
  const replies: unknown[] = [];
  cluster.onSend = ({ message }) => {
    if (message.kind === "reply") replies.push([message.timestamp, message.seq]);
  };
  const again = (timestamp: number) =>
    cluster.input(2, {
      kind: "message",
      from: 256,
      message: voices.request(0, timestamp, `op${timestamp}`),
    });
  again(2);
  assert.equal(replies, [[2, 2]]);
  again(1);
  assert.equal(replies, [[2, 2]]);
  assert.is(cluster.ignoredReasons(2).at(-1), "stale-request");
  assert.is(statusOf(cluster.node(2).replica).executedSeq, 2);
});

test("an oversized operation and a short authenticator are refused before any signature", () => {
  const subject = createSubject(0);
  const voices = new Voices(subject.config);
  const before = subject.keyring.verifications;
  const large = voices.request(0, 1, "x".repeat(1_025));
  assert.is(reasonOf(tell(subject, 256, large)), "operation-too-large");
  const request = voices.request(0, 1);
  const short = { ...request, authenticator: request.authenticator.subarray(0, 48) };
  assert.is(reasonOf(tell(subject, 256, short)), "wrong-authenticator-length");
  assert.is(subject.keyring.verifications, before);
});

test("one client process can make a replica hold a bounded number of requests", () => {
  const subject = createSubject(1);
  const voices = new Voices(subject.config);
  let refused = 0;
  for (let session = 0; session < 4_100; session++) {
    if (reasonOf(tell(subject, 256, voices.request(session, 1))) === "too-many-waiting")
      refused += 1;
  }
  assert.is(refused, 4);
  assert.is(subject.replica.waiting.size, 4_096);
  assert.ok(subject.replica.waiting.has(CLIENT));
});

test.run();
