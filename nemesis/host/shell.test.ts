import { suite } from "uvu";
import * as assert from "uvu/assert";
import { commandLine, localShell, must, prefixedShell, ShellError } from "./shell.js";

const test = suite("shell");
const shell = localShell();

async function failureOf(promise: Promise<unknown>): Promise<ShellError> {
  const error = await promise.then(
    () => new Error("the command did not fail"),
    (reason: unknown) => reason,
  );
  if (error instanceof ShellError) return error;
  throw error;
}

test("a command gets its stdin and gives exit code, stdout and stderr", async () => {
  const result = await shell.run(["sh", "-c", "cat; echo oops >&2; exit 3"], { stdin: "in\n" });
  assert.equal(result, { exitCode: 3, stdout: "in\n", stderr: "oops\n" });
});

test("a command that must succeed tells in one line what it was and what it said", async () => {
  const failure = await failureOf(
    must(shell, ["sh", "-c", "echo bad >&2; echo worse >&2; exit 4"]),
  );
  assert.is(failure.code, "exit-code");
  assert.is(
    failure.message,
    "sh -c 'echo bad >&2; echo worse >&2; exit 4': exit code 4: bad; worse",
  );
});

test("the deadline ends a command that does not end, and says so", async () => {
  const started = performance.now();
  const failure = await failureOf(shell.run(["sleep", "30"], { deadlineMs: 50 }));
  assert.is(failure.code, "deadline");
  assert.is(failure.message, "sleep 30: no end in 50 ms");
  assert.ok(performance.now() - started < 10_000);
});

test("a program that is not there, and one that a signal ends, are told apart", async () => {
  const absent = await failureOf(shell.run(["ordeal-no-such-program"]));
  assert.is(absent.code, "not-started");
  assert.match(absent.message, /could not be started: no such program/);
  const killed = await failureOf(shell.run(["sh", "-c", "kill -9 $$"]));
  assert.is(killed.code, "signal");
  assert.match(killed.message, /ended by SIGKILL/);
});

test("a prefix stands before the command", async () => {
  const prefixed = prefixedShell(shell, ["env", "ORDEAL_TEST=inside"]);
  const { stdout } = await must(prefixed, ["sh", "-c", "echo $ORDEAL_TEST"]);
  assert.is(stdout, "inside\n");
});

test("a command line is quoted where it must be", () => {
  assert.is(commandLine(["ip", "-n", "r0", "it's", ""]), "ip -n r0 'it'\\''s' ''");
});

test.run();
