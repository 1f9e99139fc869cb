import { test } from "uvu";
import * as assert from "uvu/assert";
import { HistoryError } from "../history-error.js";
import { EdnReader, readForm } from "./edn.js";

function formsOf(text: string, pieceCharacters = text.length): { form: unknown; line: number }[] {
  const forms: { form: unknown; line: number }[] = [];
  const reader = new EdnReader("h.edn", (form, line) => forms.push({ form, line }));
  for (let at = 0; at < text.length; at += pieceCharacters) {
    reader.write(text.slice(at, at + pieceCharacters));
  }
  reader.finish();
  return forms;
}

function messageOf(text: string): string {
  try {
    formsOf(text);
  } catch (error) {
    if (error instanceof HistoryError) return error.message;
    throw error;
  }
  return "";
}

/** Maps have no prototype; this makes them equal to literals. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

const READ: readonly [string, unknown][] = [
  ["nil", null],
  ["true", true],
  ["-17", -17],
  ["1.5e3", 1500],
  ["42N", 42],
  [":append", "append"],
  [":jepsen/op", "jepsen/op"],
  ['"a \\"b\\" \\n \\u00e9 \\\\"', 'a "b" \n é \\'],
  ["\\a", "a"],
  ["\\newline", "\n"],
  ["[1, 2 [3]]", [1, 2, [3]]],
  ["(1 2)", [1, 2]],
  ["#{1 2}", [1, 2]],
  ['{:a 1, "b" {3 nil}}', { a: 1, b: { 3: null } }],
  ['#inst "2026-01-01"', "2026-01-01"],
  ["#jepsen.history.Op{:index 0}", { index: 0 }],
  ["[1 #_ 2 #_ [3 #_ 4] 5]", [1, 5]],
  ["[1 ; two\n 3]", [1, 3]],
  ["##Inf", "##Inf"],
  ["9007199254740993", "9007199254740993"],
  ["1/3", "1/3"],
];

for (const [text, value] of READ) {
  test(`read: ${text}`, () => assert.equal(plain(readForm(text, "x", 1)), value));
}

test("pieces of any length give the same forms on the same lines", () => {
  const text = '; first\n[{:type :ok, :value "two\nlines"}\n #tag {:a #{1}}\n\n :last]\n';
  const whole = formsOf(text);
  assert.equal(
    whole.map(({ line }) => line),
    [2, 4, 6],
  );
  for (let length = 1; length < 20; length += 1) assert.equal(formsOf(text, length), whole);
});

test("a stream of maps and one vector of them are the same history", () => {
  assert.equal(
    formsOf("{:a 1}\n{:b [2]}").map(({ form }) => form),
    formsOf("[{:a 1}\n{:b [2]}]").map(({ form }) => form),
  );
});

const REFUSED: readonly [string, RegExp][] = [
  ["[{:a 1}\n{:b", /^h\.edn:2: the file ends inside the \{ of line 2$/],
  ["[{:a 1}\n", /^h\.edn:2: the file ends inside its first bracket$/],
  ["[{:a 1}]\n{:b 2}", /^h\.edn:2: more text behind the end/],
  ["{:a [1}", /^h\.edn:1: \} closes \[$/],
  ["}", /^h\.edn:1: \} closes nothing$/],
  ["{:a}", /^h\.edn:1: a map with a key that has no value$/],
  [`{:a ${"[".repeat(100_000)}`, /^h\.edn:1: nested deeper than 512$/],
  [`\n${"x".repeat((1 << 20) + 2)}`, /^h\.edn:2: a word without an end$/],
  ['{:a "no end', /^h\.edn:1: the file ends inside/],
];

for (const [text, message] of REFUSED) {
  test(`refused: ${JSON.stringify(text.slice(0, 20))}`, () =>
    assert.match(messageOf(text), message));
}

test.run();
