// Real processes on loopback: what the pieces promise one by one must hold when they are together.

import { createSocket } from "node:dgram";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "uvu";
import * as assert from "uvu/assert";
import { createSession, stepSession } from "../client/session.js";
import { createLinks, DATAGRAM_BYTES_SMALLEST, pack } from "../core/datagram.js";
import type { Keyring } from "../core/keyring.js";
import { decodeMessage, encodeMessage } from "../core/wire.js";
import { encodeOperation } from "../ledger/operation.js";
import type { Client } from "./client.js";
import type { ClientAnswer } from "./client-call.js";
import { principalsOf } from "./cluster-file.js";
import { Counters } from "./counters.js";
import { createKeyring } from "./keyring.js";
import {
  type ControlStatus,
  LoopbackCluster,
  type LoopbackOptions,
  waitFor,
} from "./testing/loopback-cluster.js";
import { openTransport } from "./transport.js";

type World = { cluster: LoopbackCluster; client: Client };

/** A suite on one cluster of four, with the account A; its tests run in order and share the state. */
function clusterSuite(name: string, settings: Partial<LoopbackOptions>) {
  const directory = mkdtempSync(join(tmpdir(), "ordeal-cluster-"));
  let world: World | undefined;
  const tests = suite(name);
  tests.before(async () => {
    const cluster = await LoopbackCluster.create({
      ...settings,
      directory,
      replicas: 4,
      clients: 2,
    });
    world = { cluster, client: await cluster.client(0) };
    await cluster.up();
    await ok(call(world.client, 0, "open", { account: "A", name: "Ann", address: "1 Road" }));
  });
  tests.after(async () => {
    await world?.cluster.stop();
    rmSync(directory, { recursive: true });
  });
  return (claim: string, action: (world: World) => Promise<void>) => {
    tests(claim, async () => {
      assert.ok(world);
      if (world !== undefined) await action(world);
    });
    return tests;
  };
}

let calls = 0;

function call(client: Client, session: number, f: string, value: object, first?: number) {
  calls += 1;
  const asked = { id: calls, session, f, value, timeoutMs: 10_000 };
  return client.call(first === undefined ? asked : { ...asked, first });
}

async function ok(answer: Promise<ClientAnswer>): Promise<ClientAnswer> {
  const given = await answer;
  assert.is(given.type, "ok", JSON.stringify(given));
  return given;
}

/** `count` deposits of 1 into A by eight sessions. */
async function deposit(client: Client, count: number): Promise<void> {
  let left = count;
  const session = async (index: number) => {
    while (left > 0) {
      left -= 1;
      await ok(call(client, index, "deposit", { account: "A", amount: 1 }));
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, index) => session(index)));
}

async function balance(client: Client): Promise<unknown> {
  const answer = await ok(call(client, 0, "balance", { account: "A" }));
  return Reflect.get(Object(answer.value), "balance");
}

/** Waits until all replicas report the same state, at this seq or above. */
function agreed(cluster: LoopbackCluster, seqMin = 1): Promise<ControlStatus[]> {
  return waitFor("equal digests on all replicas", async () => {
    const found = await Promise.all(cluster.file.replicas.map(({ id }) => cluster.status(id)));
    const statuses = found.filter((status) => status !== undefined);
    const [first] = statuses;
    const equal = statuses.every(
      (status) =>
        status.executedSeq >= seqMin &&
        status.executedSeq === first?.executedSeq &&
        status.digest === first.digest,
    );
    return equal && statuses.length === found.length ? statuses : undefined;
  });
}

// Nobody should ask for another view here, however slow the machine is.
const serving = clusterSuite("a cluster that serves", { protocol: { viewTimeoutMs: 5_000 } });

