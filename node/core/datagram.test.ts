import { createHash } from "node:crypto";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  createLinks,
  DATAGRAM_BYTES_LARGEST,
  DATAGRAM_BYTES_SMALLEST,
  HEADER_BYTES,
  type Links,
  MESSAGE_BYTES_MAX,
  pack,
  unpack,
} from "./datagram.js";
import { REASSEMBLY_LIMITS } from "./fragments.js";
import { type Keyring, MAC_BYTES } from "./keyring.js";

const CLUSTER = "0123456789abcdef";
const CLIENT = 256;

/** Modelled pair keys: a hash over both names; principals 0..9 and 256..265 are known. */
function modelKeyring(principal: number): Keyring {
  const known = (peer: number) => peer < 10 || (peer >= CLIENT && peer < CLIENT + 10);
  const mac = (peer: number, bytes: Uint8Array) =>
    createHash("sha256")
      .update(`${Math.min(principal, peer)}-${Math.max(principal, peer)}`)
      .update(bytes)
      .digest()
      .subarray(0, MAC_BYTES);
  return {
    principal,
    sign: () => new Uint8Array(64),
    verify: () => false,
    mac,
    verifyMac: (peer, bytes, given) => known(peer) && mac(peer, bytes).equals(given),
  };
}

function linksOf(principal: number, datagramBytesMax = 1400, cluster = CLUSTER): Links {
  return createLinks({ cluster, keyring: modelKeyring(principal), datagramBytesMax, epoch: 7 });
}

function bytesOf(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 17 + (index >> 8)) & 0xff);
}

function received(links: Links, datagrams: readonly Uint8Array[]): Uint8Array[] {
  return datagrams.flatMap((datagram) => {
    const unpacked = unpack(links, datagram);
    assert.is(unpacked.refusal, undefined);
    return [...unpacked.messages].map((message) => Uint8Array.from(message));
  });
}

/** The same datagram with other bytes before the MAC, and the MAC that `from` would put there. */
function resealed(from: number, to: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([content, modelKeyring(from).mac(to, content)]);
}

test("what is packed is unpacked: any messages, any order of sizes, any datagram size", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: DATAGRAM_BYTES_SMALLEST, max: 9000 }),
      fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 12 }),
      (datagramBytesMax, sizes) => {
        const messages = sizes.map(bytesOf);
        const datagrams = pack(linksOf(0, datagramBytesMax), 1, messages);
        for (const datagram of datagrams) assert.ok(datagram.length <= datagramBytesMax);
        assert.equal(received(linksOf(1), datagrams), messages);
      },
    ),
    { numRuns: 100 },
  );
});

test("no more messages share a datagram than are allowed to", () => {
  const messages = Array.from({ length: 7 }, (_, index) => bytesOf(10, index));
  for (const [datagramMessagesMax, count] of [
    [1, 7],
    [3, 3],
    [7, 1],
  ] as const) {
    const options = {
      cluster: CLUSTER,
      keyring: modelKeyring(0),
      datagramBytesMax: 1400,
      epoch: 7,
    };
    const datagrams = pack(createLinks({ ...options, datagramMessagesMax }), 1, messages);
    assert.is(datagrams.length, count);
    assert.equal(received(linksOf(1), datagrams), messages);
  }
});

test("a liar that describes a datagram wrongly is not heard, and its next one is", () => {
  const [datagram = new Uint8Array(0)] = pack(linksOf(0), 1, [bytesOf(10), bytesOf(20)]);
  const content = datagram.subarray(0, datagram.length - MAC_BYTES);
  const receiver = linksOf(1);
  for (let at = HEADER_BYTES - 18; at < HEADER_BYTES; at++) {
    const lie = Buffer.from(content);
    lie[at] = (lie[at] ?? 0) ^ 1;
    lie.writeUInt32BE(1 + at, 19);
    const { messages, refusal } = unpack(receiver, resealed(0, 1, lie));
    assert.equal([messages, refusal], [[], "misdescribed"], `byte ${at}`);
  }
  assert.is(unpack(receiver, datagram).messages.length, 2);
});

test("small messages for one destination share a datagram", () => {
  const messages = Array.from({ length: 10 }, (_, index) => bytesOf(100, index));
  assert.is(pack(linksOf(0), 1, messages).length, 1);
  assert.is(pack(linksOf(0), 1, []).length, 0);
});

