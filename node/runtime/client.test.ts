import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ClientAnswer } from "./client-call.js";
import { createCluster } from "./cluster-file.js";

const MAIN = fileURLToPath(new URL("client-main.js", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "ordeal-client-"));
const { file, secrets } = createCluster({
  cluster: "00000000000000aa",
  // Nobody listens there.
  replicas: [1, 2, 3, 4].map((port) => ({ name: `r${port}`, host: "127.0.0.1", port })),
  clients: [{ name: "c0" }],
});
const clusterPath = join(directory, "cluster.json");
const keyPath = join(directory, "c0.key");
const replicaKeyPath = join(directory, "r1.key");
writeFileSync(clusterPath, JSON.stringify(file));
writeFileSync(keyPath, JSON.stringify(secrets.get("c0")));
writeFileSync(replicaKeyPath, JSON.stringify(secrets.get("r1")));
test.after(() => rmSync(directory, { recursive: true }));

type Run = { code: number | null; lines: ClientAnswer[]; errors: string };

/** Runs the client process, writes the lines, closes stdin once as many lines have come back. */
function run(args: readonly string[], input: readonly string[], answers: number): Promise<Run> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [MAIN, ...args]);
    let output = "";
    let errors = "";
    const lines = () => output.split("\n").slice(0, -1);
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    child.stdout.on("data", (chunk) => {
      output += chunk;
      if (lines().length >= answers) child.stdin.end();
    });
    child.on("close", (code) => {
      done({ code, lines: lines().map((line) => JSON.parse(line)), errors });
    });
    child.stdin.on("error", () => child.stdin.destroy());
    child.stdin.write(input.map((line) => `${line}\n`).join(""));
    if (answers === 0) child.stdin.end();
  });
}

const OPTIONS = ["--cluster", clusterPath, "--key", keyPath];

function call(id: number, fields: object = {}): string {
  const value = { account: "A" };
  return JSON.stringify({ id, session: id, f: "balance", value, timeoutMs: 50, ...fields });
}

test("every line gets an answer that says what is wrong with it, and the process goes on", async () => {
  const { code, lines, errors } = await run(
    OPTIONS,
    [
      "not json",
      "[]",
      JSON.stringify({ id: 7 }),
      call(8, { session: 65_536 }),
      call(9, { colour: 1 }),
      call(10, { first: 4 }),
      call(11, { f: "steal" }),
      call(12, { f: "deposit", value: { account: "A", amount: 0.5 } }),
      `${" ".repeat(70_000)}${call(13)}`,
      call(14),
      call(15, { session: 14 }),
    ],
    11,
  );
  assert.is(code, 0, errors);
  const answer = (id: number): ClientAnswer => {
    const found = lines.find((line) => line.id === id);
    if (found === undefined) throw new Error(`no answer to call ${id}`);
    return found;
  };
  const error = (id: number) => answer(id).error ?? "none";
  const unnamed = lines.filter((line) => line.id === -1).map((line) => line.error ?? "");
  assert.is(unnamed.length, 3);
  for (const text of unnamed) assert.match(text, /^malformed call: /);
  assert.match(
    error(7),
    /^malformed call: session: want an integer from 0 to 65535, found nothing/,
  );
  assert.match(error(8), /^malformed call: session: want an integer .*, found 65536/);
  assert.match(error(9), /^malformed call: colour: no such field/);
  assert.match(error(10), /^malformed call: first: no replica 4/);
  assert.is(error(11), "bad-operation");
  assert.is(error(12), "bad-amount");
  assert.is(error(15), "session-busy");
  for (const id of [7, 8, 9, 10, 11, 12, 15]) assert.is(answer(id).type, "fail");
  const timedOut = answer(14);
  assert.is(timedOut.type, "info");
  assert.is(timedOut.error, "timeout");
  assert.is(timedOut.client, 256 * 65_536 + 14);
  assert.type(timedOut.timestamp, "number");
  const tookNs = BigInt(timedOut.endedNs) - BigInt(timedOut.startedNs);
  assert.ok(tookNs >= 49_000_000n, `${tookNs} ns`);
});

test("when stdin closes the process ends with 0", async () => {
  assert.equal(await run(OPTIONS, [], 0), { code: 0, lines: [], errors: "" });
});

test("bad arguments, files and keys are one line on stderr and exit code 254", async () => {
  const cases: readonly [readonly string[], RegExp][] = [
    [[], /^--cluster is missing; usage: client-main --cluster FILE/],
    [[...OPTIONS, "--colour", "1"], /^Unknown option '--colour'.*usage: /],
    [[...OPTIONS, "--key", keyPath], /^--key is given twice; usage: /],
    [[...OPTIONS, "--listen", "here"], /^--listen: want HOST:PORT, found here/],
    [["--cluster", keyPath, "--key", keyPath], /c0\.key: version: want an integer/],
    [
      ["--cluster", clusterPath, "--key", join(directory, "no")],
      /^key file cannot be read: ENOENT/,
    ],
    [["--cluster", clusterPath, "--key", replicaKeyPath], /^key file: principal 0 is a replica/],
  ];
  const runs = await Promise.all(cases.map(([args]) => run(args, [], 0)));
  runs.forEach(({ code, errors }, index) => {
    assert.match(errors, cases[index]?.[1] ?? /nothing/);
    assert.is(errors.split("\n").length, 2, errors);
    assert.is(code, 254);
  });
});

test.run();
