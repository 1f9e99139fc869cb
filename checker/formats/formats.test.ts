// The formats that histories come in, and that what is no history ends with one line that says where.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { HistoryError } from "../history-error.js";
import { detectFormat, parseAnyHistory } from "./detect.js";

const JSON_OPS = [
  { process: 0, type: "invoke", f: "write", value: 3 },
  { process: 1, type: "invoke", f: "read", value: null },
  { process: 0, type: "ok", f: "write", value: 3 },
  { process: 1, type: "ok", f: "read", value: 3 },
];
const EDN = JSON_OPS.map(
  ({ process, type, f, value }) =>
    `{:process ${process}, :type :${type}, :f :${f}, :value ${value ?? "nil"}}`,
);
const LOG = JSON_OPS.map(
  ({ process, type, f, value }) =>
    `INFO  jepsen.util - ${process}\t:${type}\t:${f}\t${value ?? "nil"}`,
);
const LINES = JSON_OPS.map((op) => JSON.stringify(op));

const SAME: readonly [string, string][] = [
  ["a.jsonl", LINES.join("\n")],
  ["a.json", JSON.stringify(JSON_OPS)],
  ["b.json", JSON.stringify(JSON_OPS, null, 2)],
  ["a.edn", `[${EDN.join("\n ")}]`],
  ["b.edn", EDN.join("\n")],
  ["c.edn", `; a comment\n(${EDN.map((op) => `#jepsen.history.Op${op}`).join(" ")})`],
  ["a.txt", LOG.join("\n")],
  ["a.log", `2026-11-27 INFO other text\n${LOG.join("\nmore 1 :of it\n")}\n`],
  ["b.txt", EDN.join("\n")],
];

for (const [name, text] of SAME) {
  test(`${name}: the same four ops, in order, paired`, () => {
    const { ops, operations, order } = parseAnyHistory(text, name);
    assert.equal(
      ops.map(({ process, type, f, value }) => ({ process, type, f, value })),
      JSON_OPS,
    );
    assert.is(order, "position");
    assert.equal(
      operations.map(({ f, call, ret, outcome }) => [f, call, ret, outcome]),
      [
        ["write", 0, 2, "ok"],
        ["read", 1, 3, "ok"],
      ],
    );
  });
}

test("where content does not say the format, the name does, and a log is the last resort", () => {
  assert.is(detectFormat("", "x.edn"), "edn");
  assert.is(detectFormat("garbage", "x.jsonl.gz"), "json-lines");
  assert.is(detectFormat("garbage", "x.json"), "json");
  assert.is(detectFormat("INFO x", "x.txt"), "log");
});

test("the order of the file decides, also where times are equal or missing", () => {
  const text = EDN.map((op) => op.replace("}", ", :time 0}")).join("\n");
  const { operations } = parseAnyHistory(text, "x.edn");
  assert.equal(
    operations.map(({ call, ret }) => [call, ret]),
    [
      [0, 2],
      [1, 3],
    ],
  );
});

test("a log's time-out is not known, whatever was logged; a read that failed is no matter", () => {
  const log = [
    "0\t:invoke\t:cas\t[1 2]",
    "0\t:info\t:cas\t:timed-out",
    "1\t:invoke\t:write\t4",
    "1\t:fail\t:write\t:timed-out",
    "2\t:invoke\t:read\tnil",
    "2\t:fail\t:read\t:timed-out",
    ":nemesis\t:info\t:start\tnil",
    "3\t:invoke\t:cas\t[1 2]",
    "3\t:fail\t:cas\t[1 2]",
  ];
  const { operations, ops } = parseAnyHistory(log.join("\n"), "x.log");
  assert.equal(
    operations.map(({ f, value, outcome }) => [f, value, outcome]),
    [
      ["cas", [1, 2], "info"],
      ["write", 4, "info"],
      ["read", null, "fail"],
      ["cas", [1, 2], "fail"],
    ],
  );
  assert.is(ops[1]?.error, "timed-out");
  assert.is(ops[6]?.process, "nemesis");
});

test("a key beside the value belongs to it; Elle's examples by hand need neither f nor process", () => {
  const kv = parseAnyHistory('{:process 0, :type :invoke, :f :put, :key "7", :value "x"}', "x.txt");
  assert.equal(kv.ops[0]?.value, ["7", "x"]);
  const elle = parseAnyHistory("{:index 5 :type :invoke :value [[:append 1 2]]}", "x.edn");
  assert.equal(elle.operations[0]?.value, [["append", 1, 2]]);
  assert.is(elle.operations[0]?.f, "txn");
});

const OPEN = EDN[0];
const DONE = EDN[2];
const REFUSED: readonly [string, string, string, RegExp][] = [
  ["an empty file", "x.edn", "", /^x\.edn: no op in it$/],
  ["an empty array", "x.json", "[]", /^x\.json: no op in it$/],
  ["a log without ops", "x.log", "nothing\nhere\n", /^x\.log: no op in its 3 lines$/],
  ["half a vector", "x.edn", `[${OPEN}\n${DONE}`, /^x\.edn:2: the file ends inside/],
  ["half an array", "x.json", `[${LINES[0]},\n${LINES[1]}`, /^x\.json:2: the file ends inside/],
  ["half an element", "x.json", `[${LINES[0]},\n{"ty]`, /^x\.json:2: the file ends inside/],
  ["an element that is none", "x.json", `[${LINES[0]},\nxyz]`, /^x\.json:2: not JSON: "xyz"$/],
  ["two arrays", "x.json", `[${LINES[0]}]\n[1]`, /^x\.json:2: text behind the array/],
  ["text behind", "x.json", `[${LINES[0]}]\nx`, /^x\.json:2: text behind the array: /],
  ["a number", "x.edn", `[${OPEN} 5]`, /^x\.edn:1: an op is an object, not "5"$/],
  ["a type that is none", "x.edn", "{:type :done}", /^x\.edn:1: type must be/],
  ["a negative process", "x.edn", "{:type :ok :f :x :process -1}", /^x\.edn:1: process must/],
  ["a second completion", "x.edn", `${OPEN}\n${DONE}\n${DONE}`, /^x\.edn:3: .*no operation open/],
  ["no invocation", "x.log", LOG[2] ?? "", /^x\.log:1: .*a second completion, or none invoked$/],
  ["deep JSON", "x.json", `[${"[".repeat(2_000)}`, /^x\.json:1: the file ends inside the array$/],
  [
    "deep JSON that is whole",
    "x.json",
    `[${"[".repeat(2_000)}${"]".repeat(2_000)}]`,
    /^x\.json:1: not JSON: "\[+…" \(4000 characters\)$/,
  ],
];

for (const [what, name, text, message] of REFUSED) {
  test(`refused: ${what}`, () => {
    try {
      parseAnyHistory(text, name);
    } catch (error) {
      assert.instance(error, HistoryError);
      if (error instanceof HistoryError) assert.match(error.message, message);
      return;
    }
    assert.unreachable("it was read without an error");
  });
}

test.run();
