import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { FaultKind } from "../nemesis/faults.js";
import { suiteNamed } from "./catalogue.js";
import { checkCommand } from "./commands/check.js";
import { concludeRun } from "./conclude-run.js";
import type { Flaw } from "./fake-bank.js";
import { createFakeEnvironment } from "./fake-environment.js";
import { failedChecks, judgeRun, readRun } from "./judge.js";
import { JUDGING_BUDGET, Judging } from "./judging.js";
import { suitePlan, tablePlan } from "./plan.js";
import type { Output } from "./progress.js";
import { recordedOps, replayScript } from "./replay.js";
import { performRun, type RunContext, type RunPlan } from "./run.js";
import { parseRunOptions } from "./run-options.js";
import { openStore } from "./store.js";
import { UsageError } from "./usage-error.js";

let store = "";
test.before.each(() => {
  store = openStore(mkdtempSync(join(tmpdir(), "ordeal-run-")));
});
test.after.each(() => rmSync(store, { recursive: true }));

function planOf(suite: string, raw: Parameters<typeof parseRunOptions>[0] = {}): RunPlan {
  const options = parseRunOptions({
    timeLimit: "0.5",
    rate: "600",
    nemesisInterval: "0.4",
    ...raw,
  });
  const basis = {
    options,
    seed: 11,
    environment: "fake",
    commit: "none",
    build: "none",
    capabilities: new Set<FaultKind>(),
  };
  return { ...suitePlan(suiteNamed(suite), basis), quiescenceDeadlineMs: 500 };
}

function contextOf(flaw: Flaw, capabilities?: readonly FaultKind[]) {
  const lines: string[] = [];
  const output: Output = { line: (text) => lines.push(text), transient: () => false };
  const interrupt = new AbortController();
  const context: RunContext = {
    store,
    output,
    interrupt: interrupt.signal,
    createEnvironment: (options) => createFakeEnvironment(options, flaw, capabilities),
  };
  return { context, interrupt, lines };
}

test("a correct bank is valid, and the run leaves everything in the store", async () => {
  const { context } = contextOf("none");
  const { directory, verdict, figures } = await performRun(planOf("kill-primary"), context);
  assert.is(verdict["valid?"], true, JSON.stringify(verdict, null, 1));
  for (const file of ["run.json", "history.jsonl", "faults.jsonl", "report.html"]) {
    assert.ok(existsSync(join(directory, file)), file);
  }
  assert.is(join(store, readlinkSync(join(store, "latest"))), directory);
  assert.ok(figures.crashes > 0);
  assert.ok(figures.reads > 50 && figures.writes > 50);
});

test("a verdict judged again is the same, byte for byte", async () => {
  const { context } = contextOf("none");
  const { directory } = await performRun(planOf("halves"), context);
  const path = join(directory, "verdict.json");
  const before = readFileSync(path, "utf8");
  rmSync(path);
  assert.is(await checkCommand([directory], context.output), true);
  assert.is(readFileSync(path, "utf8"), before);
});

test("where a budget ends the judging, the figures and the report are made all the same", async () => {
  const { context } = contextOf("none");
  const { directory, figures } = await performRun(planOf("smoke"), context);
  const report = join(directory, "report.html");
  rmSync(report);
  const task = { what: "run", path: directory, concluding: true } as const;
  const judging = new Judging(task, { ...JUDGING_BUDGET, seconds: 0.001 });
  const concluded = await concludeRun(directory, context.output, judging);
  assert.is(concluded.verdict["valid?"], "unknown");
  assert.equal(concluded.figures, figures);
  assert.match(readFileSync(report, "utf8"), /<title>unknown/i);
});

const FLAWS: readonly [Flaw, string][] = [
  ["lost-write", "durability"],
  ["duplicated-write", "durability"],
  ["stale-read", "linearizable"],
  ["divergent-ledger", "agreement"],
  ["exit", "processes"],
];

for (const [flaw, check] of FLAWS) {
  test(`a bank with the flaw ${flaw} is invalid, by ${check}`, async () => {
    const { context } = contextOf(flaw);
    const { verdict } = await performRun(planOf("smoke"), context);
    assert.is(verdict["valid?"], false);
    assert.ok(failedChecks(verdict).includes(check), failedChecks(verdict).join());
  });
}

test("a cluster that does not come back after the cures is invalid, by progress", async () => {
  const { context } = contextOf("stuck");
  const plan = { ...planOf("halves"), recoveryBoundNs: () => 0.3e9 };
  const { verdict } = await performRun(plan, context);
  assert.ok(failedChecks(verdict).includes("progress"), JSON.stringify(verdict.checks));
});

test("what an environment cannot do is refused by name, before it starts", async () => {
  const { context } = contextOf("none", ["partition"]);
  try {
    await performRun(planOf("kill-primary"), context);
  } catch (error) {
    assert.instance(error, UsageError);
    assert.match(String(error), "kill-primary needs kill, which the environment fake cannot do");
    return;
  }
  assert.unreachable();
});

