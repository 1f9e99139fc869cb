// The header as the nemesis reads it, against the header as the core writes it; and what rules for
// messages make of real datagrams.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { MESSAGE_KINDS, type MessageMatch, type MessageRule } from "../../nemesis/faults.js";
import { HEADER, matches, readDescription } from "../../nemesis/messages.js";
import { createLinks, HEADER_BYTES, pack } from "../../node/core/datagram.js";
import { describe } from "../../node/core/description.js";
import type { Message } from "../../node/core/messages.js";
import { anyMessage } from "../../node/core/testing/message-arbitrary.js";
import { encodeMessage, TAGS } from "../../node/core/wire.js";
import { modelKeyring } from "../sim/model-keyring.js";
import { type Struck, struckBy } from "./message-fate.js";

const DIGEST = "ab".repeat(32);
const signature = new Uint8Array(64);

function datagramsOf(messages: readonly Message[], datagramMessagesMax = 1): Uint8Array[] {
  const keyring = modelKeyring(1, 0);
  const options = { cluster: "0123456789abcdef", keyring, datagramBytesMax: 1_400, epoch: 1 };
  return pack(createLinks({ ...options, datagramMessagesMax }), 1, messages.map(encodeMessage));
}

function vote(kind: "prepare" | "commit", view: number, seq: number): Message {
  return { kind, view, seq, digest: DIGEST, replica: 0, signature };
}

function struckOf(match: MessageMatch, messages: readonly Message[], perDatagram = 1): number[] {
  const rule: MessageRule = { faultId: "f0", effect: "drop", match };
  const struck: Struck = new Map();
  return datagramsOf(messages, perDatagram).flatMap((bytes, index) =>
    struckBy([rule], bytes, struck).length === 0 ? [index] : [],
  );
}

test("kinds have the same bits on both sides, and the header the same places", () => {
  assert.equal(
    MESSAGE_KINDS.map((kind) => TAGS[kind]),
    MESSAGE_KINDS.map((_, index) => index + 1),
  );
  assert.is(HEADER.bytes, HEADER_BYTES);
  fc.assert(
    fc.property(anyMessage, (message) => {
      const [datagram = new Uint8Array(0)] = datagramsOf([message]);
      assert.equal(readDescription(datagram), describe([encodeMessage(message)]));
    }),
    { numRuns: 100 },
  );
  assert.is(readDescription(new Uint8Array(40)), undefined);
  assert.is(readDescription(new Uint8Array(200)), undefined);
});

test("lose every commit of view 3, and nothing else", () => {
  const votes = [vote("commit", 3, 9), vote("prepare", 3, 9), vote("commit", 4, 9)];
  assert.equal(struckOf({ kinds: ["commit"], view: 3 }, votes), [0]);
  assert.equal(struckOf({ kinds: ["commit", "prepare"], view: 3 }, votes), [0, 1]);
  assert.equal(struckOf({ kinds: ["commit"] }, votes), [0, 2]);
});

test("views by parity and seqs by range; what has no view is of neither parity", () => {
  const votes = [0, 1, 2, 3].map((view) => vote("commit", view, 10 * view));
  const checkpoint: Message = {
    kind: "checkpoint",
    seq: 20,
    digest: DIGEST,
    replica: 0,
    signature,
  };
  const all = [...votes, checkpoint];
  const kinds = ["commit", "checkpoint"] as const;
  assert.equal(struckOf({ kinds, viewParity: "odd" }, all), [1, 3]);
  assert.equal(struckOf({ kinds, viewParity: "even" }, all), [0, 2]);
  assert.equal(struckOf({ kinds, seqs: { from: 10, to: 20 } }, all), [1, 2, 4]);
  assert.equal(struckOf({ kinds: ["checkpoint"] }, all), [4]);
});

test("only the first so many of a link are taken", () => {
  const votes = [1, 2, 3, 4].map((seq) => vote("commit", 0, seq));
  assert.equal(struckOf({ kinds: ["commit"], first: 2 }, votes), [0, 1]);
  assert.equal(struckOf({ kinds: ["new-view"], first: 2 }, votes), []);
});

test("where messages share a datagram, all of them are lost with the one that is meant", () => {
  const votes = [vote("commit", 3, 9), vote("prepare", 4, 10)];
  assert.equal(struckOf({ kinds: ["commit"], view: 3 }, votes, 2), [0]);
  assert.equal(struckOf({ kinds: ["commit"], view: 5 }, votes, 2), []);
});

test("effects add up: doubled and later, each counted for its own fault", () => {
  const struck: Struck = new Map();
  const match: MessageMatch = { kinds: ["commit"] };
  const rules: MessageRule[] = [
    { faultId: "f0", effect: "duplicate", match },
    { faultId: "f1", effect: { delayMs: 30 }, match },
    { faultId: "f2", effect: { delayMs: 5 }, match: { kinds: ["prepare"] } },
    { faultId: "f3", effect: { delayMs: 12 }, match },
  ];
  const [commit = new Uint8Array(0)] = datagramsOf([vote("commit", 0, 1)]);
  assert.equal(struckBy(rules, commit, struck), [42, 42]);
  assert.equal(struckBy(rules, new Uint8Array(300), struck), [0]);
  assert.equal(Object.fromEntries(struck), { f0: 1, f1: 1, f3: 1 });
});

test("a description with an empty range is in no range", () => {
  const empty = { viewLowest: 0xffff_ffff, viewHighest: 0, seqLowest: 0xffff_ffff, seqHighest: 0 };
  const status = { kinds: 1 << MESSAGE_KINDS.indexOf("request"), ...empty };
  assert.ok(matches({ kinds: ["request"] }, status));
  assert.not(matches({ kinds: ["request"], view: 0 }, status));
  assert.not(matches({ kinds: ["request"], viewParity: "odd" }, status));
  assert.not(matches({ kinds: ["request"], seqs: { from: 0, to: 9 } }, status));
});

test.run();
