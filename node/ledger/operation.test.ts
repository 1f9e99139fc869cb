import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { completionValue, operationOfCall } from "./call.js";
import { decodeOperation, encodeOperation, type Operation } from "./operation.js";
import { decodeResult, encodeResult, type Result } from "./result.js";

const accountId = fc.stringMatching(/^[A-Za-z0-9_.-]{1,32}$/);
const amount = fc.maxSafeInteger();
const wellFormed = (bytesMax: number) =>
  fc
    .string({ unit: "binary", maxLength: bytesMax })
    .filter((value) => Buffer.byteLength(value) <= bytesMax);

// Spread: uvu tells records without a prototype from plain objects.
const operation: fc.Arbitrary<Operation> = fc
  .oneof<fc.Arbitrary<Operation>[]>(
    fc.record({
      kind: fc.constant("open" as const),
      account: accountId,
      name: wellFormed(64),
      address: wellFormed(128),
    }),
    fc.record({ kind: fc.constantFrom("deposit", "withdraw"), account: accountId, amount }),
    fc.record({ kind: fc.constant("move" as const), from: accountId, to: accountId, amount }),
    fc.record({ kind: fc.constant("balance" as const), account: accountId }),
    fc.record({
      kind: fc.constant("statement" as const),
      account: accountId,
      limit: fc.integer({ min: 1, max: 64 }),
    }),
  )
  .map((value) => ({ ...value }));

const result: fc.Arbitrary<Result> = fc
  .oneof<fc.Arbitrary<Result>[]>(
    fc.constant<Result>({ kind: "opened" }),
    fc.record({ kind: fc.constant("balance" as const), balance: amount }),
    fc.record({ kind: fc.constant("moved" as const), fromBalance: amount, toBalance: amount }),
    fc.record({
      kind: fc.constant("statement" as const),
      balance: amount,
      entryCount: fc.integer({ min: 64, max: Number.MAX_SAFE_INTEGER }),
      amounts: fc.array(amount, { maxLength: 64 }),
    }),
    fc.record({
      kind: fc.constant("refused" as const),
      refusal: fc.constantFrom("bad-operation", "bad-amount", "overflow", "insufficient-funds"),
    }),
  )
  .map((value) => ({ ...value }));

/** Any bytes, and bytes that are nearly an encoding: those reach further into the decoder. */
function nearly(encodings: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const damaged = fc.tuple(encodings, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat(3));
  return fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    damaged.map(([bytes, at, value, what]) => {
      if (what === 0) return bytes.subarray(0, at % (bytes.length + 1));
      if (what === 1) return Uint8Array.from([...bytes, value]);
      return bytes.with(at % bytes.length, value);
    }),
  );
}

const codec = suite("operation and result codec");

codec("every operation survives its encoding", () => {
  fc.assert(
    fc.property(operation, (value) => {
      assert.equal(decodeOperation(encodeOperation(value)), value);
    }),
  );
});

codec("an operation has one encoding: whatever decodes, encodes to the same bytes", () => {
  fc.assert(
    fc.property(nearly(operation.map(encodeOperation)), (bytes) => {
      const decoded = decodeOperation(bytes);
      if (decoded === undefined) return;
      assert.equal(Buffer.from(encodeOperation(decoded)).compare(bytes), 0);
    }),
    { numRuns: 2_000 },
  );
});

codec("every result survives its encoding, and has one", () => {
  fc.assert(
    fc.property(result, (value) => {
      assert.equal(decodeResult(encodeResult(value)), value);
    }),
  );
  fc.assert(
    fc.property(nearly(result.map(encodeResult)), (bytes) => {
      const decoded = decodeResult(bytes);
      if (decoded === undefined) return;
      assert.equal(Buffer.from(encodeResult(decoded)).compare(bytes), 0);
    }),
    { numRuns: 2_000 },
  );
});

codec("malformed operations decode to undefined", () => {
  const id = [1, 0x61];
  const malformed: Record<string, number[]> = {
    "nothing at all": [],
    "no such tag": [7, ...id],
    "an empty account id": [5, 0],
    "an account id with a space": [5, 2, 0x61, 0x20],
    "the cash account": [5, 5, ...Buffer.from("@cash")],
    "an account id of 33 characters": [5, 33, ...Buffer.alloc(33, "a")],
    "bytes after the end": [5, ...id, 0],
    "an amount of seven bytes": [2, ...id, 0, 0, 0, 0, 0, 0, 1],
    "an amount of 2^53": [2, ...id, 0, 0x20, 0, 0, 0, 0, 0, 0],
    "a name that is not UTF-8": [1, ...id, 1, 0xff, 0],
    "a name in overlong UTF-8": [1, ...id, 2, 0xc1, 0x81, 0],
    "a name of 65 bytes": [1, ...id, 65, ...Buffer.alloc(65, "n"), 0],
    "a statement of no entries": [6, ...id, 0],
    "a statement of 65 entries": [6, ...id, 65],
  };
  for (const [what, bytes] of Object.entries(malformed)) {
    assert.is(decodeOperation(Uint8Array.from(bytes)), undefined, what);
  }
});

codec("a byte order mark in a name is kept", () => {
  const open: Operation = { kind: "open", account: "a", name: "\uFEFFAnn", address: "" };
  assert.equal(decodeOperation(encodeOperation(open)), open);
});

codec("a call becomes the operation it names, or the refusal it would get", () => {
  fc.assert(
    fc.property(operation, ({ kind, ...fields }) => {
      assert.equal(operationOfCall(kind, fields), { kind, ...fields });
    }),
  );
  assert.is(operationOfCall("deposit", { account: "a", amount: 1.5 }), "bad-amount");
  assert.is(operationOfCall("deposit", { account: "a", amount: "1" }), "bad-amount");
  assert.is(operationOfCall("deposit", { account: "@cash", amount: 1 }), "bad-operation");
  assert.is(operationOfCall("open", { account: "a", name: "\uD800" }), "bad-operation");
  assert.is(operationOfCall("statement", { account: "a", limit: 65 }), "bad-operation");
  assert.is(operationOfCall("steal", { account: "a" }), "bad-operation");
  assert.is(operationOfCall("balance", null), "bad-operation");
});

codec("a completion has the call's fields and what the result adds", () => {
  const move: Operation = { kind: "move", from: "a", to: "b", amount: 3 };
  assert.equal(completionValue(move, { kind: "moved", fromBalance: 1, toBalance: 2 }), {
    from: "a",
    to: "b",
    amount: 3,
    fromBalance: 1,
    toBalance: 2,
  });
  assert.is(completionValue(move, { kind: "balance", balance: 1 }), undefined);
  assert.is(completionValue(move, { kind: "refused", refusal: "overflow" }), undefined);
});

codec.run();
