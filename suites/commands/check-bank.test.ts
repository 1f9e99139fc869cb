// A bank's history from a file: judged by its columns, and what is left of one that is wrong.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { simulateLoad } from "../../checker/bank/simulate-load.js";
import type { Ending } from "../exit-code.js";
import { UsageError } from "../usage-error.js";
import { checkCommand } from "./check.js";
import { checkModelCommand } from "./check-model.js";
import type { RawModelOptions } from "./check-options.js";

let folder = "";
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "ordeal-bank-"));
});
test.after.each(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

/** As lines of JSON; the last balance that was read was never there, if it is to be wrong. */
function history(isWrong: boolean): string {
  const ops = [...simulateLoad({ operations: 200, concurrency: 3 })];
  const last = ops.findLast(({ f, type }) => f === "balance" && type === "ok");
  return ops
    .map((op) => {
      const value = isWrong && op === last ? { ...Object(op.value), balance: 1 } : op.value;
      return `${JSON.stringify({ ...op, value })}\n`;
    })
    .join("");
}

type Said = { ending: Ending; lines: string[] };

async function byModel(path: string, options: RawModelOptions = {}): Promise<Said> {
  const lines: string[] = [];
  const output = { line: (text: string) => void lines.push(text), transient: () => false };
  const raw = { model: "bank", jobs: "1", store: join(folder, "store"), ...options };
  const ending = await checkModelCommand([path], raw, output, (text) => lines.push(text));
  return { ending, lines };
}

async function alone(...paths: string[]): Promise<Said> {
  const lines: string[] = [];
  const output = { line: (text: string) => void lines.push(text), transient: () => false };
  return { ending: await checkCommand(paths, output), lines };
}

test("a plain history is judged by its columns, a gzipped one as any other", async () => {
  const { ending, lines } = await byModel(write("bank.jsonl", history(false)), { json: true });
  assert.is(ending, true);
  const report = JSON.parse(lines[0] ?? "");
  assert.equal(Object.keys(report.checks), ["linearizable", "black-box"]);
  const zipped = write("bank.jsonl.gz", gzipSync(history(false)));
  const slow = await byModel(zipped, { json: true });
  assert.is(slow.ending, true);
  assert.ok(Object.keys(JSON.parse(slow.lines[0] ?? "").checks).includes("statistics"));
});

test("a wrong one leaves a smaller one where it is told to, which fails alike", async () => {
  const minimal = join(folder, "small", "one.jsonl");
  const { ending, lines } = await byModel(write("wrong.jsonl", history(true)), { minimal });
  assert.is(ending, false);
  assert.ok(lines.some((line) => line.endsWith(`check it: ordeal check ${minimal} --model bank`)));
  const again = await byModel(minimal);
  assert.is(again.ending, false);
  assert.match(again.lines.join("\n"), /INVALID {2}linearizable: not linearizable on a/);
});

test("without a model a wrong one leaves a smaller one beside it", async () => {
  const { ending, lines } = await alone(write("wrong.jsonl", history(true)));
  assert.is(ending, false);
  const file = join(folder, "wrong.minimal.jsonl");
  assert.ok(lines.some((line) => line.endsWith(`check it: ordeal check ${file}`)));
  const small = readFileSync(file, "utf8").trim().split("\n");
  assert.ok(small.length < 40, `${small.length} lines`);
  assert.is((await alone(file)).ending, false);
});

test("one file cannot take the smallest histories of several", async () => {
  const refused = async (run: () => Promise<unknown>) => {
    const error = await run().catch((thrown: unknown) => thrown);
    assert.instance(error, UsageError);
    assert.match(String(error), /--minimal wants one history to check, found 2/);
  };
  const output = { line: () => undefined, transient: () => false };
  await refused(() => checkCommand(["a", "b"], output, { minimal: "m" }));
  const raw = { model: "bank", minimal: "m" };
  await refused(() => checkModelCommand(["a", "b"], raw, output, () => undefined));
});

test.run();
