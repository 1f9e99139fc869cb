import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "uvu";
import { handleOf } from "../../nemesis/host/process.js";
import { localShell, must, type Shell, ShellError } from "../../nemesis/host/shell.js";
import { waitUntil } from "./deadline.js";
import type { Leftover } from "./leftover.js";
import { type Remover, removerOf } from "./leftover-removers.js";

const DEADLINE_MS = 20_000;
const shell = localShell();
const UNIQUE = `ordeal-${process.pid}`;

function remover(leftover: Leftover, through: Shell = shell): Remover {
  return removerOf(leftover, { runId: "a-run", sameBoot: true }, through);
}

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-test-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What is found, then removed, then not found any more. */
async function goes(leftover: Leftover, expected: RegExp): Promise<void> {
  const { find, remove } = remover(leftover);
  assert.match((await find()).join("\n"), expected);
  await remove();
  assert.deepEqual(await find(), []);
}

/** A docker whose containers are these; it answers nothing where `fails`. */
function fakeDocker(ids: readonly string[], calls: string[], fails?: ShellError): Shell {
  return {
    async run(argv) {
      if (fails !== undefined) throw fails;
      calls.push(argv.join(" "));
      const lists = argv.includes("ps") && argv.includes("label=ordeal.run=x");
      return { exitCode: 0, stdout: lists ? ids.join("\n") : "", stderr: "" };
    },
  };
}

test("containers are found and removed by their label, at the daemon where they were made", async () => {
  const calls: string[] = [];
  const leftover: Leftover = { kind: "docker", label: "ordeal.run=x", host: "unix:///x.sock" };
  const { find, remove } = remover(leftover, fakeDocker(["c1", "c2"], calls));
  assert.deepEqual(await find(), ["docker container c1", "docker container c2"]);
  await remove();
  assert.ok(calls.includes("docker -H unix:///x.sock rm -f -v c1 c2"));
  assert.ok(
    calls.every((call) => !/(network|volume) rm/.test(call)),
    "there were none of them",
  );
});

test("no docker, no containers; the machine's own daemon that does not answer is not known", async () => {
  const label = "ordeal.run=x";
  const missing = new ShellError("not-started", ["docker"], "no such program", "");
  const silent = new ShellError("exit-code", ["docker"], "exit code 1", "no daemon");
  const findWith = (failure: ShellError, host?: string) =>
    remover(
      { kind: "docker", label, ...(host !== undefined && { host }) },
      fakeDocker([], [], failure),
    ).find();
  assert.deepEqual(await findWith(missing), []);
  assert.deepEqual(await findWith(silent, "unix:///gone.sock"), []);
  await assert.rejects(findWith(silent), /no daemon/);
});

test("a single file goes, and nothing beside it", () =>
  withFolder(async (folder) => {
    writeFileSync(join(folder, "a"), "");
    writeFileSync(join(folder, "b"), "");
    await goes({ kind: "file", path: join(folder, "a") }, /^file .*a$/);
    assert.ok(existsSync(join(folder, "b")));
  }));

const asRoot = suite("leftovers that only root makes");
const works = await shell.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
const isRoot = process.getuid?.() === 0 && works.exitCode === 0;
if (!isRoot) console.log("skipped: leftovers that only root makes: not root, or no right to mount");
const rootTest = isRoot ? asRoot : asRoot.skip;

rootTest("mounts go from the top down, before the folder, which else would stay", () =>
  withFolder(async (folder) => {
    const path = join(folder, "ordeal-mounts");
    mkdirSync(join(path, "a"), { recursive: true });
    for (const where of [path, path]) await must(shell, ["mount", "-t", "tmpfs", "tmpfs", where]);
    await assert.rejects(remover({ kind: "folder", path }).remove(), /is mounted there/);
    await goes({ kind: "mount", path }, /^mount .*\nmount .*$/);
    await goes({ kind: "folder", path }, /^folder/);
  }),
);

rootTest("a named namespace and a device of the machine go", async () => {
  await must(shell, ["ip", "netns", "add", UNIQUE]);
  await must(shell, ["ip", "link", "add", `o${process.pid}`, "type", "bridge"]);
  await goes({ kind: "network-namespace", name: UNIQUE }, /^network namespace/);
  await goes({ kind: "network-device", name: `o${process.pid}` }, /^network device/);
});

rootTest("a loop device goes, and so does one whose file was deleted", () =>
  withFolder(async (folder) => {
    for (const isDeleted of [false, true]) {
      const file = join(folder, `disk-${isDeleted}`);
      writeFileSync(file, "");
      truncateSync(file, 1 << 20);
      const { exitCode, stderr } = await shell.run(["losetup", "-f", file]);
      if (exitCode !== 0) return console.log(`skipped: loop devices: ${stderr.trim()}`);
      if (isDeleted) rmSync(file);
      await goes({ kind: "loop-device", file }, /^loop device loop\d+ of/);
    }
  }),
);

rootTest("a frozen control group goes with the process in it", async () => {
  const parent = ["/sys/fs/cgroup/freezer", "/sys/fs/cgroup"].find((each) => existsSync(each));
  if (parent === undefined) return console.log("skipped: control groups: none are mounted");
  const path = join(parent, UNIQUE);
  mkdirSync(path);
  const child = spawn("sleep", ["600"], { stdio: "ignore" });
  const pid = child.pid ?? 0;
  writeFileSync(join(path, "cgroup.procs"), `${pid}`);
  const isV1 = existsSync(join(path, "freezer.state"));
  writeFileSync(join(path, isV1 ? "freezer.state" : "cgroup.freeze"), isV1 ? "FROZEN" : "1");
  await goes({ kind: "cgroup", path }, /^cgroup .* \(1 processes\)$/);
  assert.ok(await waitUntil(() => handleOf(pid) === undefined, DEADLINE_MS));
});

rootTest("what is no control group of ours is refused", async () => {
  const path = "/sys/fs/cgroup/systemd";
  await assert.rejects(remover({ kind: "cgroup", path }).remove(), /no control group of ours/);
});

test.run();
asRoot.run();
