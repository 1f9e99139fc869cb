import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import { handleOf } from "../../nemesis/host/process.js";
import { cleanCommand } from "../commands/clean.js";
import { UsageError } from "../usage-error.js";
import { waitUntil } from "./deadline.js";
import type { Leftover } from "./leftover.js";
import { ownIdentity, readRegistered, register, registryFile, registryFolder } from "./registry.js";
import { registeredRuns, sweepDeadRuns } from "./sweep.js";

const DEADLINE_MS = 20_000;
const REGISTRY = new URL("./registry.js", import.meta.url).href;

/** Where temporary files belong, before each test has a place of its own. */
const TEMPORARY = tmpdir();
let folder = "";
let leftCount = 0;
const children: ChildProcess[] = [];

test.before.each(() => {
  folder = mkdtempSync(join(TEMPORARY, "ordeal-test-"));
  process.env["TMPDIR"] = folder;
});
test.after.each(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** A runner that registers these and starts a child of its own, in a session of its own. */
async function startRunner(
  leftovers: readonly Leftover[],
): Promise<{ runner: ChildProcess; grandchild: number }> {
  const script = `
    import { spawn } from "node:child_process";
    import { register } from ${JSON.stringify(REGISTRY)};
    for (const leftover of ${JSON.stringify(leftovers)}) register(leftover);
    const child = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  const runner = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(runner);
  const [said] = await once(runner.stdout, "data");
  return { runner, grandchild: Number(String(said)) };
}

async function killed(runner: ChildProcess): Promise<void> {
  runner.kill("SIGKILL");
  await once(runner, "exit");
}

function filled(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, "socket"), "");
  return path;
}

/** A file as a runner of this identity would have left it. */
function leftBy(identity: Partial<ReturnType<typeof ownIdentity>>, leftover: Leftover): string {
  const { pid, startTicks, pidNamespace, bootId } = { ...ownIdentity(), ...identity };
  const file = join(registryFolder(), `${pid}-${startTicks}-${pidNamespace}-${bootId}.jsonl`);
  appendFileSync(file, `${JSON.stringify({ id: `${++leftCount}`, leftover })}\n`);
  return file;
}

async function linesOf(command: (output: { line(text: string): void }) => Promise<unknown>) {
  const lines: string[] = [];
  await command({ line: (text) => lines.push(text) });
  return lines;
}

test("what is registered stands in a file until it is released, and then there is none", () => {
  const first = register({ kind: "folder", path: "/tmp/ordeal-a" });
  const second = register({ kind: "file", path: "/tmp/ordeal-b" });
  const file = registryFile();
  assert.deepEqual(
    readRegistered(file).map(({ leftover }) => leftover.kind),
    ["folder", "file"],
  );
  first.release();
  first.release();
  assert.deepEqual(
    readRegistered(file).map(({ leftover }) => leftover),
    [{ kind: "file", path: "/tmp/ordeal-b" }],
  );
  second.release();
  assert.equal(existsSync(file), false);
});

test("a killed runner's processes and folders go at the next start, those of a living one stay", async () => {
  const [dead, living] = [filled("ordeal-dead"), filled("ordeal-living")];
  const first = await startRunner([{ kind: "processes" }, { kind: "folder", path: dead }]);
  const second = await startRunner([{ kind: "processes" }, { kind: "folder", path: living }]);
  assert.deepEqual((await sweepDeadRuns()).found, [], "both live");
  await killed(first.runner);

  const { found, failed } = await sweepDeadRuns();
  assert.deepEqual(failed, []);
  assert.deepEqual(
    found.map((what) => what.replace(/process \d+/, "process N")),
    ["process N (sleep 600)", `folder ${dead}`],
  );
  assert.ok(await waitUntil(() => handleOf(first.grandchild) === undefined, DEADLINE_MS));
  assert.equal(existsSync(dead), false);
  assert.ok(existsSync(living) && handleOf(second.grandchild) !== undefined);
  assert.deepEqual(
    registeredRuns().map(({ state }) => state),
    ["alive"],
  );
  await killed(second.runner);
  assert.equal((await sweepDeadRuns()).found.length, 2);
  assert.deepEqual(registeredRuns(), []);
});

test("a pid that another process has got by now belongs to a dead run", async () => {
  const path = filled("ordeal-reused");
  leftBy({ startTicks: ownIdentity().startTicks + 1 }, { kind: "folder", path });
  await sweepDeadRuns();
  assert.equal(existsSync(path), false);
});

test("who cannot be judged is left alone: a runner in another pid namespace", async () => {
  const path = filled("ordeal-elsewhere");
  leftBy({ pid: 2 ** 22 + 1, pidNamespace: "1" }, { kind: "folder", path });
  await sweepDeadRuns();
  assert.equal(existsSync(path), true);
  const lines = await linesOf((output) => cleanCommand({ dryRun: false }, output));
  assert.match(lines[0] ?? "", /pid 4194305 \(in another pid namespace.*1 left alone/);
});

test("pids of another boot mean nothing; what lies on disks does", async () => {
  const path = filled("ordeal-boot");
  const bystander = spawn("sleep", ["600"], { stdio: "ignore" });
  children.push(bystander);
  const handle = handleOf(bystander.pid ?? 0);
  assert.ok(handle);
  leftBy({ bootId: "earlier" }, { kind: "process", ...handle });
  leftBy({ bootId: "earlier" }, { kind: "folder", path });
  await sweepDeadRuns();
  assert.equal(existsSync(path), false);
  assert.ok(handleOf(handle.pid) !== undefined, "the bystander lives");
});

test("what cannot be removed is told, and tried again", async () => {
  const path = filled("foreign");
  leftBy({ bootId: "earlier" }, { kind: "folder", path });
  const lines = await linesOf(async (output) =>
    assert.equal(await cleanCommand({ dryRun: false }, output), 1),
  );
  assert.match(lines.join("\n"), /cannot remove folder .*foreign: its name does not begin/);
  assert.ok(existsSync(join(path, "socket")));
  assert.equal(registeredRuns().length, 1);
});

test("a dry run lists and changes nothing", async () => {
  const path = filled("ordeal-listed");
  leftBy({ bootId: "earlier" }, { kind: "folder", path });
  const lines = await linesOf((output) => cleanCommand({ dryRun: true }, output));
  assert.match(lines.join("\n"), /dead since the last boot\): would remove folder .*ordeal-listed/);
  assert.equal(existsSync(path), true);
  await linesOf((output) => cleanCommand({ dryRun: false }, output));
  assert.deepEqual(await linesOf((output) => cleanCommand({ dryRun: false }, output)), [
    "nothing is left of runs that have ended",
  ]);
});

test("lines that are torn, of a newer version or with strange paths are not acted on", () => {
  const file = leftBy({ bootId: "earlier" }, { kind: "folder", path: "/tmp/../etc" });
  appendFileSync(file, `{"id":"b","leftover":{"kind":"moon"}}\n{"id":"c","leftover":{"kind":"fil`);
  assert.deepEqual(readRegistered(file), []);
});

test("a registry that others may write to is not trusted", () => {
  chmodSync(registryFolder(), 0o777);
  assert.throws(
    () => registryFolder(),
    (error) => error instanceof UsageError && /only uid \d+ may write to/.test(error.message),
  );
});

test.run();
