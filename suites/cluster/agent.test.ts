import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import { handleOf } from "../../nemesis/host/process.js";
import { must, ShellError } from "../../nemesis/host/shell.js";
import { carrierOf } from "./agent-carrier.js";
import { AgentMachine } from "./agent-machine.js";
import { waitUntil } from "./deadline.js";
import { readLines } from "./json-lines.js";

const DEADLINE_MS = 20_000;
const MAIN = fileURLToPath(new URL("./agent-main.js", import.meta.url));

let machine: AgentMachine;
let folder: string;

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "ordeal-test-"));
  machine = await AgentMachine.connect(carrierOf([process.execPath, MAIN]));
});
test.after(async () => {
  await machine.close(DEADLINE_MS);
  assert.ok(!existsSync(machine.hello.runtimeFolder), "its folder went with it");
  rmSync(folder, { recursive: true });
});

function files(name: string): { log: string; stderr: string } {
  return { log: join(folder, `${name}.log`), stderr: join(folder, `${name}.stderr`) };
}

const script = (text: string) => [process.execPath, "-e", text];

test("a command gets its stdin, and its failures say the same as on this machine", async () => {
  const { shell } = machine;
  const said = await shell.run(["sh", "-c", "cat; echo oops >&2; exit 3"], { stdin: "in\n" });
  assert.deepEqual(said, { exitCode: 3, stdout: "in\n", stderr: "oops\n" });
  await assert.rejects(
    must(shell, ["ordeal-no-such-program"]),
    (error) =>
      error instanceof ShellError &&
      error.code === "not-started" &&
      error.message.startsWith("ordeal-no-such-program: could not be started: no such program"),
  );
  await assert.rejects(
    shell.run(["sleep", "60"], { deadlineMs: 50 }),
    (error) => error instanceof ShellError && error.code === "deadline",
  );
});

test("a process writes to its files there, is observed, stopped, resumed and ended", async () => {
  const { log, stderr } = files("replica");
  const text = `console.log(process.env.COLOUR); console.error("red");
    process.on("SIGTERM", () => process.exit(5)); setInterval(() => {}, 1000)`;
  const running = await machine.start(script(text), { variables: { COLOUR: "blue" }, log, stderr });
  assert.equal(running.pipes, undefined);
  assert.deepEqual(handleOf(running.handle.pid), running.handle);
  assert.ok(await waitUntil(async () => (await machine.tail(stderr, 9)) === "red\n", DEADLINE_MS));
  assert.equal(readFileSync(log, "utf8"), "blue\n");
  assert.equal(await running.observe(), "running");
  assert.equal((await running.pause(DEADLINE_MS)).state, "stopped");
  assert.equal(await running.observe(), "stopped");
  assert.equal((await running.resume(DEADLINE_MS)).reached, true);
  await running.signal("SIGTERM");
  assert.equal(await running.ended, "exit 5");
  assert.equal(await running.observe(), "gone");
  await running.signal("SIGTERM");
  assert.equal((await running.pause(DEADLINE_MS)).reached, false);
});

test("a process that ends at once is told with all that it said", async () => {
  const { stderr } = files("hasty");
  for (let round = 0; round < 5; round++) {
    const running = await machine.start(["sh", "-c", "echo one; echo two"], {
      variables: {},
      stderr,
    });
    const lines: string[] = [];
    assert.ok(running.pipes);
    readLines(running.pipes.stdout, (line) => lines.push(line));
    await once(running.pipes.stdout, "close");
    assert.deepEqual(lines, ["one", "two"]);
    assert.equal(await running.ended, "exit 0");
  }
  const absent = machine.start(["/no/such"], { variables: {}, stderr });
  const how = await absent.then(
    (running) => running.ended,
    (error: Error) => error.message,
  );
  assert.match(how, /^(exit 12[67]|could not start)/, "tied by setpriv, or not");
});

test("a client process is talked to, line by line, until its stdin closes", async () => {
  const { stderr } = files("client");
  const running = await machine.start(["cat"], { variables: {}, stderr });
  assert.ok(running.pipes);
  const lines: string[] = [];
  readLines(running.pipes.stdout, (line) => lines.push(line));
  running.pipes.stdin.write('{"id":1}\n{"i');
  running.pipes.stdin.write('d":2,"text":"ü"}\n');
  assert.ok(await waitUntil(() => lines.length === 2, DEADLINE_MS));
  assert.deepEqual(lines, ['{"id":1}', '{"id":2,"text":"ü"}']);
  running.pipes.stdin.end();
  assert.equal(await running.ended, "exit 0");
});

test("files are put there with their mode, and a folder is read back byte for byte", async () => {
  const there = join(folder, "there");
  await machine.put(join(there, "deep", "key.json"), "secret", 0o600);
  assert.equal(readFileSync(join(there, "deep", "key.json"), "utf8"), "secret");
  const big = Buffer.from(Array.from({ length: 700_001 }, (_, index) => (index * 7919) % 251));
  writeFileSync(join(there, "ledger.sqlite"), big);
  writeFileSync(join(there, "empty"), "");
  const here = join(folder, "here");
  mkdirSync(here);
  await machine.collect(there, here);
  assert.ok(readFileSync(join(here, "ledger.sqlite")).equals(big));
  assert.equal(readFileSync(join(here, "empty"), "utf8"), "");
  assert.equal(readFileSync(join(here, "deep", "key.json"), "utf8"), "secret");
  await machine.remove(there);
  assert.ok(!existsSync(there));
  assert.equal(await machine.tail(join(there, "empty"), 10), "");
});

