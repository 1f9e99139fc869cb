// The commands for hands, from the command line, on a real cluster.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { test } from "uvu";
import { freePorts } from "../../node/runtime/free-ports.js";
import { processesUnder } from "../cluster/testing/leftovers.js";

const CLI = resolve(fileURLToPath(new URL("../cli.js", import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), "ordeal-hands-"));
const dir = join(folder, "cluster");

type Ran = { code: number | undefined; out: string; err: string };

async function ordeal(line: string, input = ""): Promise<Ran> {
  const [group = "", verb = "", ...rest] = line.split(" ");
  const result = await execa(process.execPath, [CLI, group, verb, "--dir", dir, ...rest], {
    input,
    reject: false,
    timeout: 60_000,
  });
  return { code: result.exitCode, out: result.stdout, err: result.stderr };
}

async function expect(line: string, code: number, pattern: RegExp, input?: string): Promise<Ran> {
  const ran = await ordeal(line, input);
  assert.equal(ran.code, code, `${line}: ${ran.out}${ran.err}`);
  const said = code === 254 ? ran.err : ran.out;
  assert.match(said, pattern, line);
  if (code === 254) assert.equal(said.split("\n").length, 1, "one line");
  return ran;
}

async function pidOf(replica: string): Promise<number> {
  const { out } = await ordeal("cluster status");
  return Number(new RegExp(`^${replica} +(\\d+)`, "m").exec(out)?.[1]);
}

const [port = 0] = await freePorts(4, "127.0.0.1");

test.after(async () => {
  await ordeal("cluster down");
  rmSync(folder, { recursive: true, force: true });
});

test("without a cluster each command says so in one line", async () => {
  await expect("cluster status", 254, /no cluster in .*: start one with ordeal cluster up/);
  await expect("client get A", 254, /no cluster in/);
});

test("a port in use is named, and nothing is made", async () => {
  const socket = createSocket("udp4").bind(port + 2, "127.0.0.1");
  await once(socket, "listening");
  await expect(`cluster up --port ${port}`, 254, new RegExp(`UDP port ${port + 2} .* is in use`));
  socket.close();
  await expect("cluster status", 254, /no cluster in/);
});

test("up starts four replicas once, and refuses to do it again", async () => {
  await expect("cluster up --replicas 5", 254, /3f\+1/);
  await expect(`cluster up --port ${port}`, 0, /started a new cluster .*r0, r1, r2, r3/);
  await expect("cluster up", 254, /already up/);
  await expect("cluster up --replicas 7", 254, /has 4 replicas/);
  const { out } = await expect("cluster status", 0, /^replica +pid +view +seq +checkpoint +digest/);
  assert.equal(out.match(/^r\d .* serving$/gm)?.length, 4, out);
});

test("an operation is done, refused, or not understood, and the exit code says which", async () => {
  await expect("client open A --name Ann", 0, /^opened A/);
  await expect("client deposit A 100", 0, /^deposited 100 to A, which has 100/);
  await expect("client deposit A -5 --replica 2", 1, /^refused: an amount is a positive whole/);
  await expect("client deposit A 1.5", 254, /no amount/);
  await expect("client get A --replica 4", 254, /--replica wants a whole number from 0 to 3/);
});

test("a batch gives a line a command, and one that cannot be read sends nothing", async () => {
  const batch = [
    ...["# both word orders", "open B", "deposit 300 to B", "WITHDRAW 200 FROM B", ""],
    ...["move 100 from B to A", "move A B 1", "statement A", "withdraw B 9"],
  ].join("\n");
  const { out } = await expect("client batch -", 1, /^2: opened B/, batch);
  const lines = out.split("\n").map((line) => line.replace(/ \(seq \d+\)$/, ""));
  assert.deepEqual(lines, [
    "2: opened B",
    "3: deposited 300 to B, which has 300",
    "4: withdrew 200 from B, which has 100",
    "6: moved 100 from B, which has 0, to A, which has 200",
    "7: moved 1 from A, which has 199, to B, which has 1",
    "8: A has 199 after 3 movements; newest last: +100 +100 -1",
    "9: refused: the balance is too low (insufficient-funds)",
  ]);
  const file = join(folder, "batch.txt");
  writeFileSync(file, "deposit A 1\nsteal A 1\n");
  await expect(`client batch ${file}`, 254, /batch.txt line 2: no operation "steal".*nothing was/);
});

test("clients at the same time do not disturb one another", async () => {
  const clients = Array.from({ length: 5 }, () => ordeal("client deposit B 1"));
  for (const { code, out } of await Promise.all(clients)) assert.equal(code, 0, out);
  await expect("client get B", 0, /^B has 6 /);
});

test("show prints each replica's own row and who is down; up brings that one back", async () => {
  process.kill(await pidOf("r0"), "SIGKILL");
  const { out } = await expect("client show A B", 0, /r0 does not answer/);
  assert.equal(out.match(/^A +r[123] +Ann +199 /gm)?.length, 3, out);
  await expect("cluster status", 0, /^r0 .*down$/m);
  await expect("client get A --replica 0", 0, /^A has 199/);
  await expect("cluster up", 0, /from its disks .*: r0$/m);
});

test("without a quorum the outcome is not known, and a batch stops there", async () => {
  for (const replica of ["r1", "r2"]) process.kill(await pidOf(replica), "SIGKILL");
  const batch = "get A\nget B\nget A\n";
  await expect("client batch - --timeout 1", 2, /^1: not known: .*\n2 more were not sent$/, batch);
});

test("a damaged cluster file is refused by name", async () => {
  const file = join(dir, "cluster.json");
  const good = readFileSync(file, "utf8");
  writeFileSync(file, good.replace('"version": 1', '"version": 2'));
  await expect("client get A", 254, /cluster\.json: version: .*found 2/);
  writeFileSync(file, good);
});

test("down stops all and keeps the data, up recovers it, timestamps only grow", async () => {
  await expect("cluster down", 0, /^stopped r0, r3; the data stays/);
  assert.deepEqual(processesUnder(dir), []);
  await expect("cluster down", 0, /^nothing was up/);
  await expect("client get A", 254, /is down: ordeal cluster up starts it/);
  const timestampFile = join(dir, "clients", "c0", "timestamp");
  const future = Number(readFileSync(timestampFile, "utf8")) + 3_600_000_000;
  writeFileSync(timestampFile, `${future}\n`); // As if the clock had been set back by an hour.
  await expect("cluster up", 0, /from its disks/);
  await expect("client batch -", 0, /^1: A has 199 .*\n2: B has 6 /, "get A\nget B\n");
  assert.equal(Number(readFileSync(timestampFile, "utf8")), future + 2);
});

test.run();
