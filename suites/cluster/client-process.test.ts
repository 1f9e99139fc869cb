// Whose clock an operation's times are read from.

import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "uvu";
import type { ClientAnswer, ClientCall } from "../../node/runtime/client-call.js";
import { ClientCalls } from "./client-process.js";

const CALL: ClientCall = { id: 9, session: 1, f: "get", value: null, timeoutMs: 60_000 };

/** A client process that answers at once with these times. */
async function answerOf(sharesClock: boolean, times: (nowNs: bigint) => [bigint, bigint]) {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const calls = new ClientCalls("c0", sharesClock);
  calls.attach({ stdin, stdout });
  const before = process.hrtime.bigint();
  const answering = calls.call(CALL);
  const { id }: { id: number } = JSON.parse(String(stdin.read()));
  const [started, ended] = times(process.hrtime.bigint()).map(String);
  const said = { id, type: "ok", value: 1, client: 3, startedNs: started, endedNs: ended };
  stdout.write(`${JSON.stringify(said)}\n`);
  const answer: ClientAnswer = await answering;
  return { answer, before, after: process.hrtime.bigint(), started, ended };
}

test("on the runner's clock the times are the client's own", async () => {
  const { answer, started, ended } = await answerOf(true, (now) => [now, now + 5n]);
  assert.deepEqual([answer.startedNs, answer.endedNs], [started, ended]);
});

test("a clock of its own says nothing, also where its times look right: ours bracket the call", async () => {
  for (const offset of [0n, -1_000_000n, 10n ** 15n]) {
    const { answer, before, after, started, ended } = await answerOf(false, (now) => [
      now + offset,
      now + offset + 1n,
    ]);
    assert.equal(answer.id, CALL.id);
    assert.notEqual(answer.startedNs, started);
    assert.notEqual(answer.endedNs, ended);
    assert.ok(before <= BigInt(answer.startedNs) && BigInt(answer.endedNs) <= after);
    // Wider than what happened: the answer was made in between.
    if (offset === 0n) {
      assert.ok(BigInt(answer.startedNs) < BigInt(started ?? 0));
      assert.ok(BigInt(answer.endedNs) > BigInt(ended ?? 0));
    }
  }
});

test.run();
