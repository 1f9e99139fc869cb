// Throughput, fail-over and recovery of real replicas on loopback, as a table. Nothing depends on it. The
// same machine may be three times slower an hour later, so a skeleton of the normal case (skeleton/) is
// measured in turns with ours, without signatures and with: the ratio stands where absolute figures do not.
//   node dist/bench/throughput.js [--seconds 5] [--only 1,50,fail-over,catch-up] [--profile]

import { createSocket } from "node:dgram";
import { once } from "node:events";
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "../node/runtime/client.js";
import { generateKeys } from "../node/runtime/keys.js";
import { systemCodeOf } from "../node/runtime/ordeal-error.js";
import { loadSignatureScheme } from "../node/runtime/signatures.js";
import { LoopbackCluster, waitFor } from "../node/runtime/testing/loopback-cluster.js";
import { load, loadInTurns, type Measured, type Target } from "./load-in-turns.js";
import { benchOptions } from "./options.js";
import { type Skeleton, startSkeleton } from "./skeleton/skeleton.js";
import { CASH } from "./skeleton/wire.js";

const REPLICAS = 4;
const ACCOUNTS = 64;
const MISSED_OPERATIONS = 20_000;
const SESSION_COUNTS = [1, 10, 50, 200];
const PARTS = [...SESSION_COUNTS.map(String), "fail-over", "catch-up"];
/** 500 operations/s at 1 session, 4,000 at 50: wanted where a skeleton did 700–1,100 and 10,000–16,000. */
const WANTED_OF_SKELETON = new Map([
  [1, { least: 500 / 1_100, best: 500 / 700 }],
  [50, { least: 4_000 / 16_000, best: 4_000 / 10_000 }],
]);

type Row = Record<string, string | number>;

const options = benchOptions(
  `throughput [--seconds 5] [--only ${PARTS.join(",")}] [--profile], sessions or other parts`,
  { values: ["seconds", "only"], flags: ["profile"] },
);
const seconds = options.positive("seconds", 5);
const parts = options.some("only", PARTS) ?? PARTS;
const sessionCounts = SESSION_COUNTS.filter((count) => parts.includes(String(count)));
const profiled = options.flag("profile");

let callId = 0;

function call(client: Client, session: number, f: string, value: object) {
  callId += 1;
  return client.call({ id: callId, session, f, value, timeoutMs: 30_000 });
}

/** Of a turn: every other one is a deposit. */
function accountsOf(turn: number): { from: number | undefined; to: number } {
  const [from, to] = [turn % ACCOUNTS, (turn * 7 + 1) % ACCOUNTS];
  return turn % 2 === 0 || from === to ? { from: undefined, to: from } : { from, to };
}

function ours(cluster: LoopbackCluster, client: Client): Target {
  return {
    async operate(session, turn) {
      const { from, to } = accountsOf(turn);
      const answer = await (from === undefined
        ? call(client, session, "deposit", { account: `a${to}`, amount: 5 })
        : call(client, session, "move", { from: `a${from}`, to: `a${to}`, amount: 1 }));
      if (answer.type === "info") throw new Error(`no answer: ${JSON.stringify(answer)}`);
    },
    pids: cluster.file.replicas.map(({ id }) => cluster.pidOf(id)),
    executedSeq: () => waitFor("a status", async () => (await cluster.status(0))?.executedSeq),
  };
}

function theSkeleton({ client, pids }: Skeleton): Target {
  let seq = 0; // of the newest batch that a reply came from
  return {
    async operate(session, turn) {
      const { from, to } = accountsOf(turn);
      const transfer = { debit: from ?? CASH, credit: to, amount: from === undefined ? 5 : 1 };
      const reply = await client.call(session, transfer);
      seq = Math.max(seq, reply.seq);
    },
    pids,
    executedSeq: async () => seq,
  };
}

