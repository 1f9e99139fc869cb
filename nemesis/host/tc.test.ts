import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { EgressPlan } from "./delay-line.js";
import {
  addLines,
  classesOf,
  classOf,
  deleteLines,
  leftoverLines,
  parseQdiscs,
  shaperClassOf,
  shaperIndexOf,
  shaperLines,
} from "./tc.js";

const test = suite("tc");
const HTB = { mechanism: "htb", hasShortQueues: true } as const;
const plan: EgressPlan = {
  links: [],
  pools: [
    { label: "20±5 ms", jitterMs: 5, waitsMs: [17.5, 22.5], groups: [2] },
    { label: "50±0 ms", jitterMs: 0, waitsMs: [50], groups: [1] },
  ],
};

test("an HTB line is a class in which 1,500 bytes take the wait, with the device's short queue", () => {
  assert.equal(addLines("eth0", plan, 0, HTB).slice(-1), [
    "class add dev eth0 parent 1: classid 1:3 htb rate 240000bit burst 1 cburst 1 mpu 1500 quantum 1500",
  ]);
  assert.is(addLines("eth0", plan, 0, HTB).length, 3);
  assert.equal(addLines("eth0", plan, 0, { ...HTB, hasShortQueues: false }).slice(-1), [
    "qdisc add dev eth0 parent 1:3 handle 13: pfifo limit 4",
  ]);
});

test("a netem line delays by itself", () => {
  assert.equal(
    addLines("eth0", plan, 1, { mechanism: "netem", hasShortQueues: true }).slice(0, 2),
    [
      "class add dev eth0 parent 1: classid 1:801 htb rate 10gbit quantum 1500",
      "qdisc add dev eth0 parent 1:801 handle 811: netem limit 10000 delay 17500us 5000us",
    ],
  );
});

test("the generations share no class, and a plan that has too many lines is refused", () => {
  const [first, second] = [classesOf(plan, 0), classesOf(plan, 1)];
  assert.equal(first, ["1:1", "1:2", "1:3"]);
  assert.is(new Set([...first, ...second]).size, 6);
  assert.equal(deleteLines("eth0", first.slice(0, 1)), ["class del dev eth0 classid 1:1"]);
  const waitsMs = new Array<number>(2_048).fill(1);
  const wide: EgressPlan = {
    links: [],
    pools: [{ label: "", jitterMs: 0, waitsMs, groups: [2_048] }],
  };
  assert.throws(() => classOf(wide, 0, 0, 2_047), /more than 2,047 lines/);
});

test("a shaper is a bucket of its own for each node, made once and changed from then on", () => {
  assert.equal(shaperLines("eth0", 2, { kind: "narrow", bytesPerSecond: 20_000 }, true), [
    "class add dev eth0 parent 1: classid 1:f002 htb rate 10gbit quantum 1500",
    "qdisc add dev eth0 parent 1:f002 handle f012: tbf rate 160000bit burst 1600 limit 2000",
  ]);
  assert.equal(shaperLines("eth0", 2, { kind: "clog" }, false), [
    "qdisc change dev eth0 parent 1:f002 handle f012: tbf rate 8bit burst 1600 mpu 1500 limit 64000",
  ]);
  assert.equal(shaperLines("eth0", 2, undefined, false), [
    "qdisc change dev eth0 parent 1:f002 handle f012: tbf rate 10gbit burst 1mb limit 1mb",
  ]);
  assert.equal([shaperIndexOf("1:f002"), shaperIndexOf("1:801")], [2, undefined]);
  assert.throws(() => shaperClassOf(250), /no class for node 250/);
});

test("what tc prints is read, and what it does not print is refused", () => {
  const printed = `[{"kind":"htb","handle":"1:","root":true,"options":{},"bytes":2,"packets":9,"drops":1,
    "overlimits":0,"requeues":0,"backlog":0,"qlen":3},
    {"kind":"pfifo","handle":"13:","parent":"1:3","packets":5,"drops":2,"overlimits":7,"qlen":0}]`;
  const qdiscs = parseQdiscs(printed);
  assert.equal(qdiscs, [
    { kind: "htb", handle: "1:", packets: 9, drops: 1, overlimits: 0, qlen: 3 },
    { kind: "pfifo", handle: "13:", parent: "1:3", packets: 5, drops: 2, overlimits: 7, qlen: 0 },
  ]);
  assert.equal(leftoverLines("eth0", qdiscs), ["qdisc del dev eth0 root"]);
  assert.equal(
    leftoverLines("eth0", [
      { kind: "noqueue", handle: "0:", packets: 0, drops: 0, overlimits: 0, qlen: 0 },
    ]),
    [],
  );
  assert.equal(parseQdiscs(""), []);
  assert.throws(() => parseQdiscs("{}"), /no list of qdiscs/);
  assert.throws(() => parseQdiscs('[{"kind":1}]'), /without kind or handle/);
  assert.throws(() => parseQdiscs("qdisc noqueue"), SyntaxError);
});

test.run();
