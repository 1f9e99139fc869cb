import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import type { ResolvedFault } from "../../nemesis/faults.js";
import { handleOf } from "../../nemesis/host/process.js";
import type { ClientCall } from "../../node/runtime/client-call.js";
import { waitUntil } from "./deadline.js";
import type { Environment, EnvironmentOptions, NodeStatus } from "./environment.js";
import { nodeFiles } from "./layout.js";
import { createLocal } from "./local.js";
import { type Mood, writeFakeBuild } from "./testing/fake-build.js";
import { processesUnder } from "./testing/leftovers.js";

const DEADLINE_MS = 10_000;

type Place = { environment: Environment; directory: string };

/** A cluster of its own for what ends or spoils it. */
async function withLocal(
  moods: Readonly<Record<string, Mood>>,
  body: (place: Place) => Promise<void>,
): Promise<void> {
  const place = makePlace(moods);
  try {
    await body(place);
  } finally {
    await removePlace(place);
  }
}

/** One cluster for all that leave it as it was; its first user starts it. */
async function withShared(body: (place: Place) => Promise<void>): Promise<void> {
  if (shared === undefined) {
    shared = makePlace({});
    await shared.environment.start();
  }
  await body(shared);
}

let shared: Place | undefined;

test.after(async () => {
  if (shared !== undefined) await removePlace(shared);
});

function makePlace(moods: Readonly<Record<string, Mood>>): Place {
  const directory = mkdtempSync(join(tmpdir(), "ordeal-test-"));
  writeFakeBuild(join(directory, "build"), moods);
  const environment = createLocal(optionsIn(directory), "a test", { stopMsMax: 500 });
  return { environment, directory };
}

async function removePlace({ environment, directory }: Place): Promise<void> {
  await environment.stop();
  assert.deepEqual(processesUnder(directory), [], "nothing that was started still runs");
  rmSync(directory, { recursive: true });
}

function optionsIn(directory: string): EnvironmentOptions {
  return {
    replicas: 4,
    clientProcesses: 1,
    directory,
    protocol: {},
    build: join(directory, "build"),
    seed: 1,
  };
}

async function statusOf(environment: Environment, node: string): Promise<NodeStatus> {
  const found = (await environment.observe()).find((status) => status.node === node);
  assert.ok(found);
  return found;
}

function call(f: string, timeoutMs = 1_000): ClientCall {
  return { id: 5, session: 3, f, value: { account: "A" }, timeoutMs };
}

function fault(kind: "kill" | "pause", id: string, ...nodes: string[]): ResolvedFault {
  return { id, intent: { kind, target: { kind: "nodes", nodes } }, nodes, links: [] };
}

