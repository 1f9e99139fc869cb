import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { historyFrom } from "./bank/notation.js";
import { simulate } from "./bank/simulate-bank.js";
import { HistoryError } from "./history-error.js";
import { NEVER, pairOperations } from "./operations.js";
import { LINE_CHARACTERS_MAX, parseHistory } from "./parse-history.js";
import { readHistory } from "./read-history.js";

const OPS = historyFrom(`
  p0 0-1 open A -> ok @1
  p1 2-9 deposit A 5 -> 5 @2
  p2 3-4 balance A -> 0 @1
`);
const LINES = OPS.map((op) => JSON.stringify(op));
const TEXT = `${LINES.join("\n")}\n`;

/** The error that reading must end with. */
function errorOf(run: () => unknown): HistoryError {
  try {
    run();
  } catch (error) {
    if (error instanceof HistoryError) return error;
    throw error;
  }
  throw new Error("it was read without an error");
}

function refuses(name: string, text: string, code: string, message: RegExp): void {
  test(`refused: ${name}`, () => {
    const error = errorOf(() => parseHistory(text, "h.jsonl"));
    assert.is(error.code, code);
    assert.match(error.message, message);
    assert.not.match(error.message, /\n/);
  });
}

/** TEXT with one line replaced. */
function withLine(line: number, by: string): string {
  return LINES.with(line - 1, by).join("\n");
}

function withFields(line: number, fields: Record<string, unknown>): string {
  return withLine(line, JSON.stringify({ ...OPS[line - 1], ...fields }));
}

test("what was written is read", () => {
  assert.equal(parseHistory(TEXT).ops, OPS);
  assert.is(parseHistory(TEXT).torn, undefined);
  const { history } = simulate({ operations: 200 });
  const text = history.map((op) => JSON.stringify(op)).join("\n");
  assert.equal(parseHistory(text).ops, history);
});

test("empty lines, and a last line without its newline, are no mistakes", () => {
  assert.equal(parseHistory(`\n${LINES.join("\n\n")}`).ops, OPS);
});

