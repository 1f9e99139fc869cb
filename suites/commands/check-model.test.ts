// `ordeal check FILE… --model NAME`, as a user runs it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { execa } from "execa";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Output } from "../progress.js";
import { UsageError } from "../usage-error.js";
import { checkModelCommand } from "./check-model.js";
import type { RawModelOptions } from "./check-options.js";

const CLI = join(dirname(fileURLToPath(import.meta.url)), "..", "cli.js");

let folder = "";
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "ordeal-check-"));
});
test.after.each(() => rmSync(folder, { recursive: true }));

function check(...args: string[]) {
  return execa(process.execPath, [CLI, "check", ...args], {
    cwd: folder,
    reject: false,
    timeout: 60_000,
    stdin: "ignore",
  });
}

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return name;
}

/** In EDN: a write of 1, a write of 2, a read. */
function registerHistory(read: number): string {
  const ops = [
    [0, "write", "nil", 1],
    [0, "write", "nil", 2],
    [1, "read", "nil", read],
  ];
  return ops
    .map(
      ([process, f, asked, value]) =>
        `{:process ${process} :type :invoke :f :${f} :value ${f === "read" ? asked : value}}\n` +
        `{:process ${process} :type :ok :f :${f} :value ${value}}\n`,
    )
    .join("");
}

const GOOD = registerHistory(2);
const STALE = registerHistory(1);

