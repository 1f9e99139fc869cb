import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FaultIntent, LinkRule } from "../../nemesis/faults.js";
import { createRandom } from "../../nemesis/random.js";
import { EventQueue } from "./event-queue.js";
import { CALM, Network, type Weather } from "./network.js";

const TARGET = { kind: "none" } as const;

function harness(weather: Partial<Weather> = {}) {
  const queue = new EventQueue();
  const arrived: { to: number; bytes: Uint8Array; atUs: number }[] = [];
  const network = new Network(
    queue,
    createRandom(5),
    { ...CALM, ...weather },
    (_from, to, bytes) => {
      arrived.push({ to, bytes, atUs: queue.nowUs });
    },
  );
  const send = (count: number) => {
    for (let index = 0; index < count; index++) {
      network.send(0, 1, Uint8Array.of(index >> 8, index & 255, 1, 2), queue.nowUs);
    }
    while (queue.step());
  };
  const suffer = (rule: Partial<LinkRule>) => {
    const intent: FaultIntent = { kind: "clog", target: TARGET };
    network.apply([{ id: "f0", intent, nodes: [], links: [{ from: "r0", to: "r1", ...rule }] }]);
  };
  return { queue, network, arrived, send, suffer };
}

test("a calm link delivers everything once, no sooner than its minimum", () => {
  const { arrived, send } = harness();
  send(200);
  assert.is(arrived.length, 200);
  assert.ok(arrived.every(({ atUs }) => atUs >= CALM.latencyUsMin));
});

test("weather loses, doubles, changes and repeats about as much as it says", () => {
  const lossy = harness({ lossPercent: 20 });
  lossy.send(1_000);
  assert.ok(lossy.arrived.length > 740 && lossy.arrived.length < 860);
  const doubling = harness({ duplicatePercent: 20 });
  doubling.send(1_000);
  assert.ok(doubling.arrived.length > 1_140 && doubling.arrived.length < 1_260);
  const corrupting = harness({ corruptPercent: 20 });
  corrupting.send(1_000);
  const changed = corrupting.arrived.filter(({ bytes }, index) => {
    return bytes[2] !== 1 || bytes[3] !== 2 || index < 0;
  });
  assert.ok(changed.length > 50, `${changed.length}`);
  const repeating = harness({ replayPercent: 20 });
  repeating.send(1_000);
  assert.ok(repeating.arrived.length > 1_140);
});

test("a cut link delivers nothing, in its direction only", () => {
  const { network, arrived, queue, send, suffer } = harness();
  suffer({ drop: true });
  send(10);
  assert.is(arrived.length, 0);
  network.send(1, 0, Uint8Array.of(1), queue.nowUs);
  while (queue.step());
  assert.is(arrived.length, 1);
  assert.equal(network.biteOf("f0"), { what: "drop", links: new Map([["r0>r1", 10]]) });
});

test("a clogged link delivers what waits once it is free", () => {
  const { network, arrived, send, suffer, queue } = harness();
  suffer({ clogged: true });
  send(10);
  assert.is(arrived.length, 0);
  network.apply([]);
  while (queue.step());
  assert.is(arrived.length, 10);
});

test("a narrow link spreads datagrams out, and drops what would wait too long", () => {
  const { arrived, send, suffer } = harness({ latencyUsMean: 0 });
  suffer({ bytesPerSecond: 1_000 });
  send(100);
  // 4 ms for each datagram of four bytes, and at most 100 ms of queue.
  assert.ok(arrived.length >= 25 && arrived.length <= 27, `${arrived.length}`);
  assert.ok((arrived.at(-1)?.atUs ?? 0) > 100_000);
});

test("bursts and every n-th lose what the chain and the count say, and bite as such", () => {
  const bursty = harness();
  bursty.suffer({ burstLoss: { percent: 25, lengthMean: 5 } });
  bursty.send(4_000);
  assert.ok(bursty.arrived.length > 2_700 && bursty.arrived.length < 3_300);
  const bite = bursty.network.biteOf("f0");
  assert.is(bite?.what, "burst");
  assert.is(bite?.links.get("r0>r1"), 4_000 - bursty.arrived.length);
  const every = harness();
  every.suffer({ lossEvery: 4 });
  every.send(100);
  assert.is(every.arrived.length, 75);
  assert.is(every.network.biteOf("f0")?.what, "every");
});

test("a delay has the distribution that was asked", () => {
  const { arrived, suffer, send } = harness({ latencyUsMean: 0 });
  suffer({ delay: { delayMs: 100, jitterMs: 100, distribution: "exponential" } });
  send(2_000);
  const waits = arrived.map(({ atUs }) => atUs / 1_000).sort((a, b) => a - b);
  const median = waits[1_000] ?? 0;
  assert.ok(Math.abs(median - 100 * Math.LN2) < 6, `${median}`);
});

test("the same seed does the same to every datagram", () => {
  const runs = [1, 2].map(() => {
    const { arrived, send } = harness({ lossPercent: 10, reorderPercent: 30, replayPercent: 5 });
    send(300);
    return arrived;
  });
  assert.equal(runs[0], runs[1]);
});

test.run();
