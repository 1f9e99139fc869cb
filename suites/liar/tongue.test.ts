import { test } from "uvu";
import * as assert from "uvu/assert";
import { PROTOCOL_DEFAULTS } from "../../node/core/config.js";
import { batchDigest } from "../../node/core/digest.js";
import type { Message } from "../../node/core/messages.js";
import { modelKeyring } from "../../node/core/testing/model-keyring.js";
import { decodeMessage, encodeMessage, signedBytes } from "../../node/core/wire.js";
import { lyingTransport, type Tongue } from "../../node/runtime/lying.js";
import { createTongue } from "./tongue.js";

const CLUSTER = "00112233445566aa";
const DIGEST = "ab".repeat(32);
const keyring = modelKeyring(1);
const about = { kind: "prepare", view: 0, seq: 1, digest: DIGEST, replica: 1 } as const;
const VOTE = encodeMessage({ ...about, signature: keyring.sign(signedBytes(CLUSTER, about)) });

function tongueOf(): Tongue {
  return createTongue({
    codec: { batchDigest, decodeMessage, encodeMessage, signedBytes },
    config: { cluster: CLUSTER, n: 4, ...PROTOCOL_DEFAULTS },
    keyring,
  });
}

function ask(tongue: Tongue, lies: unknown, seed: unknown = 1): unknown {
  return tongue.answer(
    new Map<string, unknown>([
      ["op", "lie"],
      ["seed", seed],
      ["lies", lies],
    ]),
  );
}

const kindsOf = (messages: readonly Uint8Array[]) =>
  messages.map((bytes) => decodeMessage(bytes)?.kind);

test("it is honest until it is told to lie, and again afterwards", () => {
  const tongue = tongueOf();
  assert.equal(tongue.filter(2, [VOTE]), [VOTE]);
  assert.is(tongue.spoil(2, VOTE), VOTE);
  assert.equal(ask(tongue, [{ lie: "mute", percent: 100 }]), { told: {} });
  assert.equal(tongue.filter(2, [VOTE, VOTE]), []);
  assert.equal(ask(tongue, []), { told: { mute: 2 } });
  assert.equal(tongue.filter(2, [VOTE]), [VOTE]);
});

test("a second vote is signed with its own key, for another digest", () => {
  const tongue = tongueOf();
  ask(tongue, [{ lie: "double-vote", percent: 100 }]);
  const said = tongue.filter(2, [VOTE]).map((bytes) => decodeMessage(bytes) as Message);
  const others = said.filter((one) => one.kind === "prepare" && one.digest !== DIGEST);
  assert.ok(others.length > 0, `${said.length} messages`);
  for (const one of others) {
    if (one.kind !== "prepare") continue;
    assert.is(one.replica, 1);
    assert.ok(modelKeyring(2).verify(1, signedBytes(CLUSTER, one), one.signature));
  }
});

test("what it is told must be lies that it knows", () => {
  const tongue = tongueOf();
  assert.throws(() => ask(tongue, [], "x"), /want a seed/);
  assert.throws(() => ask(tongue, "mute"), /want lies: an array/);
  assert.throws(() => ask(tongue, [{ lie: "white", percent: 1 }]), /want lie: /);
  assert.throws(() => ask(tongue, [{ lie: "mute", percent: 101 }]), /want percent: 0 to 100/);
  assert.throws(() => ask(tongue, [null]), /want lie: /);
});

test("a driver's transport sends what the tongue says", () => {
  const tongue = tongueOf();
  const sent: unknown[] = [];
  const transport = lyingTransport(
    {
      onDatagram: undefined,
      open: () => ({ messages: [] }),
      send: (to, messages) => sent.push([to, kindsOf(messages)]),
    },
    tongue,
  );
  transport.send(2, [VOTE]);
  ask(tongue, [{ lie: "mute", percent: 100 }]);
  transport.send(2, [VOTE]);
  assert.equal(sent, [
    [2, ["prepare"]],
    [2, []],
  ]);
});

test.run();