test("a legal history exits 0, and a gzipped one is read alike", async () => {
  const paths = [write("a.edn", GOOD), write("b.edn.gz", gzipSync(GOOD))];
  const { exitCode, stdout, stderr } = await check(...paths, "--model", "register");
  assert.is(stderr, "");
  assert.match(
    stdout,
    /^ {2}valid {4}linearizable: a register could have answered all 3 operations/,
  );
  assert.match(stdout, /\na\.edn: valid {2}\(3 operations, .*\nb\.edn\.gz: valid|a\.edn: valid/);
  assert.is(exitCode, 0);
});

test("an illegal one exits 1, explains itself, and leaves a smaller one that fails alike", async () => {
  const path = write("stale.edn", `${registerHistory(2)}${STALE}`);
  const { exitCode, stdout } = await check(path, "--model", "cas-register");
  assert.is(exitCode, 1);
  assert.match(
    stdout,
    /process 1: read 1 \(op 10 to op 11\) cannot be placed anywhere in its window/,
  );
  assert.match(stdout, /nothing was concurrent with it/);
  assert.match(stdout, /the longest legal order has 5 of them/);
  assert.match(stdout, /then not: read 1, as the register holds 2/);
  const file = "store/minimal/stale.jsonl";
  assert.is(readFileSync(join(folder, file), "utf8").trim().split("\n").length, 4);
  const command = /check it: ordeal check (.*)/.exec(stdout)?.[1] ?? "";
  const again = await check(...command.replaceAll("'", "").split(" "));
  assert.is(again.exitCode, 1, again.stdout);
});

test("of several files the worst decides: invalid, then what is no history, then unknown", async () => {
  const good = write("good.edn", GOOD);
  const stale = write("stale.edn", STALE);
  const torn = write("torn.edn", `[${GOOD}`);
  const model = ["--model", "register"];
  assert.is((await check(good, torn, ...model)).exitCode, 254);
  const all = await check(good, torn, stale, good, ...model, "--jobs", "3");
  assert.is(all.exitCode, 1);
  const endings = all.stdout.split("\n").filter((line) => /^[a-z]/.test(line));
  assert.match(endings.join("\n"), /^good.*valid .*\nstale.*invalid .*\ngood/);
  assert.match(all.stderr, /^ordeal: torn\.edn:7: .*$/);
});

test("--json gives a line for each file, with what a machine needs", async () => {
  const paths = [write("a.edn", GOOD), write("b.edn", STALE), write("c.edn", "{:type")];
  const { stdout, exitCode } = await check(...paths, "--model", "register", "--json");
  const [a, b, c] = stdout.split("\n").map((line) => JSON.parse(line));
  assert.equal([a.file, a["valid?"], a.operations], ["a.edn", true, 3]);
  assert.equal([b.file, b["valid?"], b.minimal.file], ["b.edn", false, "store/minimal/b.jsonl"]);
  assert.match(c.error, /^c\.edn:\d: /);
  assert.is(exitCode, 1);
});

test("a register begins with nil or, in EDN, with 0; what is given decides", async () => {
  const path = write(
    "zero.edn",
    "{:process 1 :type :invoke :f :read}\n{:process 1 :type :ok :f :read :value 0}",
  );
  const either = await check(path, "--model", "register");
  assert.is(either.exitCode, 0);
  assert.match(either.stdout, /if it held 0 at first/);
  assert.is((await check(path, "--model", "register", "--initial", "nil")).exitCode, 1);
  assert.is((await check(path, "--model", "register", "--initial", "0")).exitCode, 0);
});

test("transactions are judged by cycles, against the consistency model that is named", async () => {
  // Write skew: each reads what the other writes, and sees it not written yet.
  const ops = [
    "0 :invoke [[:r :x nil] [:append :y 1]]",
    "1 :invoke [[:r :y nil] [:append :x 1]]",
    "0 :ok [[:r :x []] [:append :y 1]]",
    "1 :ok [[:r :y []] [:append :x 1]]",
    "2 :invoke [[:r :x nil] [:r :y nil]]",
    "2 :ok [[:r :x [1]] [:r :y [1]]]",
  ];
  const lines = ops.map((op) => {
    const [, process, type, value] = /^(\d) (:\w+) (.*)$/.exec(op) ?? [];
    return `{:process ${process} :type ${type} :f :txn :value ${value}}`;
  });
  const path = write("skew.edn", lines.join("\n"));
  const strict = await check(path, "--model", "list-append");
  assert.match(strict.stdout, /INVALID {2}list-append: .*G2-item/);
  assert.is(strict.exitCode, 1);
  const weak = ["--consistency-model", "snapshot-isolation"];
  assert.is((await check(path, "--model", "list-append", ...weak)).exitCode, 0);
});

const COUNTER = `
export const model = {
  name: "counter",
  init: 0,
  step(state, { f, value }) {
    if (f === "add") return state + value;
    return value === state ? state : undefined;
  },
};
`;

test("a user's model, in a file of their own", async () => {
  write("package.json", '{"type":"module"}');
  write("counter.js", COUNTER);
  const history = (read: number) =>
    `0 :invoke :add 2\n1 :invoke :read nil\n0 :ok :add 2\n1 :ok :read ${read}\n`;
  for (const read of [0, 2]) {
    const path = write("good.log", history(read).replace(/ (?=:)|(?<=:\w+) /g, "\t"));
    const { exitCode, stdout } = await check(path, "--model", "./counter.js");
    assert.is(exitCode, 0, stdout);
  }
  const bad = write("bad.log", history(1).replace(/ (?=:)|(?<=:\w+) /g, "\t"));
  const { exitCode, stdout } = await check(bad, "--model", "./counter.js");
  assert.is(exitCode, 1);
  assert.match(stdout, /then not: read 1, as the state is/);
});

test("a model that ends its process, throws or loops is a crash or unknown, and the rest is judged", async () => {
  write("package.json", '{"type":"module"}');
  const path = write("a.edn", GOOD);
  const model = (step: string) =>
    `export const model = { name: "m", init: 0, step() { ${step} } };`;
  write("throws.js", model('throw new Error("no idea")'));
  write("exits.js", model("process.exit(7)"));
  const thrown = await check(path, "--model", "./throws.js");
  assert.is(thrown.exitCode, 255);
  assert.match(thrown.stdout, /a\.edn: the check crashed: no idea/);
  const ended = await check(path, path, "--model", "./exits.js", "--jobs", "1");
  assert.is(ended.exitCode, 255);
  assert.match(
    ended.stdout,
    /crashed: the worker ended with 7\n.*crashed: the worker ended with 7/,
  );
});

/** Many writes and reads that all overlap, of which no order exists: too many to try. */
function hard(): string {
  const clients = Array.from({ length: 40 }, (_, index) => index);
  const invoked = clients.map((index) => `${index}\t:invoke\t:write\t${index}`);
  const done = clients.map((index) => `${index}\t:ok\t:write\t${index}`);
  const reads = clients.slice(0, 12).flatMap((index) => {
    const process = 100 + index;
    return [`${process}\t:invoke\t:read\tnil`, `${process}\t:ok\t:read\t${index % 6}`];
  });
  return [...invoked, ...reads, ...done].join("\n");
}

test("a budget that ends says unknown, with its cause, and exits 2", async () => {
  const path = write("hard.log", hard());
  const time = await check(path, "--model", "register", "--budget-time", "0.5");
  assert.match(time.stdout, /unknown {2}linearizable: the search is undecided: the time budget/);
  assert.is(time.exitCode, 2);
  const memory = await check(path, "--model", "register", "--budget-memory", "8", "--json");
  assert.is(JSON.parse(memory.stdout).cause, "memory");
  assert.is(memory.exitCode, 2);
});

const SILENT: Output = { line: () => undefined, transient: () => false };

const USAGE: readonly [keyof RawModelOptions, string, RegExp][] = [
  ["model", "poem", /no model is called "poem"; choose from: register, /],
  ["model", "./none.js", /--model .*none\.js cannot be loaded: /],
  ["model", "./empty.js", /--model .*empty\.js exports no model; it wants: /],
  ["format", "xml", /--format wants json-lines, json, edn, log, found xml$/],
  ["nilReads", "x", /--nil-reads wants unknown or nothing, found x$/],
  ["failedCas", "x", /--failed-cas wants no-effect or mismatch, found x$/],
  ["consistencyModel", "x", /--consistency-model wants one of .*, found x$/],
  ["assume", "wfr-keys,x", /--assume wants wfr-keys, .*, found x$/],
  ["budgetTime", "0", /--budget-time wants seconds above 0, found 0$/],
  ["budgetMemory", "-1", /--budget-memory wants megabytes above 0, found -1$/],
  ["jobs", "x", /--jobs wants a count above 0, found x$/],
];

for (const [name, value, message] of USAGE) {
  test(`refused before anything is read: ${name} ${value}`, async () => {
    write("empty.js", "");
    const model = name === "model" ? value.replace("./", `${folder}/`) : "kv";
    try {
      await checkModelCommand(["a.edn"], { [name]: value, model }, SILENT, () => undefined);
    } catch (error) {
      assert.instance(error, UsageError);
      assert.match(String(error), message);
      return;
    }
    assert.unreachable("it was accepted");
  });
}

const NO_HISTORIES: readonly [string, string, RegExp][] = [
  ["half.edn", `[${GOOD}`, /^ordeal: half\.edn:7: the file ends inside its first bracket$/],
  ["deep.edn", `{:value ${"[".repeat(1e6)}`, /^ordeal: deep\.edn:1: nested deeper than 512$/],
  ["twice.edn", `${GOOD}${GOOD.split("\n")[1]}`, /^ordeal: twice\.edn:7: .*a second completion/],
  ["garbage.bin", "\u0000\u0001\u0002".repeat(1e6), /^ordeal: garbage\.bin: no op in its 1 lines$/],
  [
    "other.edn",
    GOOD.replaceAll(":write", ":launch"),
    /^ordeal: other\.edn:\d: a register knows read, write, not launch$/,
  ],
];

test("whatever is no history: one line for each, with file and line, and exit 254", async () => {
  for (const [name, content] of NO_HISTORIES) write(name, content);
  const paths = ["gone.edn", ...NO_HISTORIES.map(([name]) => name)];
  const { exitCode, stdout, stderr } = await check(...paths, "--model", "register");
  const lines = stderr.split("\n");
  assert.match(lines[0] ?? "", /^ordeal: gone\.edn: cannot be read: ENOENT/);
  for (const [index, [, , message]] of NO_HISTORIES.entries()) {
    assert.match(lines[index + 1] ?? "", message);
  }
  assert.is(lines.length, paths.length);
  assert.is(stdout, "");
  assert.is(exitCode, 254);
});

test.run();
