import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Message } from "./messages.js";
import { anyMessage, anyRecord } from "./testing/message-arbitrary.js";
import { decodeMessage, decodeRecord, encodeMessage, encodeRecord, signedBytes } from "./wire.js";

const RUNS = { numRuns: 600 };

function bytesOf(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, field: unknown) =>
      field instanceof Uint8Array ? Buffer.from(field).toString("hex") : field,
    ),
  );
}

test("every message decodes to itself", () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      assert.equal(bytesOf(decodeMessage(encodeMessage(message))), bytesOf(message));
    }),
    RUNS,
  );
});

test("every log record decodes to itself", () => {
  fc.assert(
    fc.property(anyRecord, (record) => {
      assert.equal(bytesOf(decodeRecord(encodeRecord(record))), bytesOf(record));
    }),
    RUNS,
  );
});

test("bytes that decode are the only encoding of what they decode to", () => {
  const mutation = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  let decoded = 0;
  fc.assert(
    fc.property(anyMessage, mutation, (message, changes) => {
      const bytes = encodeMessage(message);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      const again = decodeMessage(bytes);
      if (again === undefined) return;
      decoded += 1;
      assert.equal(Buffer.from(encodeMessage(again)), Buffer.from(bytes));
    }),
    { numRuns: 3000 },
  );
  assert.ok(decoded > 300, "mutations that still decode must be common enough to test something");
});

test("random bytes never throw", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 16 }), fc.uint8Array({ maxLength: 300 }), (tag, tail) => {
      const bytes = Uint8Array.from([tag, ...tail]);
      const message = decodeMessage(bytes);
      if (message !== undefined)
        assert.equal(Buffer.from(encodeMessage(message)), Buffer.from(bytes));
      decodeRecord(bytes);
    }),
    { numRuns: 3000 },
  );
});

test("a truncated message and a message with trailing bytes are malformed", () => {
  fc.assert(
    fc.property(anyMessage, fc.nat(), (message, cut) => {
      const bytes = encodeMessage(message);
      assert.is(decodeMessage(bytes.subarray(0, cut % bytes.length)), undefined);
      assert.is(decodeMessage(Uint8Array.from([...bytes, 0])), undefined);
    }),
    RUNS,
  );
});

test("a list that claims more entries than its bytes could hold is refused before it is built", () => {
  const bytes = new Uint8Array(12).fill(255);
  bytes[0] = 10; // fetch, replica 255
  bytes[2] = 0; // "batch", 65535 digests
  assert.is(decodeMessage(bytes), undefined);
});

test("an integer above the safe ones is malformed", () => {
  const prepare: Message = {
    kind: "prepare",
    view: Number.MAX_SAFE_INTEGER,
    seq: 1,
    digest: "ab".repeat(32),
    replica: 3,
    signature: new Uint8Array(64),
  };
  const bytes = encodeMessage(prepare);
  assert.is.not(decodeMessage(bytes), undefined);
  bytes[1] = 0x20; // the view's first byte: 2^61 and more
  assert.is(decodeMessage(bytes), undefined);
});

test("signed bytes differ with the cluster, the kind, the view, the seq, the digest and the replica", () => {
  const about = { view: 3, seq: 9, digest: "ab".repeat(32), replica: 2 };
  const cluster = "0123456789abcdef";
  const variants = [
    signedBytes(cluster, { kind: "prepare", ...about }),
    signedBytes("0123456789abcdee", { kind: "prepare", ...about }),
    signedBytes(cluster, { kind: "commit", ...about }),
    signedBytes(cluster, { kind: "pre-prepare", ...about }),
    signedBytes(cluster, { kind: "checkpoint", ...about }),
    signedBytes(cluster, { kind: "prepare", ...about, view: 4 }),
    signedBytes(cluster, { kind: "prepare", ...about, seq: 8 }),
    signedBytes(cluster, { kind: "prepare", ...about, digest: "ac".repeat(32) }),
    signedBytes(cluster, { kind: "prepare", ...about, replica: 1 }),
  ].map((bytes) => Buffer.from(bytes).toString("hex"));
  assert.is(new Set(variants).size, variants.length);
});

test("a view-change's signature covers all that it carries", () => {
  fc.assert(
    fc.property(anyMessage, fc.nat(), fc.integer({ min: 1, max: 255 }), (message, at, flip) => {
      if (message.kind !== "view-change" && message.kind !== "new-view") return;
      const bytes = encodeMessage(message);
      const index = 1 + (at % (bytes.length - 65)); // anything but the tag and the signature
      bytes[index] = (bytes[index] ?? 0) ^ flip;
      const other = decodeMessage(bytes);
      if (other?.kind !== message.kind) return;
      const cluster = "0123456789abcdef";
      const before = Buffer.from(signedBytes(cluster, message)).toString("hex");
      assert.is.not(Buffer.from(signedBytes(cluster, other)).toString("hex"), before);
    }),
    RUNS,
  );
});

test.run();
