import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { LinkRule } from "../faults.js";
import { composeLinks } from "../links.js";
import { planEgress } from "./delay-line.js";
import {
  chainsOf,
  installInput,
  type NodeRules,
  parseCounters,
  poolChainsIn,
  restoreInput,
} from "./iptables.js";

const test = suite("iptables");
const intent = { kind: "loss", percent: 1, target: { kind: "none" } } as const;
const linksOf = (...links: LinkRule[]) => composeLinks([{ id: "f0", intent, nodes: [], links }]);

function rulesOf(incoming: LinkRule[], outgoing: LinkRule[], packetsPerSecond = 100): NodeRules {
  return {
    address: "10.77.0.2",
    device: "eth0",
    addresses: new Map([
      ["r0", "10.77.0.1"],
      ["r1", "10.77.0.2"],
      ["c0", "10.77.0.3"],
    ]),
    incoming: linksOf(...incoming),
    egress: planEgress(linksOf(...outgoing), { mechanism: "htb", packetsPerSecond }),
    generation: 0,
    gateway: "10.77.0.254",
    needsPlugs: true,
    chainsBefore: [],
  };
}

test("a node's whole incoming state is one restore; a dropped link needs no other rule", () => {
  const rules = rulesOf(
    [
      { from: "r0", to: "r1", drop: true, lossPercent: 50, duplicatePercent: 50 },
      { from: "c0", to: "r1", lossPercent: 20, duplicatePercent: 30 },
    ],
    [],
  );
  assert.is(
    restoreInput(rules),
    `*filter
:ORDEAL-IN - [0:0]
-A ORDEAL-IN -s 10.77.0.1/32 -m comment --comment drop:r0>r1 -j DROP
-A ORDEAL-IN -s 10.77.0.3/32 -m statistic --mode random --probability 0.200000 -m comment --comment loss:c0>r1 -j DROP
COMMIT
*mangle
:ORDEAL-DUP - [0:0]
:ORDEAL-OUT - [0:0]
-A ORDEAL-DUP -i eth0 -p udp -s 10.77.0.3/32 -m statistic --mode random --probability 0.300000 -m comment --comment duplicate:c0>r1 -j TEE --gateway 10.77.0.2
COMMIT
`,
  );
});

test("patterns of loss come after single losses, and a burst that ends lets its datagram through", () => {
  const burstLoss = { percent: 20, lengthMean: 5 };
  const rules = rulesOf([{ from: "r0", to: "r1", lossPercent: 1, lossEvery: 7, burstLoss }], []);
  const found = restoreInput(rules)
    .split("\n")
    .filter((line) => line.startsWith("-A ORDEAL-IN"))
    .map((line) => line.replace("-A ORDEAL-IN -s 10.77.0.1/32 -m ", ""));
  const list = "-m recent --name ordeal-burst --rsource";
  assert.equal(found, [
    "statistic --mode random --probability 0.010000 -m comment --comment loss:r0>r1 -j DROP",
    "statistic --mode nth --every 7 --packet 6 -m comment --comment every:r0>r1 -j DROP",
    `statistic --mode random --probability 0.200000 ${list} --remove -j RETURN`,
    "recent --name ordeal-burst --rsource --rcheck -m comment --comment burst:r0>r1 -j DROP",
    `statistic --mode random --probability 0.050000 ${list} --set -m comment --comment bursts:r0>r1 -j DROP`,
  ]);
});

test("what a burst lost is counted with the datagram with which it began", () => {
  const saved = `-A ORDEAL-IN -m comment --comment "burst:r0>r1" -c 12 3400 -j DROP
-A ORDEAL-IN -m comment --comment "bursts:r0>r1" -c 3 90 -j DROP
-A ORDEAL-IN -m comment --comment "bursts:r2>r1" -c 5 90 -j DROP`;
  assert.equal(
    parseCounters(saved).map(({ part, from, packets }) => [part, from, packets]),
    [
      ["burst", "r0", 15],
      ["bursts", "r0", 3],
      ["bursts", "r2", 5],
    ],
  );
});

test("a clogged link sends one plug into its bucket, a narrow one takes its class and goes on", () => {
  const rules = rulesOf(
    [],
    [
      { from: "r1", to: "r0", clogged: true },
      { from: "r1", to: "c0", bytesPerSecond: 1_000 },
    ],
  );
  const to = (address: string) => `-A ORDEAL-OUT -o eth0 -p udp -d ${address}/32`;
  assert.equal(
    restoreInput(rules)
      .split("\n")
      .filter((line) => /^-A ORDEAL-(OUT|POOL)/.test(line)),
    [
      "-A ORDEAL-OUT -m mark --mark 0x7a11 -j RETURN",
      `${to("10.77.0.1")} -m comment --comment clog:r1>r0 -j CLASSIFY --set-class 1:f000`,
      `${to("10.77.0.1")} -m statistic --mode nth --every 2147483647 --packet 0 -j ORDEAL-POOL-PLUG`,
      `${to("10.77.0.1")} -j RETURN`,
      `${to("10.77.0.3")} -m comment --comment narrow:r1>c0 -j CLASSIFY --set-class 1:f002`,
      "-A ORDEAL-POOL-PLUG -j MARK --set-mark 0x7a11",
      "-A ORDEAL-POOL-PLUG -j TEE --gateway 10.77.0.254",
    ],
  );
  assert.equal(chainsOf(rules), ["ORDEAL-POOL-PLUG"]);
});

