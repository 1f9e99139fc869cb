import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  describeSignal,
  handleOf,
  kill,
  observe,
  type ProcessHandle,
  pause,
  resume,
} from "./process.js";

const test = suite("process");

/** Ended after each test, passed or not: a child that lives on would keep this process alive. */
const children: ChildProcess[] = [];
test.after.each(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A Node process with several threads, ready once it has answered. */
async function started(): Promise<{ child: ChildProcess; handle: ProcessHandle }> {
  const child = spawn(process.execPath, ["-e", "console.log(1); setInterval(() => {}, 1e6)"]);
  children.push(child);
  assert.ok(child.stdout && child.pid);
  await once(child.stdout, "data");
  const handle = handleOf(child.pid);
  assert.ok(handle);
  return { child, handle };
}

test("a paused process stands still in every thread, and runs again when resumed", async () => {
  const { handle } = await started();
  assert.is(observe(handle), "running");
  const paused = await pause(handle);
  assert.ok(paused.reached);
  assert.is(observe(handle), "stopped");
  assert.match(describeSignal("SIGSTOP", paused), /^pid \d+ stopped after \d+ ms \(SIGSTOP\)$/);
  const resumed = await resume(handle);
  assert.ok(resumed.reached);
  assert.is(observe(handle), "running");
});

test("a kill is seen to be one, also of a paused process, and twice does no harm", async () => {
  const { child, handle } = await started();
  const exited = once(child, "exit");
  await pause(handle);
  const killed = await kill(handle);
  assert.ok(killed.reached);
  assert.is(killed.state, "gone");
  const [code, signal] = await exited;
  assert.equal([code, signal], [null, "SIGKILL"]);
  assert.is(handleOf(handle.pid), undefined);
  assert.ok((await kill(handle)).reached);
  const late = await pause(handle);
  assert.not(late.reached);
  assert.match(describeSignal("SIGSTOP", late), /still gone/);
});

test("a pid that was given to another process is never signalled", async () => {
  const { handle } = await started();
  const stale = { ...handle, startTicks: handle.startTicks - 1 };
  assert.is(observe(stale), "gone");
  assert.ok((await kill(stale)).reached);
  assert.is(observe(handle), "running");
});

test("there is no handle for a pid that nobody has", () => {
  assert.is(handleOf(2 ** 22 + 1), undefined);
});

test.run();
