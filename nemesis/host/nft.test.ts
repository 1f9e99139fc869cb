import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { LinkRule } from "../faults.js";
import { composeLinks } from "../links.js";
import { needsNft, nftInput, parseNftCounters } from "./nft.js";

const test = suite("nft");
const ADDRESSES = new Map([
  ["r0", "10.77.0.1"],
  ["r1", "10.77.0.2"],
]);

function linksOf(rule: Omit<LinkRule, "from" | "to">, from = "r0") {
  const intent = { kind: "corrupt", percent: 1, target: { kind: "none" } } as const;
  return composeLinks([{ id: "f0", intent, nodes: [], links: [{ from, to: "r1", ...rule }] }]);
}

test("a corrupted link flips its share, without the checksum that would have the kernel drop it", () => {
  const text = nftInput(linksOf({ corruptPercent: 2.5 }), "eth0", ADDRESSES);
  assert.match(text, /^table ip ordeal\ndelete table ip ordeal\ntable ip ordeal \{\n/);
  assert.match(
    text,
    'iifname "eth0" ip saddr 10.77.0.1 ip protocol udp numgen random mod 1000000 < 25000 ' +
      'udp checksum set 0 counter jump flip comment "corrupt:r0>r1"',
  );
  // Every flip changes one bit of one byte of the payload, which begins 8 bytes after the UDP header.
  const flips = [...text.matchAll(/@th,(\d+),8 set @th,(\d+),8 \^ 0x(\w+)/g)];
  assert.is(flips.length, 16);
  for (const [, at, again, mask] of flips) {
    assert.is(at, again);
    assert.ok(Number(at) >= 8 * 8);
    assert.is(Math.log2(Number.parseInt(mask ?? "", 16)) % 1, 0);
  }
});

test("a slow and narrow link is policed, with a tenth of a second's burst", () => {
  const delay = { delayMs: 5, jitterMs: 0 };
  const text = nftInput(linksOf({ bytesPerSecond: 50_000, delay }), "eth0", ADDRESSES);
  assert.match(text, "limit rate over 50000 bytes/second burst 5000 bytes counter drop");
  assert.not(linksOf({ bytesPerSecond: 50_000 }).some(needsNft));
});

test("links that need nothing leave no table, and one without an address is refused", () => {
  const none = "table ip ordeal\ndelete table ip ordeal\n";
  assert.is(nftInput(linksOf({ drop: true, corruptPercent: 50 }), "eth0", ADDRESSES), none);
  assert.is(nftInput([], "eth0", ADDRESSES), none);
  assert.throws(() => nftInput(linksOf({ corruptPercent: 1 }, "r9"), "eth0", ADDRESSES), /r9/);
});

test("counters are read by part and link from what nft prints", () => {
  const listed = `table ip ordeal {
	chain in {
		type filter hook prerouting priority mangle - 10; policy accept;
		iifname "eth0" ip saddr 10.77.0.1 ip protocol udp limit rate over 50000 bytes/second burst 5000 bytes counter packets 7 bytes 900 drop comment "bandwidth:r0>r1"
		iifname "eth0" ip saddr 10.77.0.1 ip protocol udp numgen random mod 1000000 < 25000 udp checksum set 0 counter packets 41 bytes 4100 jump flip comment "corrupt:r0>r1"
	}
}`;
  assert.equal(parseNftCounters(listed), [
    { part: "bandwidth", from: "r0", to: "r1", packets: 7 },
    { part: "corrupt", from: "r0", to: "r1", packets: 41 },
  ]);
});

test.run();
