import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import { type NamespaceMode, UNSHARE } from "../../nemesis/host/probe.js";
import { localShell } from "../../nemesis/host/shell.js";
import { waitUntil } from "./deadline.js";
import { readLines } from "./json-lines.js";

const DEADLINE_MS = 10_000;
const MODULE = fileURLToPath(new URL("./sandbox.js", import.meta.url));

/** What runs inside: says where it is, then waits for signals. */
const INNER = `
  import { networkInterfaces } from "node:os";
  import { spawn } from "node:child_process";
  import { writeFileSync } from "node:fs";
  const say = (value) => console.log(JSON.stringify(value));
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      say({ signal });
      setTimeout(() => process.exit(7), 100);
    });
  }
  // A grandchild in a session of its own: nothing but the namespace ties it to us.
  spawn("sleep", [process.argv[2]], { detached: true, stdio: "ignore" }).unref();
  writeFileSync(process.argv[3], "kept");
  say({ pid: process.pid, interfaces: Object.keys(networkInterfaces()) });
  setInterval(() => {}, 1000);
`;

type Run = { outer: ChildProcess; lines: string[]; marker: string; kept: string };

async function withSandbox(mode: NamespaceMode, body: (run: Run) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-test-"));
  const marker = `9${process.hrtime.bigint().toString().slice(-9)}`;
  const kept = join(folder, "kept.txt");
  writeFileSync(join(folder, "inner.mjs"), INNER);
  writeFileSync(
    join(folder, "outer.mjs"),
    `import { enterSandbox } from ${JSON.stringify(MODULE)};
     const sandbox = ${JSON.stringify({ mode, backend: "legacy", canDuplicate: false, reason: "a test" })};
     process.exit(await enterSandbox(process.argv.slice(2), sandbox));`,
  );
  const argv = [join(folder, "outer.mjs"), join(folder, "inner.mjs"), marker, kept];
  const outer = spawn(process.execPath, argv, {
    stdio: ["ignore", "pipe", "inherit"],
    // What it registers lies in the test's folder.
    env: { ...process.env, TMPDIR: folder },
  });
  const lines: string[] = [];
  readLines(outer.stdout, (line) => lines.push(line));
  try {
    assert.ok(await waitUntil(() => lines.length > 0, DEADLINE_MS), "the inner program started");
    await body({ outer, lines, marker, kept });
  } finally {
    outer.kill("SIGKILL");
    await waitUntil(() => running(marker) === 0, DEADLINE_MS);
    rmSync(folder, { recursive: true });
  }
}

/** Processes of this machine with the marker in their command line. */
function running(marker: string): number {
  return readdirSync("/proc").filter((entry) => {
    try {
      return /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/cmdline`, "utf8").includes(marker);
    } catch {
      return false; // It ended while we looked.
    }
  }).length;
}

const modes: NamespaceMode[] = process.getuid?.() === 0 ? ["root", "rootless"] : ["rootless"];

for (const mode of modes) {
  const tried = await localShell().run([...UNSHARE[mode], "true"], { deadlineMs: DEADLINE_MS });
  const works = tried.exitCode === 0;
  if (!works) console.log(`skipped: sandbox (${mode}): ${tried.stderr.trim()}`);
  const sandbox = suite(`sandbox (${mode})`);
  const test = works ? sandbox : sandbox.skip;

  test("the inner program is alone on its network, and what it writes outside is ours", () =>
    withSandbox(mode, async ({ lines, kept }) => {
      assert.deepEqual(JSON.parse(lines[0] ?? ""), { pid: 1, interfaces: ["lo"] });
      assert.equal(readFileSync(kept, "utf8"), "kept");
      assert.equal(statSync(kept).uid, process.getuid?.());
    }));

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`${signal} reaches the inner program once, and its exit code comes out`, () =>
      withSandbox(mode, async ({ outer, lines, marker }) => {
        outer.kill(signal);
        const [code] = await once(outer, "exit");
        assert.equal(code, 7);
        assert.deepEqual(lines.slice(1), [JSON.stringify({ signal })]);
        assert.equal(await waitUntil(() => running(marker) === 0, DEADLINE_MS), true);
      }));
  }

  test("when the outer program is killed, everything inside ends", () =>
    withSandbox(mode, async ({ outer, marker }) => {
      assert.ok(running(marker) >= 3, "outer, inner and its sleeping child run");
      outer.kill("SIGKILL");
      assert.equal(await waitUntil(() => running(marker) === 0, DEADLINE_MS), true);
    }));

  sandbox.run();
}