serving("four replicas serve and agree, whichever is asked first", async ({ cluster, client }) => {
  await ok(call(client, 1, "open", { account: "B" }, 3));
  await deposit(client, 50);
  const moved = await ok(call(client, 0, "move", { from: "A", to: "B", amount: 20 }, 2));
  assert.equal(moved.value, { from: "A", to: "B", amount: 20, fromBalance: 30, toBalance: 20 });
  const refused = await call(client, 2, "withdraw", { account: "B", amount: 21 });
  assert.is(refused.type, "fail");
  assert.is(refused.error, "insufficient-funds");
  assert.type(refused.seq, "number");
  await agreed(cluster, refused.seq);
  for (const { id } of cluster.file.replicas) {
    const answer = JSON.parse((await cluster.ask(id, { op: "accounts" })) ?? "{}");
    assert.equal(answer.accounts, [
      { id: "A", name: "Ann", address: "1 Road", balance: 30 },
      { id: "B", name: "", address: "", balance: 20 },
    ]);
    assert.match((await cluster.ask(id, { op: "dance" })) ?? "", /want op: status or accounts/);
  }
});

serving("a flood of rubbish is counted by reason and stops nobody", async ({ cluster, client }) => {
  const before = Number(await balance(client));
  const { port = 0, host = "" } = cluster.file.replicas[0] ?? {};
  const socket = createSocket("udp4");
  const send = (bytes: Uint8Array) =>
    new Promise<void>((sent) => socket.send(bytes, port, host, () => sent()));
  const links = createLinks({
    cluster: cluster.file.cluster,
    keyring: keyringOf(cluster, "c1"),
    datagramBytesMax: 1400,
    epoch: 1,
  });
  try {
    const work = deposit(client, 100);
    for (let index = 0; index < 300; index++) {
      const [datagram = new Uint8Array(0)] = pack(links, 0, [Uint8Array.of(255, index & 255)]);
      const forged = Uint8Array.from(datagram);
      forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1;
      const foreign = Uint8Array.from(datagram);
      foreign[5] = (foreign[5] ?? 0) ^ 1;
      await Promise.all([
        send(Buffer.from(`rubbish ${index}`.padEnd(60, "."))),
        send(forged),
        send(foreign),
        send(datagram),
        send(datagram),
      ]);
    }
    await work;
  } finally {
    socket.close();
  }
  // The kernel may drop some of them, never all.
  const ignored = await waitFor("the counts", async () => (await cluster.status(0))?.ignored);
  for (const reason of ["not-a-datagram", "forged", "other-cluster", "replayed"]) {
    const count = ignored[`datagram/${reason}`] ?? 0;
    assert.ok(count > 0 && count <= 300, `${reason}: ${count}`);
  }
  assert.ok((ignored["message/malformed"] ?? 0) > 0);
  assert.is(await balance(client), before + 100);
  await agreed(cluster);
});

serving("a client whose MACs check at some replicas only stalls nobody", async (world) => {
  const { cluster, client } = world;
  const before = Number(await balance(client));
  const views = (await agreed(cluster)).map(({ view }) => view);
  for (const wrongAt of [[0], [1, 2], [0, 1, 2, 3]]) {
    assert.ok(await submitWithBadMacs(cluster, wrongAt), `MACs wrong at ${wrongAt}`);
    await deposit(client, 10);
  }
  assert.is(await balance(client), before + 33);
  const after = (await agreed(cluster)).map(({ view }) => view);
  assert.equal(after, views, "nobody asked for another view");
});

serving("SIGTERM and SIGINT end a replica with 0 and a last line", async ({ cluster }) => {
  for (const { id } of cluster.file.replicas) {
    const signal = id === 0 ? "SIGINT" : "SIGTERM";
    assert.equal(await cluster.kill(id, signal), { code: 0, signal: null, errors: "" });
    const { event, reason } = Object(cluster.lines(id).at(-1));
    assert.equal([event, reason], ["exit", signal]);
  }
}).run();

// Checkpoints come often, so that little work brings state transfer and compaction; datagrams are
// small, so that batches, view-changes and nodes of the state travel in fragments.
const suffering = clusterSuite("a cluster that suffers", {
  protocol: { checkpointInterval: 8, window: 16 },
  datagramBytesMax: DATAGRAM_BYTES_SMALLEST,
});