test("a message of the largest size passes, in small datagrams or in reverse order", () => {
  const message = bytesOf(MESSAGE_BYTES_MAX);
  const receiver = linksOf(1);
  const small = pack(linksOf(0, DATAGRAM_BYTES_SMALLEST), 1, [message]);
  const large = pack(linksOf(2, DATAGRAM_BYTES_LARGEST), 1, [message]).reverse();
  for (const datagrams of [small, large]) {
    const messages = datagrams.flatMap((datagram) => [...unpack(receiver, datagram).messages]);
    assert.is(messages.length, 1);
    assert.ok(Buffer.from(message).equals(messages[0] ?? new Uint8Array(0)));
    assert.is(receiver.reassembly.bytes, 0, "nothing is kept of a finished message");
  }
  assert.throws(() => pack(linksOf(0), 1, [new Uint8Array(MESSAGE_BYTES_MAX + 1)]), /16777217/);
});

test("a resent message fills the gaps of its first copy", () => {
  const sender = linksOf(0);
  const receiver = linksOf(1);
  const message = bytesOf(10_000);
  const first = pack(sender, 1, [message]);
  const second = pack(sender, 1, [message]);
  assert.ok(first.length > 4);
  const even = first.filter((_, index) => index % 2 === 0);
  const odd = second.filter((_, index) => index % 2 === 1);
  assert.equal(received(receiver, even), []);
  assert.equal(received(receiver, odd), [message]);
});

test("a message sent again and again gets through a link with room for the first few of a burst", () => {
  for (const room of [1, 2, 5]) {
    const sender = linksOf(0);
    const receiver = linksOf(1);
    const message = bytesOf(30_000);
    const fragments = pack(linksOf(0), 1, [message]).length;
    let rounds = 0;
    for (let got = 0; got === 0; rounds++) {
      assert.ok(rounds < fragments * 2, `not through after ${rounds} rounds of ${room}`);
      got = received(receiver, pack(sender, 1, [message]).slice(0, room)).length;
    }
    assert.ok(rounds >= Math.ceil(fragments / room));
  }
});

test("a datagram is taken once", () => {
  const receiver = linksOf(1);
  const [datagram = new Uint8Array(0)] = pack(linksOf(0), 1, [bytesOf(10)]);
  assert.is(unpack(receiver, datagram).messages.length, 1);
  assert.equal(unpack(receiver, datagram), { from: 0, messages: [], refusal: "replayed" });
});

test("a datagram for another recipient or cluster, of another version or length, is refused", () => {
  const [datagram = new Uint8Array(0)] = pack(linksOf(0), 1, [bytesOf(10)]);
  const refusal = (links: Links, bytes: Uint8Array) => unpack(links, bytes).refusal;
  assert.is(refusal(linksOf(2), datagram), "other-recipient");
  assert.is(refusal(linksOf(0), datagram), "other-recipient", "reflected");
  assert.is(refusal(linksOf(1, 1400, "0123456789abcdee"), datagram), "other-cluster");
  assert.is(refusal(linksOf(1), new Uint8Array(0)), "too-short");
  assert.is(refusal(linksOf(1), datagram.subarray(0, HEADER_BYTES + MAC_BYTES)), "too-short");
  assert.is(refusal(linksOf(1), bytesOf(200)), "not-a-datagram");
  const future = Uint8Array.from(datagram);
  future[2] = 3;
  assert.is(refusal(linksOf(1), future), "other-version");
});

test("every flipped bit is noticed, and no sender can speak for another", () => {
  const [datagram = new Uint8Array(0)] = pack(linksOf(0), 1, [bytesOf(30)]);
  const receiver = linksOf(1);
  for (let bit = 0; bit < datagram.length * 8; bit++) {
    const flipped = Uint8Array.from(datagram);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const unpacked = unpack(receiver, flipped);
    assert.ok(unpacked.refusal !== undefined, `bit ${bit}`);
    assert.equal(unpacked.messages, []);
  }
  const content = Buffer.from(datagram.subarray(0, datagram.length - MAC_BYTES));
  content.writeUInt16BE(2, 11);
  assert.is(unpack(receiver, resealed(0, 1, content)).refusal, "forged");
  content.writeUInt16BE(99, 11);
  assert.is(unpack(receiver, resealed(99, 1, content)).refusal, "forged", "unknown principal");
});

test("an authenticated liar's frames of any content never throw, and cost bounded memory", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (bodies) => {
      const receiver = linksOf(1);
      const [datagram = new Uint8Array(0)] = pack(linksOf(0), 1, [bytesOf(1)]);
      const frames = bodies.flatMap((body) => [
        Buffer.from([body.length % 3, body.length >> 8, body.length & 0xff]),
        body,
      ]);
      const content = Buffer.concat([datagram.subarray(0, HEADER_BYTES), ...frames]);
      const unpacked = unpack(receiver, resealed(0, 1, content));
      for (const message of unpacked.messages) assert.ok(message.length > 0);
      assert.ok(receiver.reassembly.bytes < 10_000);
    }),
    { numRuns: 300 },
  );
});

