import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";

const EXIT = new URL("exit.js", import.meta.url).href;
const ERRORS = new URL("ordeal-error.js", import.meta.url).href;

/** Runs `runMain` in a process whose main has this body; its report goes to stdout. */
function ended(body: string) {
  const program = `
    import assert from "node:assert";
    import { runMain } from ${JSON.stringify(EXIT)};
    import { OrdealError } from ${JSON.stringify(ERRORS)};
    setInterval(() => undefined, 1000);
    runMain(async () => { ${body} }, ({ code, reason }) => console.log(code + " " + reason));
  `;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", program],
    { encoding: "utf8" },
  );
  return { status, report: stdout.trimEnd(), stderr };
}

test("a clean end is 0 and says why in the report only", () => {
  assert.equal(ended('return "SIGTERM";'), { status: 0, report: "0 SIGTERM", stderr: "" });
});

test("what the user did wrong is one line and 254, what the disk did is one line and 253", () => {
  assert.equal(ended('throw new OrdealError("usage", "bad\\nflag");'), {
    status: 254,
    report: "254 bad; flag",
    stderr: "bad; flag\n",
  });
  assert.is(ended('throw new OrdealError("disk-full", "full");').status, 253);
  assert.is(ended('throw new OrdealError("socket", "gone");').status, 255);
  const full =
    'throw Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });';
  assert.equal(ended(full), {
    status: 253,
    report: "253 the ledger cannot be written: SQLITE_FULL: database or disk is full",
    stderr: "the ledger cannot be written: SQLITE_FULL: database or disk is full\n",
  });
});

test("a failed assertion ends the process with 255 and its stack, wherever it is thrown", () => {
  for (const body of [
    'assert(1 > 2, "slot 7: proposed twice");',
    'setImmediate(() => assert(1 > 2, "slot 7: proposed twice")); await new Promise(() => undefined);',
    'void Promise.reject(new assert.AssertionError({ message: "slot 7: proposed twice" })); await new Promise(() => undefined);',
  ]) {
    const { status, report, stderr } = ended(body);
    assert.is(status, 255);
    assert.is(report, "255 assertion failed: slot 7: proposed twice");
    assert.match(stderr, /^assertion failed: slot 7: proposed twice\n.*AssertionError.*\n {4}at /s);
  }
});

test("any other error is a crash", () => {
  assert.is(
    ended('throw new TypeError("x is not a function");').report,
    "255 crashed: x is not a function",
  );
});

test.run();