suffering("a killed backup catches up after its restart", async ({ cluster, client }) => {
  await deposit(client, 40);
  assert.is((await cluster.kill(2, "SIGKILL")).signal, "SIGKILL");
  await deposit(client, 100);
  cluster.start(2);
  await cluster.started(2);
  await agreed(cluster);
});

suffering("a killed primary is replaced, and comes back", async ({ cluster, client }) => {
  const view = (await agreed(cluster))[0]?.view ?? 0;
  const primary = view % 4;
  const backup = (view + 1) % 4;
  assert.is((await cluster.kill(primary, "SIGKILL")).signal, "SIGKILL");
  await deposit(client, 10);
  const status = await cluster.status(backup);
  assert.ok((status?.view ?? 0) > view, `view ${status?.view}`);
  assert.ok(cluster.lines(backup).some((line) => line.event === "view-entered"));
  cluster.start(primary);
  await cluster.started(primary);
  await agreed(cluster);
  assert.is(await balance(client), 150);
});

suffering("a power failure of all loses and repeats nothing", async ({ cluster, client }) => {
  const ids = cluster.file.replicas.map(({ id }) => id);
  await deposit(client, 50);
  await Promise.all(ids.map((id) => cluster.kill(id, "SIGKILL")));
  for (const id of ids) cluster.start(id);
  await Promise.all(ids.map((id) => cluster.started(id)));
  assert.is(await balance(client), 200);
});

suffering("a wiped replica rejoins from its peers", async ({ cluster, client }) => {
  await cluster.kill(3, "SIGKILL");
  cluster.wipe(3);
  cluster.start(3);
  await cluster.started(3);
  const started = cluster.lines(3).findLast((line) => line.event === "started");
  assert.is(Object(started).hollow, true);
  // It votes once the others have a checkpoint above all that its earlier self can have voted for.
  await waitFor("the state to be here and the votes to count", async () => {
    await deposit(client, 8);
    return cluster.lines(3).some((line) => line.event === "state-transfer-finished") || undefined;
  });
  await deposit(client, 200);
  await agreed(cluster);
  const before = Number(await balance(client));
  await cluster.kill(2, "SIGKILL");
  await deposit(client, 10); // three of four: the one that was wiped must have voted
  assert.is(await balance(client), before + 10);
}).run();

function keyringOf(cluster: LoopbackCluster, name: string): Keyring {
  return createKeyring({
    cluster: cluster.file.cluster,
    secret: cluster.secretOf(name),
    principals: principalsOf(cluster.file),
  });
}

/** One deposit of 1 by a session whose authenticators are wrong at these replicas. */
async function submitWithBadMacs(
  loopback: LoopbackCluster,
  wrongAt: readonly number[],
): Promise<boolean> {
  const { cluster, replicas } = loopback.file;
  const keyring = keyringOf(loopback, "c1");
  const session = createSession({
    cluster,
    n: replicas.length,
    client: 257 * 65_536,
    timestamp: Date.now() * 1_000,
    keyring: {
      ...keyring,
      mac: (peer, bytes) =>
        wrongAt.includes(peer) ? new Uint8Array(16) : keyring.mac(peer, bytes),
    },
  });
  const transport = await openTransport({
    links: createLinks({ cluster, keyring, datagramBytesMax: 1400, epoch: Date.now() }),
    listen: { host: "127.0.0.1", port: 0 },
    replicas: new Map(replicas.map((replica) => [replica.id, replica])),
    counters: new Counters(),
  });
  let done = false;
  transport.onDatagram = (datagram) => {
    const { from = -1, messages } = transport.open(datagram);
    for (const bytes of messages) {
      const reply = decodeMessage(bytes);
      if (reply?.kind !== "reply") continue;
      const effects = stepSession(session, { kind: "reply", from, reply });
      done ||= effects.some((effect) => effect.kind === "done");
    }
  };
  try {
    const operation = encodeOperation({ kind: "deposit", account: "A", amount: 1 });
    // The request goes to all at once, the backups among them: none may start a view change for it.
    const effects = [
      ...stepSession(session, { kind: "submit", operation, view: 0 }),
      ...stepSession(session, { kind: "timeout" }),
    ];
    for (const effect of effects) {
      if (effect.kind !== "send") continue;
      for (const replica of effect.to) transport.send(replica, [encodeMessage(effect.request)]);
    }
    return await waitFor("the reply", async () => done || undefined, 5_000);
  } finally {
    await transport.close();
  }
}

