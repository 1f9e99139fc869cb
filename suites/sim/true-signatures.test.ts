import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Keyring } from "../../node/core/keyring.js";
import { signedBytes } from "../../node/core/wire.js";
import { modelKeyring } from "./model-keyring.js";
import { trueSignatures } from "./true-signatures.js";

const CLUSTER = "0".repeat(16);
const SECRET = 7;

function counted(): { keyring: Keyring; verified: () => number } {
  let count = 0;
  const keyring = modelKeyring(SECRET, 0);
  const verify: Keyring["verify"] = (...signed) => {
    count += 1;
    return keyring.verify(...signed);
  };
  return { keyring: { ...keyring, verify }, verified: () => count };
}

const vote = { kind: "commit" as const, view: 1, seq: 5, digest: "ab".repeat(32), replica: 2 };
const signature = modelKeyring(SECRET, 2).sign(signedBytes(CLUSTER, vote));

test("a copy of a true signature is not verified again", () => {
  const { keyring, verified } = counted();
  const holds = trueSignatures(CLUSTER, keyring);
  assert.ok(holds(2, vote, signature));
  assert.ok(holds(2, { ...vote }, Uint8Array.from(signature)));
  assert.is(verified(), 1);
});

test("what was remembered vouches for no other content, principal or signature", () => {
  const holds = trueSignatures(CLUSTER, modelKeyring(SECRET, 0));
  assert.ok(holds(2, vote, signature));
  assert.not(holds(1, vote, signature));
  for (const changed of [{ view: 2 }, { seq: 6 }, { digest: "cd".repeat(32) }, { replica: 1 }]) {
    assert.not(holds(2, { ...vote, ...changed }, signature));
  }
  assert.not(holds(2, { ...vote, kind: "prepare" as const }, signature));
  assert.not(holds(2, vote, signature.subarray(1)));
  const spoilt = Uint8Array.from(signature);
  spoilt[63] = (spoilt[63] ?? 0) ^ 1;
  assert.not(holds(2, vote, spoilt));
});

test.run();
