// A budget that ends leaves what was found, and the rest unknown: never a crash, never a pass.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { simulateLoad } from "../checker/bank/simulate-load.js";
import type { HistoryOp } from "../checker/history.js";
import { HistoryError } from "../checker/history-error.js";
import { cutOff, JUDGING_BUDGET, judgeInThread } from "./judging.js";
import { UsageError } from "./usage-error.js";

let folder = "";
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "ordeal-judging-"));
});
test.after.each(() => rmSync(folder, { recursive: true }));

function write(history: readonly HistoryOp[]): string {
  const path = join(folder, "history.jsonl");
  writeFileSync(path, history.map((op) => `${JSON.stringify(op)}\n`).join(""));
  return path;
}

test("within its budget a thread finds what is found without one", async () => {
  const path = write([...simulateLoad({ operations: 300 })]);
  const { verdict, cut } = await judgeInThread({ what: "history", path });
  assert.is(verdict["valid?"], true);
  assert.is(cut, undefined);
  assert.is(verdict.checks["linearizable"]?.figures?.["order"], "by seq");
});

test("time that ends leaves checks unknown, with the cause", async () => {
  const path = write([...simulateLoad({ operations: 300 })]);
  const { verdict, cut } = await judgeInThread(
    { what: "history", path },
    { ...JUDGING_BUDGET, seconds: 0.001 },
  );
  assert.is(cut, "time");
  assert.is(verdict["valid?"], "unknown");
  const left = Object.values(verdict.checks).filter(({ figures }) => figures?.["cause"] === "time");
  assert.ok(left.length > 0);
  for (const { summary } of left) assert.match(summary, /^not judged: the time budget ended/);
});

test("memory that ends leaves checks unknown, with the cause", async () => {
  const path = write([...simulateLoad({ operations: 20_000 })]);
  const { verdict, cut } = await judgeInThread(
    { what: "history", path },
    { ...JUDGING_BUDGET, megabytes: 16 },
  );
  assert.is(cut, "memory");
  assert.is(verdict["valid?"], "unknown");
});

test("what was found false before the budget ended stays so", () => {
  const broken = { valid: false as const, summary: "wrong" };
  const { verdict } = cutOff(
    new Map([
      ["a", broken],
      ["b", undefined],
    ]),
    "time",
    "1 s",
  );
  assert.is(verdict["valid?"], false);
  assert.is(verdict.checks["a"], broken);
  assert.is(verdict.checks["b"]?.valid, "unknown");
  const all = cutOff(new Map([["a", { valid: true, summary: "" }]]), "memory", "1 MB");
  assert.is(all.verdict["valid?"], "unknown", "what comes after the checks was not judged");
});

test("a file that is no history, and a folder that is no run, are said to be none", async () => {
  const path = join(folder, "bad.jsonl");
  writeFileSync(path, "garbage\n");
  const tried = (what: "history" | "run", of: string) =>
    judgeInThread({ what, path: of }).then(
      () => undefined,
      (error: unknown) => error,
    );
  const error = await tried("history", path);
  assert.instance(error, HistoryError);
  assert.match(String(error), /bad\.jsonl:1: /);
  writeFileSync(join(folder, "run.json"), "{}");
  assert.instance(await tried("run", folder), UsageError);
});

test.run();
