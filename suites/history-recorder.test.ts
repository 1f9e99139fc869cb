import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ClientAnswer } from "../node/runtime/client-call.js";
import { createAppendFile } from "./append-file.js";
import { HistoryRecorder } from "./history-recorder.js";
import type { RunClock } from "./run-clock.js";

let folder = "";
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "ordeal-recorder-"));
});
test.after.each(() => rmSync(folder, { recursive: true }));

/** A clock that a test sets; its origin is monotonic time 0. */
function setUp() {
  const time = { now: 0 };
  const clock: RunClock = { now: () => time.now, at: (ns) => Number(ns) };
  const path = join(folder, "history.jsonl");
  const recorder = new HistoryRecorder(createAppendFile(path), clock);
  const lines = () =>
    readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  return { time, recorder, lines };
}

function answer(
  startedNs: number,
  endedNs: number,
  fields: Partial<ClientAnswer> = {},
): ClientAnswer {
  const times = { startedNs: String(startedNs), endedNs: String(endedNs) };
  return { id: 0, type: "ok", value: { account: "a", balance: 1 }, client: 5, ...times, ...fields };
}

const read = (process: number) => ({
  process,
  f: "balance",
  value: { account: "a" },
  node: "c0",
  client: 5,
});

test("times are those that the client measured, order is by time", () => {
  const { time, recorder } = setUp();
  time.now = 10;
  recorder.invoke(read(0));
  recorder.invoke(read(1));
  time.now = 100;
  recorder.complete(1, answer(50, 60, { seq: 9, timestamp: 2 }));
  recorder.complete(0, answer(20, 90));
  const ops = recorder.ordered();
  const shown = ops.map(({ index, time, type, process }) => [index, time, type, process]);
  assert.equal(shown, [
    [0, 20, "invoke", 0],
    [1, 50, "invoke", 1],
    [2, 60, "ok", 1],
    [3, 90, "ok", 0],
  ]);
  assert.is(ops[2]?.seq, 9);
  assert.is(ops[2]?.timestamp, 2);
  assert.equal(ops[2]?.value, { account: "a", balance: 1 });
});

test("at one instant invocations stand before completions, so that they are concurrent", () => {
  const { time, recorder } = setUp();
  recorder.invoke(read(0));
  time.now = 40;
  recorder.complete(0, answer(1, 40));
  recorder.invoke(read(1));
  time.now = 60;
  recorder.complete(1, answer(40, 60));
  assert.equal(
    recorder.ordered().map(({ type }) => type),
    ["invoke", "invoke", "ok", "ok"],
  );
});

test("a process's next invocation stands after its completion, even at the same instant", () => {
  const { time, recorder } = setUp();
  recorder.invoke(read(0));
  time.now = 40;
  recorder.complete(0, answer(1, 40));
  recorder.invoke(read(0));
  recorder.complete(0, answer(40, 40));
  const shown = recorder.ordered().map(({ time, type }) => [time, type]);
  assert.equal(shown, [
    [1, "invoke"],
    [40, "ok"],
    [41, "invoke"],
    [42, "ok"],
  ]);
});

test("times of another machine's clock give way to the runner's bracket", () => {
  for (const [started, ended] of [
    [0, 30],
    [20, 500],
    [30, 20],
  ] as const) {
    const { time, recorder } = setUp();
    time.now = 10;
    recorder.invoke(read(0));
    time.now = 100;
    recorder.complete(0, answer(started, ended));
    assert.equal(
      recorder.ordered().map((op) => op.time),
      [10, 100],
      `${started}..${ended}`,
    );
    rmSync(join(folder, "history.jsonl"));
  }
});

test("a refusal and an unknown end keep what was asked", () => {
  const { recorder } = setUp();
  recorder.invoke(read(0));
  recorder.complete(
    0,
    answer(0, 0, { type: "fail", value: null, error: "no-such-account", seq: 3 }),
  );
  recorder.invoke(read(1));
  recorder.complete(1, answer(0, 0, { type: "info", value: null, error: "time-out" }));
  const [, failed, , unknown] = recorder
    .ordered()
    .sort((a, b) => Number(a.process) - Number(b.process));
  assert.equal(failed?.value, { account: "a" });
  assert.is(failed?.error, "no-such-account");
  assert.equal(unknown?.value, { account: "a" });
  assert.equal(recorder.counts, { invoke: 2, ok: 0, fail: 1, info: 1 });
});

test("what happened stands on disk at once, in the runner's own order", () => {
  const { time, recorder, lines } = setUp();
  time.now = 5;
  recorder.invoke(read(0));
  assert.equal(
    lines().map(({ index, type, time }) => [index, type, time]),
    [[0, "invoke", 5]],
  );
  time.now = 9;
  recorder.nemesis("start-kill", { id: "f0" });
  recorder.complete(0, answer(6, 7));
  const shown = lines().map(({ index, type, process, time }) => [index, type, process, time]);
  assert.equal(shown, [
    [0, "invoke", 0, 5],
    [1, "info", "nemesis", 9],
    [2, "ok", 0, 9],
  ]);
});

test("a process that does two things at a time is our own mistake", () => {
  const { recorder } = setUp();
  recorder.invoke(read(0));
  assert.throws(() => recorder.invoke(read(0)), /before it completed/);
  assert.throws(() => recorder.complete(1, answer(0, 0)), /completes nothing/);
});

test.run();
