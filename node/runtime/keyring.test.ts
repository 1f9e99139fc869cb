import { createHmac, randomBytes } from "node:crypto";
import { Point, verifyAsync } from "@noble/ed25519";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { equalMacs, hmac, hmacKey } from "./hmac.js";
import { createKeyring } from "./keyring.js";
import { generateKeys, publicKeysOf } from "./keys.js";
import {
  hasSmallOrder,
  libsodiumScheme,
  loadSignatureScheme,
  opensslScheme,
} from "./signatures.js";

const schemes = [libsodiumScheme(), opensslScheme];

test("a MAC equals the first 16 bytes of createHmac at every length around a block and a scratch", () => {
  const keyBytes = randomBytes(32);
  const key = hmacKey(keyBytes);
  for (const length of [0, 1, 55, 56, 63, 64, 65, 1400, 2047, 2048, 2049, 8192, 65_507, 3]) {
    const bytes = randomBytes(length);
    const expected = createHmac("sha256", keyBytes).update(bytes).digest().subarray(0, 16);
    assert.equal(Buffer.from(hmac(key, bytes)), expected, `length ${length}`);
  }
});

test("MACs of other lengths and MACs with one flipped bit are not equal", () => {
  const mac = randomBytes(16);
  assert.ok(equalMacs(mac, Buffer.from(mac)));
  assert.not.ok(equalMacs(mac, mac.subarray(0, 15)));
  assert.not.ok(equalMacs(Buffer.concat([mac, mac]), mac));
  for (let bit = 0; bit < 128; bit++) {
    const flipped = Buffer.from(mac);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.not.ok(equalMacs(mac, flipped));
  }
});

test("both schemes and noble accept one another's signatures, and the schemes make the same", async () => {
  const keys = generateKeys(0);
  const bytes = randomBytes(100);
  const signatures = schemes.map((s) => Buffer.from(s.signer(keys.secret.signingSecret)(bytes)));
  assert.equal(signatures[0], signatures[1]);
  for (const signature of signatures) {
    for (const scheme of schemes) {
      assert.ok(scheme.verifier(keys.public.signingKey)(bytes, signature));
    }
    const key = Buffer.from(keys.public.signingKey, "hex");
    assert.ok(await verifyAsync(signature, bytes, key));
  }
});

test("both schemes refuse wrong lengths, flipped bits, other keys and other bytes", () => {
  const keys = generateKeys(0);
  const other = generateKeys(1);
  const bytes = randomBytes(40);
  const signature = opensslScheme.signer(keys.secret.signingSecret)(bytes);
  for (const scheme of schemes) {
    const verify = scheme.verifier(keys.public.signingKey);
    assert.not.ok(verify(bytes, new Uint8Array(0)));
    assert.not.ok(verify(bytes, signature.subarray(0, 63)));
    assert.not.ok(verify(bytes, Buffer.concat([signature, Buffer.alloc(1)])));
    assert.not.ok(verify(bytes.subarray(1), signature));
    assert.not.ok(scheme.verifier(other.public.signingKey)(bytes, signature));
    for (let index = 0; index < 64; index++) {
      const flipped = Buffer.from(signature);
      flipped[index] = (flipped[index] ?? 0) ^ 1;
      assert.not.ok(verify(bytes, flipped), `${scheme.backend}, byte ${index}`);
    }
  }
});

test("the points of small order are those that eight additions bring to zero", () => {
  // The torsion subgroup, generated from a point of order 8.
  const generator = Point.fromBytes(
    Buffer.from("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "hex"),
    true,
  );
  let point = generator;
  for (let order = 1; order <= 8; order++) {
    assert.ok(hasSmallOrder(point.toBytes()), `multiple ${order}`);
    point = point.add(generator);
  }
  assert.ok(point.equals(generator), "the ninth multiple is the first");
  assert.not.ok(hasSmallOrder(Point.BASE.toBytes()));
  assert.not.ok(hasSmallOrder(randomBytes(32)));
});

test("two principals share a key that depends on the cluster and on nobody else", () => {
  const keys = [0, 1, 2].map((principal) => generateKeys(principal));
  const principals = new Map(keys.map((k) => [k.secret.principal, k.public]));
  const ring = (index: number, cluster = "00000000000000aa") => {
    const mine = keys[index];
    assert.ok(mine);
    return createKeyring({ cluster, secret: mine.secret, principals });
  };
  const bytes = randomBytes(50);
  const mac = ring(0).mac(1, bytes);
  assert.ok(ring(1).verifyMac(0, bytes, mac));
  assert.not.ok(ring(2).verifyMac(0, bytes, mac), "another receiver");
  assert.not.ok(ring(1).verifyMac(2, bytes, mac), "another sender");
  assert.not.ok(ring(0).verifyMac(0, bytes, mac), "reflected");
  assert.not.ok(ring(1, "00000000000000ab").verifyMac(0, bytes, mac), "another cluster");
});

test("unknown principals verify nothing, and asking for a MAC to one is our own mistake", () => {
  const keys = generateKeys(0);
  const principals = new Map([[0, keys.public]]);
  const ring = createKeyring({ cluster: "00000000000000aa", secret: keys.secret, principals });
  assert.not.ok(ring.verify(7, new Uint8Array(1), new Uint8Array(64)));
  assert.not.ok(ring.verifyMac(7, new Uint8Array(1), new Uint8Array(16)));
  assert.throws(() => ring.mac(7, new Uint8Array(1)), /no key for principal 7/);
});

test("public keys follow from the secret ones", () => {
  const keys = generateKeys(3);
  assert.equal(publicKeysOf(keys.secret), keys.public);
});

test("a scheme loads", () => {
  assert.ok(["libsodium", "openssl"].includes(loadSignatureScheme().backend));
});

test.run();
