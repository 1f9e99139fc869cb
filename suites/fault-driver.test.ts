import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ResolvedFault } from "../nemesis/faults.js";
import { createRandom } from "../nemesis/random.js";
import { createAppendFile } from "./append-file.js";
import type { Environment } from "./cluster/environment.js";
import { createFakeEnvironment } from "./fake-environment.js";
import { FaultDriver } from "./fault-driver.js";
import { HistoryRecorder } from "./history-recorder.js";
import { performSteps, stepsOfPlan } from "./nemesis-runner.js";
import { startRunClock } from "./run-clock.js";

let folder = "";
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "ordeal-faults-"));
});
test.after.each(() => rmSync(folder, { recursive: true }));

const NEVER = new AbortController().signal;
const KILL: ResolvedFault = {
  id: "f0",
  intent: { kind: "kill", target: { kind: "one" } },
  nodes: ["r2"],
  links: [],
};

function setUp(change: Partial<Environment> = {}) {
  const size = { replicas: 4, clientProcesses: 1, build: "", protocol: {}, seed: 1 };
  const environment = { ...createFakeEnvironment({ ...size, directory: folder }), ...change };
  const clock = startRunClock(environment.time);
  const recorder = new HistoryRecorder(createAppendFile(join(folder, "history.jsonl")), clock);
  const path = join(folder, "faults.jsonl");
  const driver = new FaultDriver(environment, recorder, createAppendFile(path), clock);
  const records = () =>
    readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  return { environment, driver, recorder, records };
}

test("a fault stands in both files, with its evidence, and is active in between", async () => {
  const { driver, recorder, records } = setUp();
  await driver.start(KILL);
  assert.equal(driver.active, [KILL]);
  await driver.stop("f0");
  assert.equal(driver.active, []);
  const [start, stop] = records();
  assert.equal(start.fault, KILL);
  assert.is(stop.evidence.landed, true);
  assert.ok(start.time <= stop.time);
  assert.equal(
    recorder.ordered().map(({ f, process }) => [f, process]),
    [
      ["start-kill", "nemesis"],
      ["stop-kill", "nemesis"],
    ],
  );
});

test("a fault that cannot be applied did not land, whatever its cure says, and the run goes on", async () => {
  const { driver, recorder, records } = setUp({
    apply: async () => {
      throw new Error("no such link");
    },
  });
  await driver.start(KILL);
  assert.equal(driver.active, []);
  assert.is(records()[1].evidence.landed, false);
  assert.match(records()[1].evidence.summary, "could not be applied: no such link");
  assert.match(String(recorder.ordered()[0]?.error), "no such link");
});

test("a cure that fails is written down as such", async () => {
  const { driver, records } = setUp({
    heal: async () => {
      throw new Error("port in use");
    },
  });
  await driver.start(KILL);
  await driver.healAll();
  assert.equal(records()[1].evidence.summary, "could not be healed: port in use");
});

test("all faults are healed, the newest first, each once", async () => {
  const { driver, records } = setUp();
  await driver.start(KILL);
  await driver.start({ ...KILL, id: "f1", nodes: ["r3"] });
  await driver.healAll();
  await driver.healAll();
  assert.equal(
    records().map(({ fault, faultId }) => fault?.id ?? faultId),
    ["f0", "f1", "f1", "f0"],
  );
});

test("a fault that begins late is held as long as planned, and left out once no load would meet it", async () => {
  const environment = setUp().environment;
  rmSync(join(folder, "history.jsonl"));
  rmSync(join(folder, "faults.jsonl"));
  const slowCure: Partial<Environment> = {
    time: environment.time,
    heal: async (faultId) => {
      await environment.time.sleep(150);
      return environment.heal(faultId);
    },
  };
  const { driver, records } = setUp(slowCure);
  const { intent } = KILL;
  const plan = [
    { atMs: 0, action: "start", faultId: "f0", intent },
    { atMs: 20, action: "stop", faultId: "f0" },
    { atMs: 50, action: "start", faultId: "f1", intent },
    { atMs: 110, action: "stop", faultId: "f1" },
    { atMs: 800, action: "start", faultId: "f2", intent },
    { atMs: 850, action: "stop", faultId: "f2" },
  ] as const;
  const steps = stepsOfPlan(plan, environment, createRandom(1), environment.time.nowMs());
  await performSteps(steps, driver, NEVER);
  const [, , start, stop, ...more] = records();
  assert.equal(more, [], "f2 is later by what the first cure took, and the plan ends before");
  assert.ok(stop.time - start.time >= 55e6, `held for ${stop.time - start.time} ns`);
});

test("once the signal aborts nothing more begins, and what is active stays for the cures", async () => {
  const { driver, environment } = setUp();
  const stop = new AbortController();
  const plan = [
    { atMs: 0, action: "start", faultId: "f0", intent: KILL.intent },
    { atMs: 60_000, action: "stop", faultId: "f0" },
  ] as const;
  const steps = stepsOfPlan(plan, environment, createRandom(1), environment.time.nowMs());
  void environment.time.sleep(30).then(() => stop.abort());
  await performSteps(steps, driver, stop.signal);
  assert.is(driver.active.length, 1);
});

test.run();
