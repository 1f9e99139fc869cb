// Throughput, fail-over and recovery of real replicas on loopback, as a table. Nothing depends on it.
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
import { parseArgs } from "node:util";
import type { Client } from "../node/runtime/client.js";
import { generateKeys } from "../node/runtime/keys.js";
import { loadSignatureScheme } from "../node/runtime/signatures.js";
import { LoopbackCluster, waitFor } from "../node/runtime/testing/loopback-cluster.js";

const REPLICAS = 4;
const ACCOUNTS = 64;
const MISSED_OPERATIONS = 20_000;
/** Of /proc/<pid>/stat on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

type Row = Record<string, string | number>;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "5" },
    profile: { type: "boolean", default: false },
    only: { type: "string", default: "" },
  },
});

let callId = 0;

function call(client: Client, session: number, f: string, value: object) {
  callId += 1;
  return client.call({ id: callId, session, f, value, timeoutMs: 30_000 });
}

/** Sessions in a closed loop until `more` says no; gives each operation's latency in ms. */
async function load(client: Client, sessions: number, more: () => boolean): Promise<number[]> {
  const latencies: number[] = [];
  const session = async (index: number) => {
    for (let turn = index; more(); turn++) {
      const started = performance.now();
      const from = `a${turn % ACCOUNTS}`;
      const to = `a${(turn * 7 + 1) % ACCOUNTS}`;
      const answer = await (turn % 2 === 0 || from === to
        ? call(client, index, "deposit", { account: from, amount: 5 })
        : call(client, index, "move", { from, to, amount: 1 }));
      if (answer.type === "info") throw new Error(`no answer: ${JSON.stringify(answer)}`);
      latencies.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: sessions }, (_, index) => session(index)));
  return latencies;
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** For so many seconds, after as many of the same load: Node compiles what runs often. */
async function throughput(
  cluster: LoopbackCluster,
  client: Client,
  sessions: number,
): Promise<Row> {
  const warm = performance.now() + Number(values.seconds) * 1_000;
  await load(client, sessions, () => performance.now() < warm);
  const pids = cluster.file.replicas.map(({ id }) => cluster.pidOf(id));
  const cpuBefore = pids.map(cpuSeconds);
  const ownBefore = process.cpuUsage();
  const seqBefore = (await cluster.status(0))?.executedSeq ?? 0;
  const started = performance.now();
  const end = started + Number(values.seconds) * 1_000;
  const latencies = (await load(client, sessions, () => performance.now() < end)).sort(
    (left, right) => left - right,
  );
  const seconds = (performance.now() - started) / 1_000;
  const own = process.cpuUsage(ownBefore);
  const batches = ((await cluster.status(0))?.executedSeq ?? 0) - seqBefore;
  const perOperation = (cpu: number) => Math.round((cpu * 1e6) / latencies.length);
  return {
    sessions,
    "ops/s": Math.round(latencies.length / seconds),
    "p50 ms": quantile(latencies, 0.5),
    "p99 ms": quantile(latencies, 0.99),
    "max ms": quantile(latencies, 1),
    "ops/batch": Number((latencies.length / batches).toFixed(1)),
    "replica CPU µs/op": pids
      .map((pid, index) => perOperation(cpuSeconds(pid) - (cpuBefore[index] ?? 0)))
      .join(" "),
    "client µs/op": perOperation((own.user + own.system) / 1e6),
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
  await load(client, 50, () => left-- > 0);
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

const directory = mkdtempSync(join(tmpdir(), "ordeal-throughput-"));
const cluster = await LoopbackCluster.create({
  directory,
  replicas: REPLICAS,
  clients: 1,
  nodeArguments: values.profile
    ? ["--cpu-prof", "--cpu-prof-dir", join(directory, "profiles")]
    : [],
});
try {
  await cluster.up();
  const client = await cluster.client(0);
  for (let index = 0; index < ACCOUNTS; index++) {
    await call(client, 0, "open", { account: `a${index}` });
    await call(client, 0, "deposit", { account: `a${index}`, amount: 1_000_000 });
  }
  const wanted = (part: string) => values.only === "" || values.only.split(",").includes(part);
  const rates: Row[] = [];
  for (const sessions of [1, 10, 50, 200]) {
    if (wanted(`${sessions}`)) rates.push(await throughput(cluster, client, sessions));
  }
  print(`${REPLICAS} durable replicas, no faults (wanted: 500 ops/s at 1, 4,000 at 50)`, rates);
  if (wanted("fail-over")) {
    print("kill -9 of the primary (wanted: resumed in 1,500 ms)", [
      await failOver(cluster, client),
    ]);
  }
  if (wanted("catch-up")) {
    print("a replica restarted (wanted: answers in 2,000 ms, equal in 10,000 ms)", [
      await catchUp(cluster, client),
    ]);
  }
  print("the machine", [await machine(directory)]);
  print("resident memory (wanted: below 250 MB)", [await memory(cluster)]);
} finally {
  await cluster.stop();
  if (values.profile) console.log(`profiles: ${join(directory, "profiles")}`);
  else rmSync(directory, { recursive: true });
}
