// The exact search beside Porcupine, in one run on one machine: its own benchmarks of its own histories
// (etcd logs and a key-value store), and ours of the same files; then histories of a bank. Both times are of the check alone,
// the best of a few. Its source is no part of this project: clone github.com/anishathalye/porcupine
// anywhere, install Go, and name the folder.
// Run: node dist/bench/porcupine.js [folder, or PORCUPINE]

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { solve } from "../checker/exact/linearize.js";
import { problemsOf } from "../checker/exact/problem.js";
import { parseAnyHistory } from "../checker/formats/detect.js";
import { kv } from "../checker/models/kv.js";
import type { Model } from "../checker/models/model.js";
import { casRegister } from "../checker/models/register.js";
import { layoutTable } from "../suites/table-layout.js";
import { bankDisagrees, bankLines, compareBank } from "./porcupine-bank.js";

type Row = {
  name: string;
  operations: number;
  valid: boolean | "unknown";
  expected: boolean;
  porcupineUs: number;
  oursUs: number;
};

/** Of both; the best of them counts. */
const ROUNDS = 3;
/** Of each file and round, ours; Porcupine's benchmarks run as often as Go finds right. */
const MEASURED_MS = 40;
/** So many at least, until the code is compiled: on a busy machine one may wait for that. */
const RUNS_MIN = 300;
const LIMITS = { steps: 1_000_000_000, bytes: 2 ** 31 };
const ETCD = casRegister({ nilRead: "nothing", failedCas: "mismatch" });

const folder = process.argv[2] ?? process.env["PORCUPINE"];
if (folder === undefined || !existsSync(join(folder, "porcupine_test.go"))) {
  console.log(
    "skipped: Porcupine: name the folder of its source (github.com/anishathalye/porcupine)",
  );
} else if ((await execa("go", ["version"], { reject: false })).exitCode !== 0) {
  console.log("skipped: Porcupine: Go is not installed (apt-get install golang-go)");
} else {
  print(await compare(folder));
  await printBank(folder);
}