async function throughput(cluster: LoopbackCluster, client: Client): Promise<void> {
  const skeletons: Skeleton[] = [];
  try {
    const compared = sessionCounts.some((count) => WANTED_OF_SKELETON.has(count));
    for (const signed of compared ? [false, true] : []) {
      const folder = join(directory, signed ? "skeleton-signed" : "skeleton");
      skeletons.push(await startSkeleton(folder, { accounts: ACCOUNTS, signed }));
    }
    const own = ours(cluster, client);
    const all = [own, ...skeletons.map(theSkeleton)];
    const tables: Row[][] = all.map(() => []);
    const ratios: Row[] = [];
    for (const sessions of sessionCounts) {
      const wanted = WANTED_OF_SKELETON.get(sessions);
      const targets = wanted === undefined ? [own] : all;
      const rows = (await loadInTurns(targets, { sessions, seconds })).map((measured) =>
        rowOf(sessions, measured),
      );
      for (const [index, row] of rows.entries()) tables[index]?.push(row);
      const [ownRow, bareRow, signedRow] = rows;
      if (!ownRow || !bareRow || !signedRow || wanted === undefined) continue;
      ratios.push({
        sessions,
        "ours ops/s": ownRow["ops/s"],
        "skeleton ops/s": bareRow["ops/s"],
        ratio: Number((ownRow["ops/s"] / bareRow["ops/s"]).toFixed(2)),
        wanted: `${wanted.least.toFixed(2)}–${wanted.best.toFixed(2)}`,
        "signed ops/s": signedRow["ops/s"],
        "ratio to it": Number((ownRow["ops/s"] / signedRow["ops/s"]).toFixed(2)),
      });
    }
    const [ownTable = [], ...others] = tables;
    const aims = "(wanted: 500 ops/s at 1, 4,000 at 50)";
    print(`${REPLICAS} durable replicas, no faults ${aims}`, ownTable);
    if (ratios.length === 0) return;
    for (const [index, votes] of ["no signatures", "signed votes"].entries()) {
      print(`a skeleton of the normal case with ${votes}, in turns with ours`, others[index] ?? []);
    }
    print("ours beside them (wanted: 0.45–0.71 of the one without at 1, 0.25–0.40 at 50)", ratios);
  } finally {
    await Promise.all(skeletons.map((skeleton) => skeleton.stop()));
  }
}

function rowOf(sessions: number, measured: Measured): Row & { "ops/s": number } {
  const { latenciesMs, replicaCpuS, clientCpuS } = measured;
  const perOperation = (cpuS: number) => Math.round((cpuS * 1e6) / latenciesMs.length);
  return {
    sessions,
    "ops/s": Math.round(latenciesMs.length / measured.seconds),
    "p50 ms": quantile(latenciesMs, 0.5),
    "p99 ms": quantile(latenciesMs, 0.99),
    "max ms": quantile(latenciesMs, 1),
    "ops/batch": Number((latenciesMs.length / measured.batches).toFixed(1)),
    "replica CPU µs/op": replicaCpuS.map(perOperation).join(" "),
    "client µs/op": perOperation(clientCpuS),
    load: readFileSync("/proc/loadavg", "utf8").split(" ")[0] ?? "",
  };
}

function print(title: string, rows: readonly Row[]): void {
  console.log(`\n${title}`);
  console.table(rows);
}

function quantile(sorted: readonly number[], q: number): number {
  return Number((sorted[Math.ceil(q * sorted.length) - 1] ?? 0).toFixed(2));
}

async function memory(cluster: LoopbackCluster): Promise<Row> {
  const statuses = await Promise.all(cluster.file.replicas.map(({ id }) => cluster.status(id)));
  return Object.fromEntries(
    statuses.map((status, id) => [`r${id}`, `${Math.round((status?.rssBytes ?? 0) / 2 ** 20)} MB`]),
  );
}

/** The longest silence after the primary of view 0 is killed under load. */
async function failOver(cluster: LoopbackCluster, client: Client): Promise<Row> {
  let more = true;
  const ended: number[] = [];
  const sessions = Array.from({ length: 20 }, async (_, index) => {
    while (more) {
      await call(client, index, "deposit", { account: `a${index}`, amount: 5 });
      ended.push(performance.now());
    }
  });
  await new Promise((next) => setTimeout(next, 500));
  const view = (await cluster.status(1))?.view ?? 0;
  const killed = performance.now();
  await cluster.kill(view % REPLICAS, "SIGKILL");
  await new Promise((next) => setTimeout(next, 4_000));
  more = false;
  await Promise.all(sessions);
  const after = ended.filter((time) => time > killed + 50);
  const resumed = after[0] ?? Number.NaN;
  cluster.start(view % REPLICAS);
  await cluster.started(view % REPLICAS);
  return {
    "resumed after ms": Math.round(resumed - killed),
    "ops in the 4 s": after.length,
    "old view": view,
    "new view": (await cluster.status((view + 1) % REPLICAS))?.view ?? -1,
  };
}

