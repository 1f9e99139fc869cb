// Usual lines of JSON, read the short way, are what JSON.parse makes of them; the rest is left to it.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { drawing } from "../exact/testing/random-history.js";
import { type Origin, toOp } from "./op.js";
import { UsualLine } from "./usual-line.js";

function usual(line: string, position = 0, origin: Origin = "elsewhere") {
  const text = `before ${line} behind`;
  return new UsualLine(origin).read(text, 7, 7 + line.length, position);
}

/** By the slow way; undefined where the line is no op. */
function slow(line: string, position: number, origin: Origin) {
  try {
    const op = toOp(JSON.parse(line), position, origin);
    return typeof op === "string" ? undefined : op;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const LINES = [
  '{"process":0,"type":"invoke","f":"write","value":3}',
  '{"index":4,"time":17,"type":"ok","process":12,"f":"read","value":null}',
  '{"type":"ok","process":1,"f":"cas","value":[1,[2,"a]"]]}',
  '{"type":"info","process":1,"f":"move","value":{"from":"a","to":"b","amount":12},"node":"c0","client":3}',
  '{"index":4,"time":2,"process":6,"f":"open","node":"c0","client":167,"timestamp":1,"type":"fail","value":{"a":"}"},"seq":1}',
  '{"type":"invoke","process":1,"f":"read"}',
  '{"type":"invoke","process":1,"f":"read","value":"text"}',
];

test("usual lines are read, and as JSON.parse reads them", () => {
  for (const line of LINES) {
    const read = usual(line, 4);
    assert.ok(read !== undefined, line);
    assert.equal(read, slow(line, 4, "elsewhere"));
  }
});

const UNUSUAL = [
  "",
  "{}",
  "[1]",
  '{"type":"ok","process":1,"f":"read","value":1.5}',
  '{"type":"ok","process":1,"f":"read","value":01}',
  '{"type":"ok","process":01,"f":"read","value":1}',
  '{"type":"ok","process":-1,"f":"read","value":1}',
  '{"type":"ok","process":12345678901234567,"f":"read","value":1}',
  '{"type":"ok","process":1,"f":"re\\"ad","value":1}',
  '{"type":"ok","process":1,"f":"read","value":true}',
  '{"type":"ok","process":1,"f":"read","value":[1,]}',
  '{"type":"ok","process":1,"f":"read","value":[1}',
  '{"type":"ok","process":1,"f":"read","value":1,"value":2}',
  '{"type":"ok","process":1,"f":"read","value":1}}',
  '{"type":"ok","process":1,"f":"read","value":1',
  '{"type":"ok" ,"process":1,"f":"read","value":1}',
  '{"type":"done","process":1,"f":"read","value":1}',
  '{"type":"ok","process":"nemesis","f":"read","value":1}',
  '{"type":"ok","process":1,"f":"read","extra":1}',
  '{"type":"ok","process":1,"f":":read","value":1}',
  `{"type":"ok","process":1,"f":"read","value":[${"1,".repeat(600)}1]}`,
];

for (const line of UNUSUAL) {
  test(`left to the slow way: ${line.slice(0, 60)}`, () => assert.is(usual(line), undefined));
}

test("a run of our own numbers and times its ops, or the slow way says what is wrong", () => {
  const line = (index: number) => `{"index":${index},"time":1,"type":"ok","process":0,"f":"x"}`;
  assert.equal(usual(line(3), 3, "ordeal"), slow(line(3), 3, "ordeal"));
  assert.is(usual(line(3), 2, "ordeal"), undefined);
  assert.is(usual(LINES[0] ?? "", 0, "ordeal"), undefined);
});

test("of lines with random changes, none is read otherwise than by the slow way", () => {
  const draw = drawing(7);
  let read = 0;
  for (let run = 0; run < 20_000; run += 1) {
    const line = LINES[draw(LINES.length)] ?? "";
    const at = draw(line.length);
    const by = ['"', ",", ":", "{", "}", "[", "]", "\\", "0", "9", "-", "a", " ", "", "\n"][
      draw(15)
    ];
    const changed = `${line.slice(0, at)}${by}${line.slice(at + draw(2))}`;
    const found = usual(changed, 4);
    if (found === undefined) continue;
    read += 1;
    assert.equal(found, slow(changed, 4, "elsewhere"), changed);
  }
  assert.ok(read > 2_000, `only ${read} were read`);
});

test.run();