async function printBank(porcupine: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "ordeal-bench-"));
  try {
    const compared = await compareBank(porcupine, work);
    for (const text of bankLines(compared)) console.log(text);
    if (bankDisagrees(compared)) process.exitCode = 1;
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function compare(folder: string): Promise<Row[]> {
  const expected = expectations(readFileSync(join(folder, "porcupine_test.go"), "utf8"));
  const measure = () =>
    [...expected].map(([benchmark, { file, valid }]) => {
      const path = join(folder, "test_data", file);
      const model = file.startsWith("kv") ? kv() : ETCD;
      return { benchmark, name: file, expected: valid, ...ours(path, model) };
    });
  measure(); // Once for the compiler: Go's code is compiled before it runs.
  const measured = measure();
  for (let round = 1; round < ROUNDS; round++) {
    measure().forEach(({ oursUs }, index) => {
      const row = measured[index];
      if (row !== undefined) row.oursUs = Math.min(row.oursUs, oursUs);
    });
  }
  const theirs = await porcupine(folder);
  return measured.map(({ benchmark, ...row }) => {
    return { ...row, porcupineUs: theirs.get(benchmark) ?? Number.NaN };
  });
}

/** By the name of the benchmark: the file that it checks, and what it expects. */
function expectations(source: string): Map<string, { file: string; valid: boolean }> {
  const found = new Map<string, { file: string; valid: boolean }>();
  for (const [, name = "", number = "", valid] of source.matchAll(
    /func Benchmark(\w+)\(b \*testing\.B\) \{\s*benchJepsen\(b, (\d+), (true|false)\)/g,
  )) {
    found.set(name, {
      file: `jepsen/etcd_${number.padStart(3, "0")}.log`,
      valid: valid === "true",
    });
  }
  for (const [, name = "", file = "", valid] of source.matchAll(
    /func Benchmark(\w+)\(b \*testing\.B\) \{\s*benchKv\(b, "([\w-]+)", (true|false), true\)/g,
  )) {
    found.set(name, { file: `kv/${file}.txt`, valid: valid === "true" });
  }
  return found;
}

/** Microseconds by benchmark. */
async function porcupine(folder: string): Promise<Map<string, number>> {
  const pattern = "^Benchmark(EtcdJepsen|Kv1Client|Kv10Clients|Kv50Clients)";
  const args = [
    "test",
    "-run",
    "^$",
    "-bench",
    pattern,
    "-benchtime",
    "20ms",
    "-count",
    String(ROUNDS),
  ];
  const { stdout } = await execa("go", [...args, "-timeout", "20m"], { cwd: folder });
  const best = new Map<string, number>();
  for (const [, name = "", ns] of stdout.matchAll(
    /^Benchmark(\w+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns\/op/gm,
  )) {
    best.set(name, Math.min(best.get(name) ?? Number.POSITIVE_INFINITY, Number(ns) / 1_000));
  }
  return best;
}

function ours(path: string, model: Model): Pick<Row, "operations" | "valid" | "oursUs"> {
  const { operations } = parseAnyHistory(readFileSync(path, "utf8"), path);
  const check = () => solve(problemsOf(operations, model), LIMITS).valid;
  let bestUs = Number.POSITIVE_INFINITY;
  const until = performance.now() + MEASURED_MS;
  for (let run = 0; run < RUNS_MIN || performance.now() < until; run += 1) {
    const startedAt = process.hrtime.bigint();
    check();
    bestUs = Math.min(bestUs, Number(process.hrtime.bigint() - startedAt) / 1_000);
  }
  return { operations: operations.length, valid: check(), oursUs: bestUs };
}

function print(rows: readonly Row[]): void {
  const etcd = rows.filter(({ name }) => name.startsWith("jepsen"));
  const slowest = [...etcd].sort((a, b) => ratio(a) - ratio(b)).slice(0, 3);
  const longest = [...etcd].sort((a, b) => b.porcupineUs - a.porcupineUs).slice(0, 5);
  const total = {
    name: `${etcd.length} etcd logs, total`,
    operations: sum(etcd, ({ operations }) => operations),
    porcupineUs: sum(etcd, ({ porcupineUs }) => porcupineUs),
    oursUs: sum(etcd, ({ oursUs }) => oursUs),
  };
  const head = ["history", "operations", "Porcupine us", "ours us", "faster", "asked"];
  const line = (row: Pick<Row, "name" | "operations" | "porcupineUs" | "oursUs">, asked = "") => [
    row.name,
    String(row.operations),
    row.porcupineUs.toFixed(0),
    row.oursUs.toFixed(1),
    `${ratio(row).toFixed(1)} x`,
    asked,
  ];
  const kvRows = rows.filter(({ name }) => name.startsWith("kv"));
  const table = [
    line(total, "100 x"),
    ...slowest.map((row) => line({ ...row, name: `${row.name} (least)` }, "5 x")),
    ...longest.map((row) => line({ ...row, name: `${row.name} (longest)` }, "5 x")),
    ...kvRows.map((row) => line(row, row.name.includes("c50-ok") ? "50 x" : "")),
  ];
  for (const text of layoutTable(head, table)) console.log(text);
  const logs = etcd.reduce((product, row) => product + Math.log(ratio(row)), 0);
  console.log(`geometric mean of the etcd logs: ${Math.exp(logs / etcd.length).toFixed(1)} x`);
  const wrong = rows.filter(({ valid, expected }) => valid !== expected).map(({ name }) => name);
  console.log(`verdicts: ${rows.length - wrong.length} of ${rows.length} alike ${wrong.join(" ")}`);
  if (wrong.length > 0) process.exitCode = 1;
}

function ratio({ porcupineUs, oursUs }: Pick<Row, "porcupineUs" | "oursUs">): number {
  return porcupineUs / oursUs;
}

function sum(rows: readonly Row[], value: (row: Row) => number): number {
  return rows.reduce((total, row) => total + value(row), 0);
}