/** A replica that was dead while others executed many operations. */
async function catchUp(cluster: LoopbackCluster, client: Client): Promise<Row> {
  const view = (await cluster.status(1))?.view ?? 0;
  const id = (view + 2) % REPLICAS;
  await cluster.kill(id, "SIGKILL");
  let left = MISSED_OPERATIONS;
  await load(ours(cluster, client).operate, 50, () => left-- > 0);
  const restarted = performance.now();
  cluster.start(id);
  await cluster.started(id);
  const answers = performance.now() - restarted;
  await waitFor(
    "equal digests",
    async () => {
      const [other, own] = await Promise.all([
        cluster.status((id + 1) % REPLICAS),
        cluster.status(id),
      ]);
      return (own?.digest !== undefined && own.digest === other?.digest) || undefined;
    },
    60_000,
  );
  const equal = performance.now() - restarted;
  return {
    missed: MISSED_OPERATIONS,
    "answers ms": Math.round(answers),
    "equal ms": Math.round(equal),
  };
}

/** What a batch is made of, on this machine: medians, one at a time. */
async function machine(folder: string): Promise<Row> {
  const scheme = loadSignatureScheme();
  const { secret, public: known } = generateKeys(0);
  const sign = scheme.signer(secret.signingSecret);
  const verify = scheme.verifier(known.signingKey);
  const bytes = Buffer.alloc(100);
  const signature = sign(bytes);
  const file = openSync(join(folder, "synced"), "w");
  writeSync(file, Buffer.alloc(1 << 20));
  fsyncSync(file);
  const fdatasync = await median(300, (round) => {
    writeSync(file, bytes, 0, bytes.length, round * 512);
    fdatasyncSync(file);
  });
  closeSync(file);
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  const datagram = await median(2_000, async () => {
    const came = once(socket, "message");
    socket.send(bytes, port, "127.0.0.1");
    await came;
  });
  socket.close();
  return {
    "fdatasync µs": fdatasync,
    "datagram to ourselves µs": datagram,
    "sign µs": await median(2_000, () => void sign(bytes)),
    "verify µs": await median(2_000, () => void verify(bytes, signature)),
  };
}

async function median(
  rounds: number,
  work: (round: number) => void | Promise<void>,
): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    await work(round);
    times.push(performance.now() - started);
  }
  times.sort((left, right) => left - right);
  return Math.round(1_000 * quantile(times, 0.5));
}

// Whoever reads may stop reading (`| head`): the replicas must be ended all the same.
process.stdout.on("error", (error) => {
  if (systemCodeOf(error) !== "EPIPE") throw error;
});

const directory = mkdtempSync(join(tmpdir(), "ordeal-throughput-"));
const cluster = await LoopbackCluster.create({
  directory,
  replicas: REPLICAS,
  clients: 1,
  nodeArguments: profiled ? ["--cpu-prof", "--cpu-prof-dir", join(directory, "profiles")] : [],
});
try {
  await cluster.up();
  const client = await cluster.client(0);
  for (let index = 0; index < ACCOUNTS; index++) {
    await call(client, 0, "open", { account: `a${index}` });
    await call(client, 0, "deposit", { account: `a${index}`, amount: 1_000_000 });
  }
  if (sessionCounts.length > 0) await throughput(cluster, client);
  if (parts.includes("fail-over")) {
    print("kill -9 of the primary (wanted: resumed in 1,500 ms)", [
      await failOver(cluster, client),
    ]);
  }
  if (parts.includes("catch-up")) {
    print("a replica restarted (wanted: answers in 2,000 ms, equal in 10,000 ms)", [
      await catchUp(cluster, client),
    ]);
  }
  print("the machine", [await machine(directory)]);
  print("resident memory (wanted: below 250 MB)", [await memory(cluster)]);
} finally {
  await cluster.stop();
  if (profiled) console.log(`profiles: ${join(directory, "profiles")}`);
  else rmSync(directory, { recursive: true });
}