type FragmentFields = {
  digest: number;
  total: number;
  stride: number;
  index: number;
  size: number;
};

function fragmentDatagram(from: number, counter: number, fields: FragmentFields): Uint8Array {
  const { digest, total, stride, index, size } = fields;
  const [datagram = new Uint8Array(0)] = pack(linksOf(from), 1, [bytesOf(1)]);
  const header = Buffer.from(datagram.subarray(0, HEADER_BYTES));
  header.writeUInt32BE(counter, 19);
  const frame = Buffer.alloc(3 + 24 + size);
  frame[0] = 1;
  frame.writeUInt16BE(24 + size, 1);
  frame.writeUInt32BE(digest, 3);
  frame.writeUInt32BE(total, 19);
  frame.writeUInt16BE(stride, 23);
  frame.writeUInt16BE(index, 25);
  return resealed(from, 1, Buffer.concat([header, frame]));
}

test("fragments have one form: anything else is refused by reason", () => {
  const good = { digest: 1, total: 1000, stride: 400, index: 0, size: 400 };
  const refusal = (fields: Partial<FragmentFields>) =>
    unpack(linksOf(1), fragmentDatagram(0, 0, { ...good, ...fields })).refusal;
  assert.is(refusal({}), undefined);
  assert.is(refusal({ index: 2, size: 200 }), undefined);
  assert.is(refusal({ size: 399 }), "malformed-fragment");
  assert.is(refusal({ size: 0 }), "malformed-fragment");
  assert.is(refusal({ index: 2 }), "malformed-fragment");
  assert.is(refusal({ index: 3 }), "malformed-fragment");
  assert.is(refusal({ total: 400 }), "malformed-fragment", "it would have fitted");
  assert.is(refusal({ stride: 255, size: 255 }), "malformed-fragment");
  assert.is(refusal({ total: MESSAGE_BYTES_MAX + 1 }), "oversized-message");
});

test("a liar that mixes fragments loses its own message and nobody else's", () => {
  const receiver = linksOf(1);
  const message = bytesOf(5000);
  const honest = pack(linksOf(2), 1, [message]);
  const lie = { digest: 1, total: 800, stride: 400, index: 0, size: 400 };
  assert.equal(received(receiver, honest.slice(0, 2)), []);
  unpack(receiver, fragmentDatagram(0, 0, lie));
  assert.is(
    unpack(receiver, fragmentDatagram(0, 1, { ...lie, index: 1 })).refusal,
    "mixed-fragments",
    "the whole is not what its name says",
  );
  unpack(receiver, fragmentDatagram(0, 2, lie));
  assert.is(
    unpack(receiver, fragmentDatagram(0, 3, { ...lie, total: 900 })).refusal,
    "mixed-fragments",
  );
  assert.equal(received(receiver, honest.slice(2)), [message]);
  assert.is(receiver.reassembly.bytes, 0);
});

test("memory is bounded for each peer and in all; the greedy evict their own, oldest first", () => {
  const receiver = linksOf(1);
  const message = bytesOf(5000);
  const honest = pack(linksOf(2), 1, [message]);
  received(receiver, honest.slice(0, 2));
  const wide = { total: 60_000, stride: 59_000, index: 0, size: 59_000 };
  for (const liar of [0, 3, 4, 5]) {
    for (let counter = 0; counter < 500; counter++) {
      unpack(receiver, fragmentDatagram(liar, counter, { ...wide, digest: counter }));
    }
    assert.ok((receiver.reassembly.peers.get(liar)?.bytes ?? 0) <= REASSEMBLY_LIMITS.replica);
  }
  for (let counter = 0; counter < 50; counter++) {
    unpack(receiver, fragmentDatagram(CLIENT, counter, { ...wide, digest: counter }));
  }
  assert.ok((receiver.reassembly.peers.get(CLIENT)?.bytes ?? 0) <= REASSEMBLY_LIMITS.client);
  assert.ok(receiver.reassembly.bytes <= REASSEMBLY_LIMITS.all);
  assert.ok(receiver.reassembly.evicted > 100);
  assert.equal(received(receiver, honest.slice(2)), [message], "the modest peer lost nothing");
  let sum = 0;
  for (const peer of receiver.reassembly.peers.values()) sum += peer.bytes;
  assert.is(sum, receiver.reassembly.bytes);
});

test("counters never repeat within an epoch", () => {
  const sender = linksOf(0);
  const receiver = linksOf(1);
  sender.counter = 0xffff_ffff;
  const datagrams = [1, 2, 3].flatMap((seed) => pack(sender, 1, [bytesOf(10, seed)]));
  assert.is(received(receiver, datagrams).length, 3);
  assert.is(sender.epoch, 8);
});

test.run();