test("all replicas answer after the start, and logs, exits and key files lie in their folders", () =>
  withLocal({}, async ({ environment, directory }) => {
    await environment.start();
    const statuses = await environment.observe();
    assert.deepEqual(
      statuses.map(({ node, alive, status }) => [node, alive, status?.replica]),
      [0, 1, 2, 3].map((id) => [`r${id}`, true, id]),
    );
    await environment.stop();
    const files = nodeFiles(directory, "r2");
    assert.match(readFileSync(files.log, "utf8"), /^{"event":"started"/);
    const exit = JSON.parse(readFileSync(files.exits, "utf8"));
    assert.deepEqual([exit.how, exit.expected], ["exit 0", true]);
    assert.deepEqual(environment.unexpectedExits(), []);
  }));

test("a call is answered by its client process, under its own id", () =>
  withShared(async ({ environment }) => {
    const answer = await environment.call("c0", call("get"));
    assert.deepEqual(
      [answer.id, answer.type, answer.client, answer.value],
      [5, "ok", 256 * 65_536 + 3, { account: "A" }],
    );
  }));

test("a call that a dying client process leaves behind ends as info, and so do later ones", () =>
  withShared(async ({ environment }) => {
    const hanging = environment.call("c0", call("ignore", 60_000));
    await environment.apply(fault("kill", "f1", "c0"));
    assert.equal((await hanging).type, "info");
    assert.equal((await environment.call("c0", call("get"))).type, "info");
    assert.equal((await environment.heal("f1")).landed, true);
    assert.equal((await environment.call("c0", call("get"))).type, "ok");
    assert.deepEqual(environment.unexpectedExits(), []);
  }));

test("a client process that babbles is given up with its words, and the run goes on", () =>
  withLocal({}, async ({ environment }) => {
    await environment.start();
    const answer = await environment.call("c0", call("babble"));
    assert.equal(answer.type, "info");
    assert.match(answer.error ?? "", /what\?/);
  }));

test("a replica that cannot start is named with its own words, and nothing is left", () =>
  withLocal({ r2: "stillborn" }, async ({ environment }) => {
    await assert.rejects(environment.start(), /r2 ended \(exit 3\): no will to live/);
  }));

test("a replica that ends by itself is noticed; one that we killed is not", () =>
  withLocal({}, async ({ environment, directory }) => {
    await environment.start();
    await environment.apply(fault("kill", "f1", "r0"));
    const log = readFileSync(nodeFiles(directory, "r1").log, "utf8");
    process.kill(JSON.parse(log).pid, "SIGSEGV");
    assert.ok(await waitUntil(() => environment.unexpectedExits().length > 0, DEADLINE_MS));
    assert.deepEqual(
      environment.unexpectedExits().map(({ node, how }) => [node, how]),
      [["r1", "SIGSEGV"]],
    );
    assert.equal((await statusOf(environment, "r1")).alive, false);
  }));

test("a replica that ignores SIGTERM is stopped all the same", () =>
  withLocal({ r1: "deaf" }, async ({ environment }) => {
    await environment.start();
  }));

test("two kills of one replica: it comes back, without --init, only when both are healed", () =>
  withShared(async ({ environment }) => {
    await environment.apply(fault("kill", "f1", "r0", "r1"));
    await environment.apply(fault("kill", "f2", "r0"));
    const first = await environment.heal("f1");
    assert.equal(first.landed, true);
    assert.equal((await statusOf(environment, "r0")).alive, false);
    assert.equal((await statusOf(environment, "r1")).status?.executedSeq, 2, "its second life");
    const second = await environment.heal("f2");
    assert.equal(second.landed, true);
    assert.match(second.summary, /killed r0/);
    assert.equal((await statusOf(environment, "r0")).status?.executedSeq, 2);
  }));

test("a paused replica is alive without a status; a restart under a pause comes back paused", () =>
  withShared(async ({ environment }) => {
    await environment.apply(fault("pause", "f1", "r3"));
    assert.deepEqual(await statusOf(environment, "r3"), { node: "r3", alive: true });
    await environment.apply(fault("kill", "f2", "r3"));
    assert.deepEqual(await statusOf(environment, "r3"), { node: "r3", alive: false });
    await environment.heal("f2");
    assert.deepEqual(await statusOf(environment, "r3"), { node: "r3", alive: true });
    const evidence = await environment.heal("f1");
    assert.equal(evidence.landed, true);
    assert.equal((await statusOf(environment, "r3")).status?.executedSeq, 2);
  }));

test("a replica that does not come back is said, and has ended unasked", () =>
  withLocal({}, async ({ environment, directory }) => {
    await environment.start();
    await environment.apply(fault("kill", "f1", "r0"));
    rmSync(join(nodeFiles(directory, "r0").folder, "protocol.log"));
    const evidence = await environment.heal("f1");
    assert.equal(evidence.landed, true);
    assert.match(evidence.summary, /killed r0 \(pid \d+\); r0 did not come back/);
    assert.match(String(evidence.measured["r0.restart"]), /exit 254.*no log/);
    const [exit] = environment.unexpectedExits();
    assert.deepEqual([exit?.node, exit?.how], ["r0", "exit 254"]);
  }));

test("a fault on a replica that had ended by itself has not landed", () =>
  withLocal({}, async ({ environment, directory }) => {
    await environment.start();
    const log = readFileSync(nodeFiles(directory, "r1").log, "utf8");
    process.kill(JSON.parse(log).pid, "SIGSEGV");
    assert.ok(await waitUntil(() => environment.unexpectedExits().length > 0, DEADLINE_MS));
    for (const kind of ["pause", "kill"] as const) {
      await environment.apply(fault(kind, kind, "r1", "r2"));
      const evidence = await environment.heal(kind);
      assert.equal(evidence.landed, false);
      assert.match(evidence.summary, /(stopped|killed) r2 .*; no effect on r1/);
    }
  }));

test("a fault that the environment does not know, or that is not active, is refused", () =>
  withShared(async ({ environment }) => {
    await assert.rejects(environment.heal("f9"), /f9 is not active/);
    const links = [{ from: "r0", to: "r9", drop: true }];
    const intent = { kind: "partition", shape: "isolate", target: { kind: "none" } } as const;
    await assert.rejects(
      environment.apply({ id: "f1", intent, nodes: [], links }),
      /no link r0>r9/,
    );
    await environment.heal("f1");
    await environment.apply(fault("pause", "f2", "r0"));
    assert.equal((await environment.heal("f2")).landed, true);
  }));

test("the folder of the control sockets is short and gone after the stop", () =>
  withLocal({}, async ({ environment, directory }) => {
    await environment.start();
    const command = processesUnder(directory)
      .map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0"))
      .find((argv) => argv.includes("--control"));
    const socket = command?.[command.indexOf("--control") + 1] ?? "";
    assert.ok(existsSync(socket));
    await environment.stop();
    assert.ok(!existsSync(socket));
  }));

test("a runner that is killed leaves no process and no folder", () =>
  withLocal({}, async ({ directory }) => {
    const script = join(directory, "runner.mjs");
    const options = { ...optionsIn(directory), directory: join(directory, "run") };
    writeFileSync(
      script,
      `import { createLocal } from ${JSON.stringify(new URL("./local.js", import.meta.url).href)};
       await createLocal(${JSON.stringify(options)}, "a test").start();
       console.log("up");
       setInterval(() => {}, 1000);`,
    );
    // A folder of temporary files of its own shows what it leaves there.
    const temporary = join(directory, "t");
    mkdirSync(temporary);
    const runner = spawn(process.execPath, [script], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, TMPDIR: temporary },
    });
    await once(runner.stdout, "data");
    const pids = readFileSync(`/proc/${runner.pid}/task/${runner.pid}/children`, "utf8")
      .trim()
      .split(" ")
      .map(Number);
    assert.equal(pids.length, 4 + 1 + 2, "replicas, client, relay and reaper run");
    const made = () => readdirSync(temporary, { recursive: true });
    assert.ok(made().length > 2, "its registry, a file in it, and the folder of its sockets");
    runner.kill("SIGKILL");
    assert.ok(await waitUntil(() => pids.every((pid) => handleOf(pid) === undefined), DEADLINE_MS));
    assert.deepEqual(made(), [`ordeal-${process.getuid?.()}`], "only the empty registry is left");
  }));

test.run();