test("a damaged log or ledger is said, kept for inspection and replaced: by rejoining, by a transfer", async () => {
  const directory = mkdtempSync(join(tmpdir(), "ordeal-cluster-"));
  const cluster = await LoopbackCluster.create({ directory, replicas: 4, clients: 1 });
  const log = join(cluster.dataOf(3), "protocol.log");
  const ledger = join(cluster.dataOf(3), "ledger.sqlite");
  const startOn = async (damage: () => void) => {
    await cluster.kill(3, "SIGKILL");
    damage();
    cluster.start(3);
    await cluster.started(3);
    const started = cluster.lines(3).findLast((line) => line.event === "started");
    return { hollow: Object(started).hollow, damaged: cluster.lines(3).at(-2) };
  };
  try {
    cluster.start(3, ["--init"]);
    await cluster.started(3);
    const bytes = readFileSync(log);
    const rotten = await startOn(() => writeFileSync(log, bytes.with(20, bytes.readUInt8(20) ^ 1)));
    assert.is(rotten.hollow, true);
    assert.is(rotten.damaged?.event, "log-damaged");
    assert.match(String(rotten.damaged?.["reason"]), /protocol\.log: its header is damaged/);
    assert.is(readFileSync(`${log}.damaged`).length, bytes.length);
    assert.ok(existsSync(`${ledger}.damaged`));

    const noLedger = await startOn(() => writeFileSync(ledger, "no database at all"));
    assert.is(noLedger.hollow, false);
    assert.is(noLedger.damaged?.event, "ledger-damaged");
    assert.is(readFileSync(`${ledger}.damaged`, "utf8"), "no database at all");
  } finally {
    await cluster.stop();
    rmSync(directory, { recursive: true });
  }
});

test("what is wrong at the start is one line on stderr, with its exit code", async () => {
  const directory = mkdtempSync(join(tmpdir(), "ordeal-cluster-"));
  const cluster = await LoopbackCluster.create({ directory, replicas: 4, clients: 1 });
  const blocker = createSocket("udp4");
  const ended = async (id: number, extra: readonly string[]) => {
    cluster.start(id, extra);
    return await cluster.ended(id);
  };
  const refused = async (id: number, extra: readonly string[], code: number, line: RegExp) => {
    const end = await ended(id, extra);
    assert.match(end.errors, line);
    assert.is(end.errors.split("\n").length, 2, end.errors);
    assert.is(end.code, code, end.errors);
  };
  try {
    const file = join(directory, "a-file");
    writeFileSync(file, "");
    await refused(0, ["--colour"], 254, /^Unknown option '--colour'.*usage: main --cluster/);
    await refused(0, ["--data", file], 254, /^--data is given twice/);

    const { port = 0 } = cluster.file.replicas[1] ?? {};
    await new Promise<void>((bound) => blocker.bind(port, "127.0.0.1", () => bound()));
    await refused(1, ["--init"], 255, /^UDP 127\.0\.0\.1:\d+ is in use/);

    writeFileSync(cluster.dataOf(2), "in the way");
    await refused(2, ["--init"], 255, /^--data cannot be written: EEXIST/);

    cluster.start(3, ["--init"]);
    await cluster.started(3);
    assert.is((await cluster.kill(3, "SIGTERM")).code, 0);
    await refused(3, ["--init"], 254, /^--init: .*r3 holds a replica already/);
    const { event, code } = { code: 0, ...cluster.lines(3).at(-1) };
    assert.equal([event, code], ["exit", 254]);
  } finally {
    blocker.close();
    await cluster.stop();
    rmSync(directory, { recursive: true });
  }
});

test.run();
