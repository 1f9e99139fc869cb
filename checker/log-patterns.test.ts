import { test } from "uvu";
import * as assert from "uvu/assert";
import { logPatterns, mergeScans, scanLog } from "./log-patterns.js";
import type { FaultSpan } from "./run-record.js";

const CLEAN = [
  '{"event":"started","node":"r0","logTorn":false}',
  '{"event":"ignored","counts":{"datagram/corrupt":8,"request/assert":1}}',
  '{"event":"exit","code":0,"reason":"SIGTERM"}',
];

const DAMAGE: FaultSpan = {
  id: "f0",
  label: "disk-damage bit-flip → r1",
  start: 0,
  landed: true,
  evidence: "a bit was flipped",
};

function rejects(claim: string, line: string, mention: RegExp): void {
  test(`rejected: ${claim}`, () => {
    const { valid, summary } = logPatterns(scanLog("r1/stderr.txt", [...CLEAN, line]), []);
    assert.is(valid, false);
    assert.match(summary, mention);
  });
}

test("accepted: what peers sent is no failure", () => {
  const { valid, summary, figures } = logPatterns(scanLog("r0/log.jsonl", CLEAN), []);
  assert.is(valid, true);
  assert.is(summary, "3 lines of 1 log tell of no failure");
  assert.equal(figures, { logs: 1, lines: 3, matches: 0 });
});

rejects(
  "a failed assertion",
  '{"event":"exit","code":255,"reason":"assertion failed: seq 3 applied after 1"}',
  /^1 line tell of a failure; first r1\/stderr\.txt:4: assertion: exit: assertion failed: seq 3/,
);
rejects(
  "an assertion in plain text",
  "AssertionError: slot 5",
  /assertion: AssertionError: slot 5/,
);
rejects("a torn line that tells of one", '{"event":"exit","reason":"assertion fai', /assertion/);
rejects("a panic", "panic: runtime error", /panic: panic: runtime error/);
rejects("a crash", "crashed: x is not a function", /panic: crashed: x is not/);
rejects("an error that nobody caught", "Unhandled rejection", /panic/);
rejects("no memory left", "FATAL ERROR: heap out of memory", /memory/);
rejects("a damaged log", "protocol.log is no log of this version: corrupt", /damage/);
rejects("a damaged database", "SqliteError: database disk image is malformed", /damage/);
rejects("a state that diverged", '{"event":"diverged","seq":64}', /divergence: diverged/);

test("accepted: a replica that says its disk was damaged, where a fault did that", () => {
  const scan = scanLog("r1/stderr.txt", ["group 3 at byte 96 is damaged, and later ones are not"]);
  assert.is(logPatterns(scan, [DAMAGE]).valid, true);
  assert.is(logPatterns(scan, [{ ...DAMAGE, label: "kill one → r1" }]).valid, false);
  assert.is(logPatterns(scan, [{ ...DAMAGE, nodes: ["r1"] }]).valid, true);
  assert.is(logPatterns(scan, [{ ...DAMAGE, nodes: ["r2"] }]).valid, false);
  const diverged = scanLog("r1/log.jsonl", ['{"event":"diverged","seq":64}']);
  assert.is(logPatterns(diverged, [DAMAGE]).valid, true);
  assert.is(logPatterns(diverged, [{ ...DAMAGE, label: "disk full one → r1" }]).valid, false);
  const assertion = scanLog("r1/stderr.txt", ["assertion failed: seq 3"]);
  assert.is(logPatterns(assertion, [DAMAGE]).valid, false);
});

test("accepted: a replica that says it has no memory, where a fault took it", () => {
  const scan = scanLog("r1/stderr.txt", [
    "FATAL ERROR: Committing semi space failed. Allocation failed - JavaScript heap out of memory",
  ]);
  assert.is(
    logPatterns(scan, [{ ...DAMAGE, label: "memory one → r1", nodes: ["r1"] }]).valid,
    true,
  );
  assert.is(
    logPatterns(scan, [{ ...DAMAGE, label: "memory one → r2", nodes: ["r2"] }]).valid,
    false,
  );
  assert.is(logPatterns(scan, [DAMAGE]).valid, false);
});

test("scans of several logs are judged together; none at all is unknown", () => {
  const scan = mergeScans([scanLog("r0/log.jsonl", CLEAN), scanLog("r1/log.jsonl", ["panic"])]);
  assert.equal([scan.sources, scan.lines, scan.matches.length], [2, 4, 1]);
  assert.is(logPatterns(mergeScans([]), []).valid, "unknown");
});

test.run();
