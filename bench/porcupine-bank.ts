// Histories of a bank beside Porcupine, in one run: a model of the bank in Go, built with Porcupine's
// source in a folder of its own, and our black box, each in a process of its own. Neither is told any
// order. Times are of the check alone; memory is what the check adds to the process that read the
// history, and of ours also what reading it took.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { ABSENT, type BankTable } from "../checker/bank/bank-table.js";
import type { LoadOptions } from "../checker/bank/simulate-load.js";
import { readBankTable } from "../checker/read-history.js";
import { layoutTable } from "../suites/table-layout.js";
import type { WorkDone } from "./checker-work.js";
import { writeLoad } from "./load-file.js";

type Load = Pick<LoadOptions, "operations" | "concurrency" | "infoShare" | "balances">;
type Theirs = { result: "Ok" | "Illegal" | "Unknown" | "Memory"; ms: number; bytes: number };
/** Where nothing can be compared, it waits less long. */
type Case = Omit<Load, "balances"> & { seconds: number; asked: string };
type Compared = { load: Load; asked: string; ours: WorkDone; theirs: Theirs };

const WORKER = fileURLToPath(new URL("./checker-work.js", import.meta.url));
/** The sources stand beside this one's, not beside what the compiler made of it. */
const MODEL = fileURLToPath(new URL("../../bench/porcupine/bank.go", import.meta.url));
const MEGABYTES_MAX = 6_000;
const PORCUPINE = "github.com/anishathalye/porcupine";

const CASES: readonly Case[] = [
  {
    ...{ operations: 100_000, concurrency: 5, infoShare: 0 },
    ...{ seconds: 180, asked: "10 x, 1/50 of the memory" },
  },
  { operations: 1_000, concurrency: 20, infoShare: 0, seconds: 20, asked: "an answer" },
  { operations: 10_000, concurrency: 5, infoShare: 0.01, seconds: 20, asked: "an answer" },
  { operations: 10_000, concurrency: 20, infoShare: 0.01, seconds: 20, asked: "an answer" },
  { operations: 10_000, concurrency: 20, infoShare: 0.05, seconds: 20, asked: "an answer" },
];

/** `porcupine` and `folder`: where its source is, and where histories and the program may be. */
export async function compareBank(porcupine: string, folder: string): Promise<Compared[]> {
  const program = await build(porcupine, folder);
  const found: Compared[] = [];
  for (const each of CASES) {
    for (const balances of ["in every reply", "in reads only"] as const) {
      found.push(await compareOne(program, folder, each, balances));
    }
  }
  return found;
}

async function compareOne(
  program: string,
  folder: string,
  { seconds, asked, ...drawn }: Case,
  balances: Load["balances"],
): Promise<Compared> {
  const load = { ...drawn, balances };
  const path = join(folder, "bank.jsonl");
  writeLoad(path, load);
  const parsed = readBankTable(path);
  if (parsed === undefined) throw new Error(`${path} is not plain`);
  const columns = join(folder, "bank.txt");
  writeFileSync(columns, columnsOf(parsed.table));
  const ours = await execa(process.execPath, [WORKER, "black box", path]);
  const theirs = await execa(program, [columns, String(seconds), String(MEGABYTES_MAX)]);
  return { load, asked, ours: JSON.parse(ours.stdout), theirs: JSON.parse(theirs.stdout) };
}

/** The program's path. */
async function build(porcupine: string, folder: string): Promise<string> {
  const source = join(folder, "bank");
  mkdirSync(source);
  copyFileSync(MODEL, join(source, "bank.go"));
  const [, version = "1.16"] =
    /^go (\S+)$/m.exec(readFileSync(join(porcupine, "go.mod"), "utf8")) ?? [];
  const required = [`require ${PORCUPINE} v0.0.0`, `replace ${PORCUPINE} => ${resolve(porcupine)}`];
  writeFileSync(
    join(source, "go.mod"),
    ["module bank", `go ${version}`, ...required, ""].join("\n"),
  );
  await execa("go", ["build", "-o", "bank", "."], {
    cwd: source,
    env: { GOFLAGS: "-mod=mod", GOPROXY: "off" },
  });
  return join(source, "bank");
}

/** As bank.go reads them. What nobody answered may take effect as late as can be. */
function columnsOf(table: BankTable): string {
  const said = (answer: number | undefined) =>
    answer === undefined || Number.isNaN(answer) ? ABSENT : answer;
  const rows = Array.from({ length: table.count }, (_, row) =>
    [
      ...[table.kind[row], table.first[row], table.second[row], table.amount[row]],
      ...[table.refusal[row], table.optional[row]],
      ...[said(table.balance[row]), said(table.toBalance[row]), table.call[row], table.ret[row]],
    ].join(" "),
  );
  return `${rows.join("\n")}\n`;
}

export function bankLines(compared: readonly Compared[]): string[] {
  const columns = ["Porcupine", "ms", "MB", "ours", "ms", "MB", "faster", "less memory"];
  const head = ["bank", "replies", ...columns, "asked"];
  const rows = compared.map(({ load, asked, ours, theirs }) => {
    const answers = theirs.result === "Ok" || theirs.result === "Illegal";
    const name = `${load.operations} operations, ${load.concurrency} clients, ${100 * load.infoShare} % not known`;
    const replies = load.balances === "in every reply" ? "with balances" : "bare";
    const less = theirs.bytes / 1e6 / ours.megabytes;
    const ratio = `${(theirs.ms / ours.ms).toFixed(1)} x`;
    return [
      ...[name, replies, answers ? theirs.result : `none (${theirs.result})`],
      ...[theirs.ms.toFixed(0), (theirs.bytes / 1e6).toFixed(0)],
      ...[ours.valid, ours.ms.toFixed(1), String(ours.megabytes)],
      ...[answers ? ratio : `> ${ratio}`, answers ? `${less.toFixed(0)} x` : "", asked],
    ];
  });
  return layoutTable(head, rows);
}

/** Whether one of them says what the other excludes. */
export function bankDisagrees(compared: readonly Compared[]): boolean {
  return compared.some(({ ours, theirs }) => theirs.result === "Illegal" || ours.valid === "false");
}
