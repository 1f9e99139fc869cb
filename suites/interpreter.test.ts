import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { HistoryOp } from "../checker/history.js";
import { pairOperations } from "../checker/operations.js";
import { createRandom } from "../nemesis/random.js";
import { createAppendFile, StoreWriteError } from "./append-file.js";
import type { Environment } from "./cluster/environment.js";
import { createFakeEnvironment } from "./fake-environment.js";
import { HistoryRecorder } from "./history-recorder.js";
import { createInterpreter, type LoadOptions } from "./interpreter.js";
import { machineTime, startRunClock } from "./run-clock.js";

let folder = "";
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "ordeal-interpreter-"));
});
test.after.each(() => rmSync(folder, { recursive: true }));

const LOAD: LoadOptions = {
  concurrency: 4,
  rate: 0,
  accounts: 3,
  readShare: 0.5,
  refusedShare: 0,
  timeoutMs: 100,
  operationsMax: 60,
};
const NEVER = new AbortController().signal;

function setUp(options: Partial<LoadOptions> = {}, change: Partial<Environment> = {}) {
  const build = { build: "", protocol: {}, seed: 1 };
  const size = { replicas: 4, clientProcesses: 2 };
  const environment = {
    ...createFakeEnvironment({ ...build, ...size, directory: folder }),
    ...change,
  };
  const journal = createAppendFile(join(folder, "history.jsonl"));
  const recorder = new HistoryRecorder(journal, startRunClock(machineTime));
  let id = 0;
  const calls = { environment, recorder, nextCallId: () => id++ };
  const interpreter = createInterpreter(calls, { ...LOAD, ...options }, createRandom(5));
  return { interpreter, recorder };
}

const unknown: Partial<Environment> = {
  call: async (_, call) => {
    const now = String(process.hrtime.bigint());
    return { id: call.id, type: "info", value: null, client: 0, startedNs: now, endedNs: now };
  },
};

/** What each worker asked, in its order: the workers are told apart by process modulo concurrency. */
function askedByWorker(history: readonly HistoryOp[]): string[][] {
  const asked: string[][] = [[], [], [], []];
  for (const { type, process, f, value } of history) {
    if (type === "invoke") asked[Number(process) % 4]?.push(JSON.stringify([f, value]));
  }
  return asked;
}

test("every account is opened and gets its money before the load", async () => {
  const { interpreter, recorder } = setUp();
  await interpreter.openAccounts(NEVER);
  assert.equal(recorder.counts, { invoke: 6, ok: 6, fail: 0, info: 0 });
});

test("the load ends when its operations are spent", async () => {
  const { interpreter, recorder } = setUp();
  await interpreter.load(NEVER);
  assert.is(recorder.counts.invoke, 60);
});

test("a worker asks the same whatever the others do and however long it takes", async () => {
  const slow = setUp({ operationsMax: 40 });
  await slow.interpreter.load(NEVER);
  const other = setUpAgain({ operationsMax: 60, rate: 2_000 });
  await other.interpreter.load(NEVER);
  const [first, second] = [slow, other].map(({ recorder }) => askedByWorker(recorder.ordered()));
  for (const [index, ops] of (first ?? []).entries()) {
    const others = second?.[index] ?? [];
    const common = Math.min(ops.length, others.length);
    assert.ok(common > 3);
    assert.equal(ops.slice(0, common), others.slice(0, common));
  }
});

function setUpAgain(options: Partial<LoadOptions>) {
  rmSync(join(folder, "history.jsonl"));
  return setUp(options);
}

test("a process whose operation is unknown is gone; its worker goes on under a new number", async () => {
  const { interpreter, recorder } = setUp({ operationsMax: 20 }, unknown);
  await interpreter.load(NEVER);
  const history = recorder.ordered();
  const processes = history.filter(({ type }) => type === "invoke").map((op) => op.process);
  assert.is(new Set(processes).size, 20);
  const sessions = new Set(history.map(({ node, client }) => `${node} ${client}`));
  assert.ok(sessions.size > 4, "some workers go on on a fresh session");
  assert.is(pairOperations(history).length, 20);
});

test("the load stops soon after the signal, with every operation completed", async () => {
  const { interpreter, recorder } = setUp({ operationsMax: 1e9, rate: 500 });
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 100);
  await interpreter.load(stop.signal);
  const { invoke, ok, fail, info } = recorder.counts;
  assert.ok(invoke > 5);
  assert.is(invoke, ok + fail + info);
});

test("progress is demanded of every worker's session, and every account is read at the end", async () => {
  const { interpreter, recorder } = setUp();
  await interpreter.openAccounts(NEVER);
  await interpreter.demandProgress(100);
  await interpreter.finalReads(100);
  const invoked = recorder
    .ordered()
    .filter(({ type }) => type === "invoke")
    .slice(6);
  assert.equal(invoked.map(({ f }) => f).sort(), [
    ...["balance", "balance", "balance"],
    ...["deposit", "deposit", "deposit", "deposit"],
  ]);
  assert.is(new Set(invoked.slice(0, 4).map(({ client }) => client)).size, 4);
});

test("a store that takes no more stops all workers", async () => {
  const { interpreter, recorder } = setUp({ operationsMax: 1e9 });
  const full = new StoreWriteError("history.jsonl", new Error("full"));
  let left = 20;
  const complete = recorder.complete.bind(recorder);
  recorder.complete = (...args) => {
    left -= 1;
    if (left < 0) throw full;
    complete(...args);
  };
  try {
    await interpreter.load(NEVER);
    assert.unreachable();
  } catch (error) {
    assert.is(error, full);
  }
});

test.run();