test("a torn last line is left out and reported", () => {
  for (const length of [1, 10, 60]) {
    const { ops, torn } = parseHistory(
      TEXT.slice(0, LINES.slice(0, 5).join("\n").length + 1 + length),
    );
    assert.equal(ops, OPS.slice(0, 5));
    assert.match(torn ?? "", /^history:6: the last line is torn and was left out: "/);
  }
});

refuses(
  "half a line in the middle",
  withLine(3, LINES[2]?.slice(0, 20) ?? ""),
  "history-malformed",
  /^h\.jsonl:3: not a line of JSON: "\{"index":2/,
);
refuses(
  "garbage",
  "\u0000\u0001PNG garbage\nmore",
  "history-malformed",
  /^h\.jsonl:1: not a line of JSON: "\?\?PNG garbage"/,
);
refuses(
  "garbage without a newline",
  "garbage",
  "history-malformed",
  /^h\.jsonl:1: not a line of JSON/,
);
refuses(
  "deep nesting",
  `${"[".repeat(200_000)}\n`,
  "history-malformed",
  /^h\.jsonl:1: not a line of JSON: "\[+…" \(200000 characters\)/,
);
refuses(
  "a line without end",
  `${LINES[0]}\n"${"x".repeat(LINE_CHARACTERS_MAX)}"\n`,
  "history-malformed",
  /^h\.jsonl:2: not a line of JSON/,
);
refuses("nothing", "", "history-empty", /^h\.jsonl: no op in it/);
refuses("only empty lines", "\n\n", "history-empty", /no op in it/);
refuses("a list", withLine(2, "[1,2]"), "history-bad-op", /^h\.jsonl:2: an op is an object, not/);
refuses("null", withLine(2, "null"), "history-bad-op", /^h\.jsonl:2: an op is an object/);
refuses(
  "a missing op",
  LINES.toSpliced(2, 1).join("\n"),
  "history-bad-op",
  /^h\.jsonl:3: index 3 where 2 comes next/,
);
refuses(
  "a type that is none",
  withFields(4, { type: "done" }),
  "history-bad-op",
  /^h\.jsonl:4: type must be/,
);
refuses(
  "a time that is none",
  withFields(4, { time: "now" }),
  "history-bad-op",
  /^h\.jsonl:4: time must be/,
);
refuses(
  "a process that is none",
  withFields(4, { process: "p1" }),
  "history-bad-op",
  /^h\.jsonl:4: process must be/,
);
refuses(
  "a function that is none",
  withFields(4, { f: 7 }),
  "history-bad-op",
  /^h\.jsonl:4: f must name/,
);
refuses(
  "a seq that is none",
  withFields(5, { seq: -1 }),
  "history-bad-op",
  /^h\.jsonl:5: seq must be/,
);
refuses(
  "an error that is none",
  withFields(5, { error: 5 }),
  "history-bad-op",
  /^h\.jsonl:5: error must be text/,
);
refuses(
  "a second completion of one operation",
  `${TEXT}${JSON.stringify({ ...OPS[5], index: 6 })}\n`,
  "history-inconsistent",
  /^h\.jsonl:7: process 1 completes deposit \(ok\), but has no operation open/,
);
refuses(
  "a completion without an invocation",
  withFields(2, { process: 9 }),
  "history-inconsistent",
  /^h\.jsonl:2: process 9 completes open \(ok\), but has no operation open/,
);
refuses(
  "two invocations of one process",
  withFields(4, { process: 1 }),
  "history-inconsistent",
  /^h\.jsonl:4: process 1 invokes balance while deposit is open/,
);
refuses(
  "a completion of something else",
  withFields(2, { f: "deposit" }),
  "history-inconsistent",
  /^h\.jsonl:2: process 0 completes deposit, but invoked open/,
);
refuses(
  "a completion before its invocation",
  withFields(6, { time: 1 }),
  "history-inconsistent",
  /^h\.jsonl:6: process 1 completes deposit before it invoked it/,
);

test("a file is read in pieces, and its errors name it", () => {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-history-"));
  try {
    const path = join(folder, "history.jsonl");
    // More than one piece, with characters of several bytes across their borders.
    const { history } = simulate({ operations: 6_000 });
    const named = history.map((op) => ({
      ...op,
      value: { ...Object(op.value), note: "žluťoučký 🐎" },
    }));
    writeFileSync(path, named.map((op) => `${JSON.stringify(op)}\n`).join(""));
    assert.equal(readHistory(path), named);

    const reports: string[] = [];
    writeFileSync(path, `${TEXT}{"index":6,"ti`);
    assert.equal(
      readHistory(path, (message) => reports.push(message)),
      OPS,
    );
    assert.is(reports.length, 1);
    assert.ok(reports[0]?.startsWith(`${path}:7: the last line is torn`));

    writeFileSync(path, "x".repeat(3 * LINE_CHARACTERS_MAX));
    assert.ok(errorOf(() => readHistory(path)).message.startsWith(`${path}:1: not a line of JSON`));

    const missing = errorOf(() => readHistory(join(folder, "none.jsonl")));
    assert.is(missing.code, "history-unreadable");
    assert.match(missing.message, /none\.jsonl: cannot be read: ENOENT/);
    assert.is(errorOf(() => readHistory(folder)).code, "history-unreadable");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("operations have windows in the order of time, whatever the order of lines", () => {
  // The deposit's invocation, at 2, stands behind the read, at 3 and 4.
  const swapped = [0, 1, 3, 4, 2, 5].flatMap((position) => OPS.slice(position, position + 1));
  const operations = pairOperations(swapped.map((op, index) => ({ ...op, index })));
  assert.equal(
    operations.map(({ f, outcome, call, ret, seq }) => [f, outcome, call, ret, seq]),
    [
      ["open", "ok", 0, 1, 1],
      ["deposit", "ok", 2, 5, 2],
      ["balance", "ok", 3, 4, 1],
    ],
  );
});

test("an operation without a completion, or with an info, never returns", () => {
  const operations = pairOperations(
    historyFrom(`
    p0 0-1 open A -> ?
    p1 2 open A -> ?
    p2 3-4 open A -> failed`),
  );
  assert.equal(
    operations.map(({ outcome, ret, completion }) => [outcome, ret, completion?.type]),
    [
      ["info", NEVER, "info"],
      ["info", NEVER, undefined],
      ["fail", 3, "fail"],
    ],
  );
});

test("the nemesis has no operations", () => {
  const op = {
    index: 0,
    time: 0,
    type: "info" as const,
    process: "nemesis" as const,
    f: "kill",
    value: 1,
  };
  assert.equal(pairOperations([op, op]), []);
});

test.run();