test("a replay sends a copy through a line, and the datagram itself goes on unmarked", () => {
  const text = restoreInput(rulesOf([], [{ from: "r1", to: "r0", replayPercent: 5 }]));
  const out = text.split("\n").filter((line) => line.startsWith("-A ORDEAL-OUT -o"));
  assert.equal(
    out.map((line) => line.replace("-A ORDEAL-OUT -o eth0 -p udp -d 10.77.0.1/32 ", "")),
    [
      "-m statistic --mode random --probability 0.050000 -m comment --comment replay:r1>r0 -j MARK --set-mark 0x7a12",
      "-m mark --mark 0x7a12 -j ORDEAL-POOL-0",
      "-m mark --mark 0x7a11 -j TEE --gateway 10.77.0.1",
      "-m mark --mark 0x7a11 -j CLASSIFY --set-class 0:0",
      "-m mark --mark 0x7a11 -j MARK --set-mark 0x0",
    ],
  );
});

test("an empty state leaves only empty chains, and removes the pools of the state before", () => {
  const chainsBefore = ["ORDEAL-POOL-0", "ORDEAL-POOL-0-1"];
  assert.is(
    restoreInput({ ...rulesOf([], []), chainsBefore }),
    `*filter
:ORDEAL-IN - [0:0]
COMMIT
*mangle
:ORDEAL-DUP - [0:0]
:ORDEAL-OUT - [0:0]
:ORDEAL-POOL-0 - [0:0]
:ORDEAL-POOL-0-1 - [0:0]
-X ORDEAL-POOL-0
-X ORDEAL-POOL-0-1
COMMIT
`,
  );
});

test("a delayed link is dealt to its lines in turn, each datagram behind a plug", () => {
  const rules = rulesOf([], [{ from: "r1", to: "r0", delay: { delayMs: 1, jitterMs: 0 } }]);
  const text = restoreInput(rules).split("\n");
  assert.equal(chainsOf(rules), ["ORDEAL-POOL-0"]);
  assert.equal(
    text.filter((line) => line.startsWith("-A ORDEAL-OUT")),
    [
      "-A ORDEAL-OUT -m mark --mark 0x7a11 -j RETURN",
      "-A ORDEAL-OUT -o eth0 -p udp -d 10.77.0.1/32 -m comment --comment delay:r1>r0 -g ORDEAL-POOL-0",
    ],
  );
  const pool = text.filter((line) => line.startsWith("-A ORDEAL-POOL-0"));
  assert.is(pool.length, 18);
  assert.is(
    pool[3],
    "-A ORDEAL-POOL-0 -m statistic --mode nth --every 16 --packet 3 -j CLASSIFY --set-class 1:4",
  );
  assert.equal(pool.slice(-2), [
    "-A ORDEAL-POOL-0 -j MARK --set-mark 0x7a11",
    "-A ORDEAL-POOL-0 -j TEE --gateway 10.77.0.254",
  ]);
});

test("a big pool has two levels; every line has its rule, and turns are even", () => {
  const outgoing = [{ from: "r1", to: "r0", delay: { delayMs: 50, jitterMs: 10 } }];
  const rules = rulesOf([], outgoing, 1_000);
  const lines = rules.egress.pools[0]?.waitsMs.length ?? 0;
  assert.ok(lines > 16);
  const text = restoreInput(rules);
  const classes = [...text.matchAll(/--set-class (1:\w+)/g)].map(([, id]) => id);
  assert.is(new Set(classes).size, lines);
  assert.is(classes.length, lines);
  // Dealt like the kernel deals: rule k of g takes every (g − k)th of what the rules before it left.
  const groups = [...text.matchAll(/^-A ORDEAL-POOL-0 (?:.*--every (\d+) --packet 0 )?-g/gm)];
  let left = 1;
  for (const [, every] of groups) {
    const taken = left / Number(every ?? 1);
    assert.ok(Math.abs(taken - 1 / groups.length) < 1e-9);
    left -= taken;
  }
  assert.ok(Math.abs(left) < 1e-9);
});

test("chains and jumps are made once, and what an earlier run left is found", () => {
  const fresh = installInput("");
  assert.is(fresh.match(/^-I /gm)?.length, 3);
  const saved = [
    "*mangle",
    ":ORDEAL-POOL-0 - [0:0]",
    ":ORDEAL-POOL-0-1 - [0:0]",
    "[0:0] -A PREROUTING -j ORDEAL-DUP",
    "[0:0] -A POSTROUTING -j ORDEAL-OUT",
    "*filter",
    "[5:100] -A INPUT -j ORDEAL-IN",
    "",
  ].join("\n");
  assert.not.match(installInput(saved), /^-I /m);
  assert.equal(poolChainsIn(saved), ["ORDEAL-POOL-0", "ORDEAL-POOL-0-1"]);
});

test("counters are read by part and link, quoted or not; foreign rules are passed over", () => {
  const saved = `-A ORDEAL-IN -s 10.77.0.1/32 -m comment --comment "drop:r0>r1" -c 12 3400 -j DROP
-A ORDEAL-OUT -d 10.77.0.1/32 -o eth0 -p udp -m comment --comment delay:r1>r0 -c 3 90 -g ORDEAL-POOL-0
-A INPUT -s 10.77.0.9/32 -m comment --comment "drop:r9>r1" -c 7 7 -j DROP
-A ORDEAL-IN -m comment --comment "harm:r0>r1" -c 8 8 -j DROP`;
  assert.equal(parseCounters(saved), [
    { part: "drop", from: "r0", to: "r1", packets: 12 },
    { part: "delay", from: "r1", to: "r0", packets: 3 },
  ]);
});

test("a link to a node without an address is refused by name", () => {
  assert.throws(
    () => restoreInput(rulesOf([{ from: "r9", to: "r1", drop: true }], [])),
    /no address is known for node r9/,
  );
});

test.run();
