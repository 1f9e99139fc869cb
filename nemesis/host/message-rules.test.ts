import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MESSAGE_KINDS, type MessageMatch, type MessageRule } from "../faults.js";
import { type DatagramDescription, HEADER, matches, NUMBER_MAX } from "../messages.js";
import {
  matchOptions,
  messageRules,
  parseMessageCounters,
  remainingRules,
} from "./message-rules.js";

const test = suite("message rules");
const LINK = { from: "r0", to: "r1" };

/** An IP packet with UDP and a datagram in it that says this of itself. */
function packetOf(said: DatagramDescription, ipWords: number): Buffer {
  const datagram = Buffer.alloc(80);
  datagram.writeUIntBE(HEADER.start, 0, 3);
  datagram.writeUInt16BE(said.kinds, HEADER.kinds);
  for (const name of ["viewLowest", "viewHighest", "seqLowest", "seqHighest"] as const) {
    datagram.writeUInt32BE(said[name], HEADER[name]);
  }
  const headers = Buffer.alloc(4 * ipWords + 8);
  headers[0] = 0x40 + ipWords;
  return Buffer.concat([headers, datagram]);
}

/** What xt_u32 makes of an expression: iptables-extensions(8), for the operators that we use. */
function u32Matches(expression: string, packet: Buffer): boolean {
  return expression.split("&&").every((one) => {
    const [location = "", ranges = ""] = one.split("=");
    let base = 0;
    let value = 0;
    for (const part of location.split("@")) {
      const [start = "", ...operations] = part.split(/(?=&|>>)/);
      base += value;
      value = packet.readUInt32BE(base + Number(start));
      for (const operation of operations) {
        if (operation.startsWith("&")) value = (value & Number(operation.slice(1))) >>> 0;
        else value >>>= Number(operation.slice(2));
      }
    }
    const [low = "", high = low] = ranges.split(":");
    return value >= Number(low) && value <= Number(high);
  });
}

const number = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constant(NUMBER_MAX));
const description = fc.record({
  kinds: fc.integer({ min: 0, max: 0xffff }),
  viewLowest: number,
  viewHighest: number,
  seqLowest: number,
  seqHighest: number,
});
const small = fc.integer({ min: 0, max: 4 });
const match: fc.Arbitrary<MessageMatch> = fc.record(
  {
    kinds: fc.subarray([...MESSAGE_KINDS], { minLength: 1 }),
    view: small,
    viewParity: fc.constantFrom("even" as const, "odd" as const),
    seqs: fc.tuple(small, small).map(([from, more]) => ({ from, to: from + more })),
  },
  { requiredKeys: ["kinds"] },
);

test("the packet filter takes what the rule means, and nothing else", () => {
  fc.assert(
    fc.property(match, description, fc.integer({ min: 5, max: 7 }), (meant, said, ipWords) => {
      const [, expression = ""] = /"(.*)"/.exec(matchOptions(meant)) ?? [];
      assert.is(u32Matches(expression, packetOf(said, ipWords)), matches(meant, said));
    }),
    { numRuns: 2_000 },
  );
  const any = { kinds: 1, viewLowest: 0, viewHighest: 0, seqLowest: 0, seqHighest: 0 };
  const other = packetOf(any, 5);
  other[28] = 0;
  const [, expression = ""] = /"(.*)"/.exec(matchOptions({ kinds: ["request"] })) ?? [];
  assert.not(u32Matches(expression, other), "it does not begin as our datagrams do");
});

test("the first so many: a rule each, that leaves the next to the next rule", () => {
  const rule = (first?: number): MessageRule => ({
    faultId: "f3",
    effect: "drop",
    match: { kinds: ["new-view"], ...(first === undefined ? {} : { first }) },
  });
  const dropped = messageRules("-A ORDEAL-IN", rule(3), LINK, "-j DROP", true);
  assert.is(dropped.length, 3);
  for (const text of dropped) assert.match(text, /--packet 0 .*message:f3:r0>r1 -j DROP$/);
  const copied = messageRules("-A ORDEAL-DUP", rule(2), LINK, "-j TEE --gateway g", false);
  assert.match(copied[0] ?? "", /--packet 0 /);
  assert.match(copied[1] ?? "", /--packet 1 /);
  const [all = ""] = messageRules("-A ORDEAL-IN", rule(), LINK, "-j DROP", true);
  assert.not.match(all, /statistic/);
});

test("counters are read by fault and link, the rules of one added up", () => {
  const saved = [
    '-A ORDEAL-IN -s 10.0.0.1/32 -m u32 --u32 "0x0" -m comment --comment "message:f3:r0>r1" -c 3 99 -j DROP',
    '-A ORDEAL-IN -s 10.0.0.1/32 -m u32 --u32 "0x0" -m comment --comment "message:f3:r0>r1" -c 1 33 -j DROP',
    '-A ORDEAL-OUT -m comment --comment "message:f4:r1>r0" -c 7 99 -g ORDEAL-POOL-0',
    '-A ORDEAL-IN -m comment --comment "drop:r0>r1" -c 9 99 -j DROP',
    '-A OTHER -m comment --comment "message:f9:r0>r1" -c 9 99 -j DROP',
  ].join("\n");
  assert.equal(parseMessageCounters(saved), [
    { faultId: "f3", from: "r0", to: "r1", packets: 4 },
    { faultId: "f4", from: "r1", to: "r0", packets: 7 },
  ]);
});

test("what was taken is taken off what is left", () => {
  const rules: MessageRule[] = [
    { faultId: "f1", effect: "drop", match: { kinds: ["commit"], first: 5 } },
    { faultId: "f2", effect: "drop", match: { kinds: ["commit"], first: 2 } },
    { faultId: "f3", effect: "drop", match: { kinds: ["commit"] } },
  ];
  const left = remainingRules(rules, (id) => (id === "f1" ? 3 : 2));
  assert.equal(
    left.map(({ faultId, match: { first } }) => [faultId, first]),
    [
      ["f1", 2],
      ["f3", undefined],
    ],
  );
});

test.run();
