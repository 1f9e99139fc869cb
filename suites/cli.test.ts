import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { test } from "uvu";
import * as assert from "uvu/assert";

const CLI = join(dirname(fileURLToPath(import.meta.url)), "cli.js");

let folder = "";
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "ordeal-cli-"));
});
test.after.each(() => rmSync(folder, { recursive: true }));

function ordeal(...args: string[]) {
  return execa(process.execPath, [CLI, ...args], {
    cwd: folder,
    reject: false,
    timeout: 30_000,
    stdin: "ignore",
  });
}

const USAGE: readonly [string[], RegExp][] = [
  [[], /^ordeal: name a command; see --help$/],
  [["fly"], /^ordeal: unknown command 'fly'; see --help$/],
  [["run"], /^ordeal: missing required argument 'suite'/],
  [["run", "thirds"], /^ordeal: no suite is called "thirds"; choose from: smoke/],
  [["run", "smoke", "--fast"], /^ordeal: unknown option '--fast'/],
  [["run", "smoke", "--replicas", "6"], /^ordeal: --replicas wants 3f\+1 replicas, found 6/],
  [["run", "smoke", "--env", "moon"], /^ordeal: no environment "moon"/],
  [
    ["run", "smoke", "--store", "/proc/store"],
    /^ordeal: the store \/proc\/store cannot be written/,
  ],
  [["run", "smoke", "--junit", "/proc/x.xml"], /^ordeal: --junit \/proc\/x.xml cannot be written/],
  [["run", "smoke", "--replica-build", "."], /^ordeal: --replica-build wants a build/],
  [["check", "nowhere"], /^ordeal: nowhere does not exist/],
  [["check", "bad.jsonl"], /^ordeal: bad.jsonl:2: .*not a line of JSON/],
  [["replay", "nowhere"], /^ordeal: nowhere does not exist/],
];

for (const [args, message] of USAGE) {
  test(`one line and exit 254: ordeal ${args.join(" ")}`, async () => {
    const line = '{"index":0,"time":1,"type":"invoke","process":0,"f":"balance","value":{}}';
    writeFileSync(join(folder, "bad.jsonl"), `${line}\nnonsense\n${line}\n`);
    const { exitCode, stderr, stdout } = await ordeal(...args);
    assert.match(stderr, message);
    assert.not.match(stderr, "\n");
    assert.is(stdout, "");
    assert.is(exitCode, 254);
  });
}

test("help is no error", async () => {
  const { exitCode, stdout } = await ordeal("--help");
  assert.is(exitCode, 0);
  for (const command of [
    "run",
    "list",
    "check",
    "clean",
    "doctor",
    "replay",
    "cluster",
    "client",
  ]) {
    assert.match(stdout, new RegExp(`^  ${command} `, "m"));
  }
});

test("list describes every suite", async () => {
  const { exitCode, stdout } = await ordeal("list");
  assert.is(exitCode, 0);
  for (const name of ["smoke", "primary-partition", "power-failure", "paper-table"]) {
    assert.match(stdout, new RegExp(`^${name}  \\(`, "m"));
  }
});

test("a history alone is checked: valid, invalid and unknown end differently", async () => {
  const op = (type: string, time: number, f: string, value: object, index: number) =>
    JSON.stringify({ index, time, type, process: 0, f, value });
  const write = (name: string, balances: readonly number[]) => {
    const lines = [
      op("invoke", 0, "open", { account: "a" }, 0),
      op("ok", 1, "open", { account: "a" }, 1),
    ];
    for (let deposit = 0; deposit < 12; deposit++) {
      const value = { account: "a", amount: 5 };
      const balance = 5 * (deposit + 1);
      const time = 10 * lines.length;
      lines.push(op("invoke", time, "deposit", value, lines.length));
      lines.push(op("ok", time + 1, "deposit", { ...value, balance }, lines.length));
    }
    for (const balance of balances) {
      const time = 10 * lines.length;
      lines.push(op("invoke", time, "balance", { account: "a" }, lines.length));
      lines.push(op("ok", time + 1, "balance", { account: "a", balance }, lines.length));
    }
    writeFileSync(join(folder, name), lines.map((line) => `${line}\n`).join(""));
  };
  write("valid.jsonl", Array(12).fill(60));
  write("invalid.jsonl", [...Array(12).fill(60), 55]);
  write("unknown.jsonl", []);
  assert.is((await ordeal("check", "valid.jsonl")).exitCode, 0);
  const invalid = await ordeal("check", "valid.jsonl", "invalid.jsonl", "unknown.jsonl");
  assert.is(invalid.exitCode, 1);
  assert.match(invalid.stdout, "INVALID  linearizable");
  assert.is((await ordeal("check", "unknown.jsonl", "valid.jsonl")).exitCode, 2);
});

test.run();
