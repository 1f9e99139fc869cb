import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { test } from "uvu";
import type { LinkRule, ResolvedFault } from "../../nemesis/faults.js";
import { waitUntil } from "./deadline.js";
import { networkEvidence } from "./relay-evidence.js";
import { RelayProcess } from "./relay-process.js";

const DEADLINE_MS = 10_000;

type Peer = { socket: Socket; port: number; heard: string[]; senders: Set<number> };

async function peer(answer?: string): Promise<Peer> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const heard: string[] = [];
  const senders = new Set<number>();
  socket.on("message", (bytes, from) => {
    heard.push(bytes.toString());
    senders.add(from.port);
    if (answer !== undefined) socket.send(answer, from.port, from.address);
  });
  return { socket, port: socket.address().port, heard, senders };
}

/** A relay process between client c0 and echoing replica r0. */
async function behindRelay(
  body: (at: {
    relay: RelayProcess;
    client: Peer;
    replica: Peer;
    replicaPort: number;
    send: (count: number) => Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  const client = await peer();
  const replica = await peer("echo");
  const relay = new RelayProcess();
  try {
    const host = "127.0.0.1";
    const addresses = await relay.open(
      42,
      [
        { name: "r0", host, port: replica.port },
        { name: "c0", host, port: client.port },
      ],
      [["r0", "c0"]],
    );
    const replicaPort = addresses.find(({ node }) => node === "c0")?.port ?? 0;
    let sent = 0;
    const send = async (count: number) => {
      for (let i = 0; i < count; i++) {
        client.socket.send(String(sent++), replicaPort, host);
        // Let the relay breathe: a kernel that drops a burst is not what is tested here.
        if (i % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    await body({ relay, client, replica, replicaPort, send });
  } finally {
    await relay.stop(DEADLINE_MS);
    client.socket.close();
    replica.socket.close();
  }
}

function fault(intent: ResolvedFault["intent"], rule: LinkRule): ResolvedFault {
  return { id: "f1", intent, nodes: ["r0"], links: [rule] };
}

const target = { kind: "none" } as const;

test("a datagram and its answer find their way, from the socket that stands for the peer", () =>
  behindRelay(async ({ relay, client, replica, replicaPort, send }) => {
    await send(3);
    assert.ok(await waitUntil(() => client.heard.length === 3, DEADLINE_MS));
    assert.deepEqual(replica.heard, ["0", "1", "2"]);
    assert.deepEqual([...client.senders], [replicaPort]);
    for (const { counters } of await relay.traffic()) assert.equal(counters.passed, 3);
  }));

test("five thousand datagrams pass and are counted", () =>
  behindRelay(async ({ relay, client, replica, send }) => {
    await send(5_000);
    assert.ok(await waitUntil(() => client.heard.length === 5_000, DEADLINE_MS));
    assert.equal(replica.heard.length, 5_000);
    for (const { counters } of await relay.traffic()) assert.equal(counters.passed, 5_000);
  }));

test("a cut in one direction stops that direction only, and healing restores it", () =>
  behindRelay(async ({ relay, client, replica, send }) => {
    const cut = fault(
      { kind: "partition", shape: "one-way-out", target },
      { from: "r0", to: "c0", drop: true },
    );
    const before = await relay.traffic();
    await relay.setRules(cut.links);
    await send(50);
    const seen = async () => networkEvidence(cut, before, await relay.traffic());
    assert.ok(
      await waitUntil(async () => (await seen()).summary.includes("dropped 50 "), DEADLINE_MS),
    );
    assert.equal(replica.heard.length, 50);
    assert.equal(client.heard.length, 0);
    assert.deepEqual((await seen()).landed, true);
    assert.equal((await seen()).summary, "dropped 50 datagrams on 1 of 1 links");
    await relay.setRules([]);
    await send(1);
    assert.ok(await waitUntil(() => client.heard.length === 1, DEADLINE_MS));
  }));

test("a fault that no datagram met has not landed", () =>
  behindRelay(async ({ relay }) => {
    const loss = fault({ kind: "loss", percent: 99, target }, { from: "c0", to: "r0" });
    const before = await relay.traffic();
    const evidence = networkEvidence(loss, before, await relay.traffic());
    assert.equal(evidence.landed, false);
    assert.match(evidence.summary, /no effect/);
  }));

test("loss and duplication change what arrives by what the counters say", () =>
  behindRelay(async ({ relay, replica, send }) => {
    await relay.setRules([{ from: "c0", to: "r0", lossPercent: 20, duplicatePercent: 30 }]);
    await send(2_000);
    const link = async () => {
      const found = (await relay.traffic()).find(({ from }) => from === "c0");
      assert.ok(found);
      return found.counters;
    };
    const arrived = (c: { lost: number; duplicated: number }) => 2_000 - c.lost + c.duplicated;
    assert.ok(
      await waitUntil(async () => replica.heard.length === arrived(await link()), DEADLINE_MS),
    );
    const { lost, duplicated } = await link();
    assert.ok(lost > 300 && lost < 500, `lost ${lost} of 2000 at 20 %`);
    assert.ok(duplicated > 380 && duplicated < 580, `duplicated ${duplicated} of 1600 at 30 %`);
  }));

test("reordering lets later datagrams overtake, and counts exactly those overtaken", () =>
  behindRelay(async ({ relay, replica, send }) => {
    const rule = { from: "c0", to: "r0", reorder: { percent: 25, gapMs: 30 } };
    await relay.setRules([rule]);
    await send(1_000);
    assert.ok(await waitUntil(() => replica.heard.length === 1_000, DEADLINE_MS));
    let newest = -1;
    let overtaken = 0;
    for (const number of replica.heard.map(Number)) {
      if (number < newest) overtaken += 1;
      newest = Math.max(newest, number);
    }
    const found = (await relay.traffic()).find(({ from }) => from === "c0");
    assert.ok(overtaken > 100, `overtaken: ${overtaken}`);
    assert.equal(found?.counters.overtaken, overtaken);
  }));

test("a slow link delays each datagram, both ways as ruled", () =>
  behindRelay(async ({ relay, client, send }) => {
    const delay = { delayMs: 40, jitterMs: 0 };
    await relay.setRules([
      { from: "c0", to: "r0", delay },
      { from: "r0", to: "c0", delay },
    ]);
    const started = performance.now();
    await send(1);
    assert.ok(await waitUntil(() => client.heard.length === 1, DEADLINE_MS));
    assert.ok(performance.now() - started >= 79, "there and back is two delays");
  }));

test("what is under way when a link is cut does not arrive", () =>
  behindRelay(async ({ relay, replica, send }) => {
    await relay.setRules([{ from: "c0", to: "r0", delay: { delayMs: 200, jitterMs: 0 } }]);
    await send(10);
    const counters = async () => (await relay.traffic()).find(({ from }) => from === "c0");
    assert.ok(
      await waitUntil(async () => (await counters())?.counters.delayed === 10, DEADLINE_MS),
    );
    await relay.setRules([{ from: "c0", to: "r0", drop: true }]);
    assert.ok(
      await waitUntil(async () => (await counters())?.counters.dropped === 10, DEADLINE_MS),
    );
    assert.equal(replica.heard.length, 0);
  }));

test("a clogged link delivers nothing until it is free, and then all that waits, in order", () =>
  behindRelay(async ({ relay, replica, send }) => {
    const clog = fault({ kind: "clog", target }, { from: "c0", to: "r0", clogged: true });
    const before = await relay.traffic();
    await relay.setRules(clog.links);
    await send(20);
    const seen = async () => networkEvidence(clog, before, await relay.traffic());
    assert.ok(await waitUntil(async () => (await seen()).measured["stuck"] === 20, DEADLINE_MS));
    assert.equal(replica.heard.length, 0);
    await relay.setRules([]);
    assert.ok(await waitUntil(() => replica.heard.length === 20, DEADLINE_MS));
    assert.deepEqual(replica.heard.map(Number), [...replica.heard.keys()]);
    assert.equal((await seen()).summary, "held behind the clog 20 datagrams on 1 of 1 links");
  }));

test("what was behind a clog is lost where the link is cut before it is free", () =>
  behindRelay(async ({ relay, replica, send }) => {
    const counters = async () => (await relay.traffic()).find(({ from }) => from === "c0");
    await relay.setRules([{ from: "c0", to: "r0", clogged: true }]);
    await send(5);
    assert.ok(await waitUntil(async () => (await counters())?.counters.stuck === 5, DEADLINE_MS));
    await relay.setRules([{ from: "c0", to: "r0", drop: true }]);
    assert.equal((await counters())?.counters.dropped, 5);
    assert.equal(replica.heard.length, 0);
  }));

test("corruption and replays reach the receiver as the counters say, each fault by its own", () =>
  behindRelay(async ({ relay, replica, send }) => {
    const corrupt = fault(
      { kind: "corrupt", percent: 30, target },
      { from: "c0", to: "r0", corruptPercent: 30 },
    );
    const replay = fault(
      { kind: "replay", percent: 30, target },
      { from: "c0", to: "r0", replayPercent: 30 },
    );
    const before = await relay.traffic();
    await relay.setRules([{ from: "c0", to: "r0", corruptPercent: 30, replayPercent: 30 }]);
    await send(500);
    const after = async () => {
      const { counters } = (await relay.traffic()).find(({ from }) => from === "c0") ?? {};
      return { corrupted: counters?.corrupted ?? 0, replayed: counters?.replayed ?? 0 };
    };
    assert.ok(
      await waitUntil(
        async () => replica.heard.length === 500 + (await after()).replayed,
        DEADLINE_MS,
      ),
    );
    const { corrupted, replayed } = await after();
    assert.ok(corrupted > 90 && corrupted < 220, `${corrupted} of 500 at 30 %`);
    assert.ok(replayed > 90 && replayed < 220, `${replayed} of 500 at 30 %`);
    const traffic = await relay.traffic();
    assert.match(networkEvidence(corrupt, before, traffic).summary, /^corrupted \d+ datagrams/);
    assert.match(networkEvidence(replay, before, traffic).summary, /^replayed \d+ datagrams/);
  }));

test("losses in bursts and of every n-th are proved by counters of their own", () =>
  behindRelay(async ({ relay, send }) => {
    const every = fault(
      { kind: "loss", percent: 20, pattern: { kind: "every" }, target },
      { from: "c0", to: "r0", lossEvery: 5 },
    );
    const bursts = fault(
      { kind: "loss", percent: 20, pattern: { kind: "bursts", lengthMean: 3 }, target },
      { from: "c0", to: "r0" },
    );
    const before = await relay.traffic();
    await relay.setRules(every.links);
    await send(100);
    const seen = async () => networkEvidence(every, before, await relay.traffic());
    assert.ok(await waitUntil(async () => (await seen()).measured["nthLost"] === 20, DEADLINE_MS));
    assert.equal(networkEvidence(bursts, before, await relay.traffic()).landed, false);
  }));

test("a rule for a link that is not there is refused by name", () =>
  behindRelay(async ({ relay }) => {
    await assert.rejects(relay.setRules([{ from: "r0", to: "r9", drop: true }]), /no link r0>r9/);
  }));

test("a relay that was killed says so, and fails what is asked of it", async () => {
  const relay = new RelayProcess();
  process.kill(relay.pid, "SIGKILL");
  assert.ok(await waitUntil(() => relay.failure !== undefined, DEADLINE_MS));
  assert.match(relay.failure ?? "", /SIGKILL/);
  await assert.rejects(relay.traffic(), /SIGKILL/);
});

test.run();