test("an interrupted run heals and judges what there is", async () => {
  const { context, interrupt, lines } = contextOf("none");
  const createEnvironment: RunContext["createEnvironment"] = (options) => {
    const environment = createFakeEnvironment(options);
    void environment.time.sleep(1_000).then(() => interrupt.abort());
    return environment;
  };
  const plan = planOf("halves", { timeLimit: "60" });
  const { verdict, meta } = await performRun(plan, { ...context, createEnvironment });
  assert.is(verdict["valid?"], true);
  assert.ok(meta.phases.loadEnd < 5e9);
  assert.ok(lines.some((line) => line.startsWith("interrupted")));
});

test("a teardown that fails does not eat the verdict", async () => {
  const { context, lines } = contextOf("none");
  const createEnvironment: RunContext["createEnvironment"] = (options) => {
    const environment = createFakeEnvironment(options);
    const stop = async () => {
      await environment.stop();
      throw new Error("bridge is busy");
    };
    return { ...environment, stop };
  };
  const { verdict } = await performRun(planOf("smoke"), { ...context, createEnvironment });
  assert.is(verdict["valid?"], true);
  assert.ok(lines.includes("stop: bridge is busy"));
});

test("a run that was killed is judged from what it had recorded, torn last line and all", async () => {
  const { context, lines } = contextOf("none");
  const { directory, meta } = await performRun(planOf("halves"), context);
  const path = join(directory, "history.jsonl");
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.slice(0, text.indexOf("\n", text.length / 2) - 5));
  const { recoveryBoundNs: _, ...rest } = meta;
  const cut = { loadEnd: 0, healed: 0, quiescent: 0, end: 0 };
  const early = { ...rest, recoveryBoundNs: 0, phases: cut, incomplete: "it was cut off" };
  writeFileSync(join(directory, "run.json"), JSON.stringify(early));
  assert.not.equal(await checkCommand([directory], context.output), true);
  assert.ok(lines.some((line) => line.startsWith("note: ") && line.includes("torn")));
});

test("logs that were never collected leave what they tell unknown", async () => {
  const { context } = contextOf("none");
  const { directory, meta } = await performRun(planOf("smoke"), context);
  writeFileSync(join(directory, "run.json"), JSON.stringify({ ...meta, environment: "local" }));
  const { checks } = judgeRun(readRun(directory));
  assert.is(checks["log-patterns"]?.valid, "unknown");
});

test("a history that stands alone is judged by what it can tell", async () => {
  const { context } = contextOf("stale-read");
  const { directory } = await performRun(planOf("smoke"), context);
  assert.is(await checkCommand([join(directory, "history.jsonl")], context.output), false);
});

test("a table's run counts its operations and kills on the way", async () => {
  const suite = suiteNamed("paper-table");
  const row = {
    iterations: 300,
    crashes: 2,
    paper: { timeS: 1, viewChanges: 1, accuracyPercent: 1 },
  };
  const options = parseRunOptions({});
  const basis = {
    options,
    seed: 3,
    environment: "fake",
    commit: "none",
    build: "none",
    capabilities: new Set<FaultKind>(),
  };
  const { context } = contextOf("none");
  const { verdict, figures } = await performRun(tablePlan(suite, row, basis), context);
  assert.is(verdict["valid?"], true, JSON.stringify(verdict, null, 1));
  assert.is(figures.reads + figures.writes, 300);
  assert.is(figures.crashes, 2);
});

test("a replay repeats operations, sessions and faults, and finds the same claims false", async () => {
  const { context } = contextOf("lost-write");
  const plan = planOf("kill-primary");
  const { directory, verdict } = await performRun(plan, context);
  const saved = readRun(directory);
  const ops = recordedOps(saved, ["c0", "c1"]);
  const load = { concurrency: 8, accounts: 8, rate: 0, readShare: 0.5, refusedShare: 0 };
  const script = replayScript(ops, saved.faults, { ...load, timeoutMs: 5_000 });
  const again = await performRun({ ...plan, script, loadLimitMs: 20_000 }, context);
  assert.ok(failedChecks(verdict).includes("durability"));
  assert.ok(failedChecks(again.verdict).includes("durability"));
  const replayed = readRun(again.directory);
  const asked = recordedOps(replayed, ["c0", "c1"]).map(({ session, op }) =>
    JSON.stringify([session, op]),
  );
  assert.equal(asked.sort(), ops.map(({ session, op }) => JSON.stringify([session, op])).sort());
  const resolved = (run: typeof saved) =>
    run.faults.flatMap((record) => (record.type === "start" ? [record.fault] : []));
  assert.equal(resolved(replayed), resolved(saved));
});

test.run();
