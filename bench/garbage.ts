// Files that are no history, of any size: each must end in one line that names the file and, where there
// is one, the line, with the exit code for it, and in memory that does not grow with the file. They are
// made here, one at a time, and deleted.
// Run: node dist/bench/garbage.js [megabytes, 1000]

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { EXIT_USAGE } from "../suites/exit-code.js";
import { layoutTable } from "../suites/table-layout.js";

type Case = {
  what: string;
  file: string;
  /** Written over and over between the two, until the file is long enough. */
  head?: string;
  filler?: string;
  tail?: string;
  args: readonly string[];
  /** Behind the file's name. */
  message: RegExp;
};
type Ended = { seconds: number; megabytes: number; exitCode: number | undefined; stderr: string };

const CLI = fileURLToPath(new URL("../suites/cli.js", import.meta.url));
const SAMPLE_MS = 20;
/** Node alone takes about 50; the largest op that is read elsewhere, 256 and as much again. */
const MEGABYTES_MAX = 1_000;
const WRITE_BYTES = 1 << 20;

const invoke = '{"index":0,"time":1,"type":"invoke","process":0,"f":"read","value":null}\n';
const ok = invoke.replace("invoke", "ok").replace('"index":0,"time":1', '"index":1,"time":2');
/** Time that no machine runs out of: what is asked here is the message. */
const REGISTER = ["--model", "cas-register", "--budget-time", "3600"];
const NOISE = "q7f;\u0001/zz[{]\u00e9 ";

const CASES: readonly Case[] = [
  { what: "noise in lines", file: "a.jsonl", filler: `${NOISE}\n`, args: [], message: /^:1: / },
  { what: "noise in one line", file: "a.jsonl", filler: NOISE, args: [], message: /^:1: / },
  {
    ...{ what: "an op, then noise in one line", file: "a.jsonl", args: [], message: /^:2: / },
    ...{ head: invoke, filler: NOISE },
  },
  {
    what: "noise in lines",
    file: "a.jsonl",
    filler: `${NOISE}\n`,
    args: REGISTER,
    message: /^:1: /,
  },
  { what: "one line", file: "a.jsonl", filler: "x", args: REGISTER, message: /^:1: / },
  { what: "one line", file: "a.jsonl", filler: "x", args: ["--model", "bank"], message: /^:1: / },
  {
    ...{ what: "one op without an end", file: "a.jsonl", args: REGISTER, message: /^:1: / },
    ...{ head: '{"value":"', filler: "x" },
  },
  {
    what: "nested without end",
    file: "a.jsonl",
    filler: '{"a":',
    args: REGISTER,
    message: /^:1: /,
  },
  { what: "nested without end", file: "a.json", filler: "[", args: REGISTER, message: /^:1: / },
  { what: "nested without end", file: "a.edn", filler: "[", args: REGISTER, message: /^:1: / },
  { what: "one word", file: "a.edn", filler: "x", args: REGISTER, message: /^:1: / },
  {
    what: "noise in lines",
    file: "a.log",
    filler: `${NOISE}\n`,
    args: REGISTER,
    message: /^: no op/,
  },
  { what: "one line", file: "a.log", filler: NOISE, args: REGISTER, message: /^: no op/ },
  {
    ...{
      what: "half a file",
      file: "a.edn",
      args: REGISTER,
      message: /^:\d+: the file ends inside/,
    },
    ...{ head: "[{:type :invoke :process 0 :f :read}\n", tail: "{:type :ok :proc" },
  },
  {
    ...{
      what: "a second completion",
      file: "a.jsonl",
      args: [],
      message: /^:3: .*second completion/,
    },
    ...{ head: invoke + ok + ok.replace('"index":1', '"index":2') },
  },
  {
    ...{
      what: "nobody invoked it",
      file: "a.jsonl",
      args: REGISTER,
      message: /^:1: .*none invoked/,
    },
    ...{ head: ok.replace('"index":1', '"index":0') },
  },
];

const megabytes = Number(process.argv[2] ?? 1_000);
const folder = mkdtempSync(join(tmpdir(), "ordeal-garbage-"));
const rows: string[][] = [];
try {
  for (const each of CASES) {
    const path = join(folder, each.file);
    write(path, each);
    const ended = await check(path, each.args);
    rmSync(path);
    const wrong = wrongOf(each, path, ended);
    if (wrong !== "") process.exitCode = 1;
    const size = each.filler === undefined ? "few bytes" : `${megabytes} MB`;
    const measured = [ended.seconds.toFixed(1), ended.megabytes.toFixed(0)];
    rows.push([each.what, each.file, size, each.args.join(" "), ...measured, wrong || "one line"]);
  }
} finally {
  rmSync(folder, { recursive: true });
}
const head = [
  "what",
  "file",
  "size",
  "options",
  "s",
  "MB",
  `wanted: one line, ${MEGABYTES_MAX} MB`,
];
for (const line of layoutTable(head, rows)) console.log(line);

function write(path: string, { head = "", filler, tail = "" }: Case): void {
  const file = openSync(path, "w");
  writeSync(file, head);
  if (filler !== undefined) {
    const piece = Buffer.from(filler.repeat(Math.ceil(WRITE_BYTES / filler.length)));
    for (let written = 0; written < megabytes * 1e6; ) written += writeSync(file, piece);
  }
  writeSync(file, tail);
  closeSync(file);
}

async function check(path: string, args: readonly string[]): Promise<Ended> {
  const started = performance.now();
  const running = execa(process.execPath, [CLI, "check", path, ...args], { reject: false });
  let peak = 0;
  const sampler = setInterval(() => {
    peak = Math.max(peak, peakMegabytes(running.pid));
  }, SAMPLE_MS);
  const { exitCode, stderr } = await running;
  clearInterval(sampler);
  return { seconds: (performance.now() - started) / 1_000, megabytes: peak, exitCode, stderr };
}

/** The most that a process has held so far; 0 where it is gone. */
function peakMegabytes(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
  } catch (error) {
    if (error instanceof Error) return 0;
    throw error;
  }
}

function wrongOf({ message }: Case, path: string, { exitCode, stderr, ...ended }: Ended): string {
  const lead = `ordeal: ${path}`;
  if (exitCode !== EXIT_USAGE) return `exit ${exitCode}: ${stderr.slice(0, 200)}`;
  if (stderr.trim().includes("\n")) return `several lines: ${stderr.slice(0, 200)}`;
  if (!stderr.startsWith(lead) || !message.test(stderr.slice(lead.length))) {
    return stderr.slice(0, 200);
  }
  return ended.megabytes > MEGABYTES_MAX ? "too much memory" : "";
}
