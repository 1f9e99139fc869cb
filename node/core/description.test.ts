import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { DESCRIPTION_BYTES, describe, isDescription, writeDescription } from "./description.js";
import type { Message } from "./messages.js";
import { anyMessage } from "./testing/message-arbitrary.js";
import { encodeMessage, TAGS } from "./wire.js";

const LARGEST = 0xffff_ffff;
/** Kinds that stand for a view, and for a seq: everything else with such a field tells of others. */
const OF_A_SEQ: readonly string[] = [
  "reply",
  "pre-prepare",
  "prepare",
  "commit",
  "checkpoint",
  "commit-certificate",
];

function viewOf(message: Message): number | undefined {
  return "view" in message ? message.view : undefined;
}

function seqOf(message: Message): number | undefined {
  return OF_A_SEQ.includes(message.kind) && "seq" in message ? message.seq : undefined;
}

test("a description has every kind, and the range of views and seqs, of what is described", () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 5 }), (messages) => {
      const said = describe(messages.map(encodeMessage));
      const kinds = messages.reduce((bits, { kind }) => bits | (1 << (TAGS[kind] - 1)), 0);
      assert.is(said.kinds, kinds);
      const range = (numbers: readonly (number | undefined)[]) => {
        const known = numbers.flatMap((one) => (one === undefined ? [] : Math.min(one, LARGEST)));
        return [Math.min(LARGEST, ...known), Math.max(0, ...known)];
      };
      assert.equal([said.viewLowest, said.viewHighest], range(messages.map(viewOf)));
      assert.equal([said.seqLowest, said.seqHighest], range(messages.map(seqOf)));
    }),
    { numRuns: 300 },
  );
});

test("any bytes have a description; what is no message has a kind of its own", () => {
  assert.is(describe([Uint8Array.of(0)]).kinds, 0x8000);
  assert.is(describe([Uint8Array.of(14)]).kinds, 0x8000);
  assert.is(describe([new Uint8Array(0)]).kinds, 0x8000);
  const cutShort = describe([Uint8Array.of(TAGS.commit, 0, 0, 0)]);
  assert.is(cutShort.kinds, 1 << (TAGS.commit - 1));
  assert.equal([cutShort.viewLowest, cutShort.viewHighest], [LARGEST, 0]);
});

test("a description is written in one way, and each of its bytes matters", () => {
  const said = { kinds: 5, viewLowest: 2, viewHighest: 3, seqLowest: 7, seqHighest: LARGEST };
  const buffer = Buffer.alloc(DESCRIPTION_BYTES);
  writeDescription(buffer, 0, said);
  assert.ok(isDescription(buffer, 0, said));
  for (let at = 0; at < DESCRIPTION_BYTES; at++) {
    buffer[at] = (buffer[at] ?? 0) ^ 1;
    assert.not(isDescription(buffer, 0, said), `byte ${at}`);
    buffer[at] = (buffer[at] ?? 0) ^ 1;
  }
});

test.run();