test("a control socket is asked there; none answers undefined", async () => {
  const path = join(machine.hello.runtimeFolder, "r0.sock");
  assert.equal(await machine.ask(path, { op: "status" }, 500), undefined);
  const server = createServer((client) => client.on("data", () => client.write('{"view":3}\n')));
  await new Promise<void>((done) => server.listen(path, done));
  assert.deepEqual(await machine.ask(path, { op: "status" }, DEADLINE_MS), { view: 3 });
  server.close();
});

test("its clock is known to be ours, for it runs on our kernel", () => {
  assert.equal(machine.sharesClock, process.platform === "linux");
});

test("when the runner is killed, the agent ends what it has started, and leaves no folder", async () => {
  const runner = join(folder, "runner.mjs");
  const [left, kept] = [join(folder, "left"), join(folder, "kept")];
  for (const path of [left, kept]) writeFileSync(path, "");
  const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  writeFileSync(
    runner,
    `import { carrierOf } from ${url("./agent-carrier.js")};
     import { AgentMachine } from ${url("./agent-machine.js")};
     const machine = await AgentMachine.connect(carrierOf(${JSON.stringify([process.execPath, MAIN])}));
     const { handle } = await machine.start(["sleep", "600"], { variables: {}, stderr: "/dev/null" });
     const { handle: deaf } = await machine.start(["sh", "-c", "trap '' TERM HUP; sleep 600; true"],
       { variables: {}, stderr: "/dev/null" });
     await machine.register({ kind: "file", path: ${JSON.stringify(left)} });
     const gone = await machine.register({ kind: "file", path: ${JSON.stringify(kept)} });
     await gone();
     console.log(JSON.stringify([machine.hello.runtimeFolder, handle.pid, deaf.pid]));`,
  );
  const child = spawn(process.execPath, [runner], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  const [runtimeFolder, ...pids] = JSON.parse(String(line));
  assert.ok(pids.every((pid: number) => handleOf(pid) !== undefined));
  child.kill("SIGKILL");
  const over = () =>
    !existsSync(runtimeFolder) && pids.every((pid: number) => handleOf(pid) === undefined);
  assert.ok(await waitUntil(over, DEADLINE_MS));
  assert.ok(await waitUntil(() => !existsSync(left), DEADLINE_MS), "what was registered went, too");
  assert.ok(existsSync(kept), "what was released stays");
});

test("when the agent is killed, every request and process ends with the reason", async () => {
  const other = await AgentMachine.connect(carrierOf([process.execPath, MAIN]));
  const { stderr } = files("orphan");
  const running = await other.start(["sleep", "600"], { variables: {}, stderr });
  const { stdout } = await other.shell.run(["sh", "-c", "echo $PPID"]);
  const hanging = other.shell.run(["sleep", "600"], { deadlineMs: 600_000 });
  process.kill(Number(stdout), "SIGKILL");
  await assert.rejects(hanging, /sleep 600: the agent is gone: SIGKILL/);
  assert.match(await running.ended, /the agent is gone: SIGKILL/);
  assert.equal(await running.observe(), "gone");
  assert.equal(await other.ask("/tmp/none.sock", { op: "status" }, 100), undefined);
  const tied = (await machine.shell.run(["setpriv", "--pdeathsig", "KILL", "true"])).exitCode === 0;
  const over = () => handleOf(running.handle.pid) === undefined;
  if (tied) assert.ok(await waitUntil(over, DEADLINE_MS), "what it had started went with it");
  else process.kill(running.handle.pid, "SIGKILL");
  rmSync(other.hello.runtimeFolder, { recursive: true });
});

test("of two agents with folders for runs side by side, the second waits and then refuses", async () => {
  const folderOf = (name: string) => join(folder, "runs", name);
  const first = await AgentMachine.connect(
    carrierOf([process.execPath, MAIN, folderOf("ordeal-a")]),
  );
  assert.ok(existsSync(folderOf("ordeal-a")));
  const second = AgentMachine.connect(
    carrierOf([process.execPath, MAIN, folderOf("ordeal-b"), "100"]),
  );
  await assert.rejects(second, /no agent: exit 1: another run uses this host/);
  await first.close(DEADLINE_MS);
  assert.ok(!existsSync(folderOf("ordeal-a")), "its folder went with it");
  const third = await AgentMachine.connect(
    carrierOf([process.execPath, MAIN, folderOf("ordeal-c")]),
  );
  await third.close(DEADLINE_MS);
});

test("a carrier that carries no agent is refused with its words", async () => {
  await assert.rejects(
    AgentMachine.connect(carrierOf(["sh", "-c", "echo no route to host >&2; exit 255"])),
    /no agent: exit 255: no route to host/,
  );
  await assert.rejects(
    AgentMachine.connect(carrierOf(["sh", "-c", "echo Welcome!; sleep 600"])),
    /no agent: it said Welcome!/,
  );
});

test.run();
