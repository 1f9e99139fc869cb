import { tmpdir } from "node:os";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { localShell, type Shell, ShellError } from "./shell.js";
import { openShells, type ShellPlace } from "./standing-shells.js";

const test = suite("standing-shell");
const open = (place: ShellPlace) =>
  openShells({ shells: new Map([["one", place]]), under: tmpdir() });

async function withShell(
  body: (shell: Shell, close: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const { shellOf, close } = await open({ prefix: [] });
  try {
    await body(shellOf("one"), close);
  } finally {
    await close();
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

test("what has no end is killed at its deadline, and the shell with it", () =>
  withShell(async (shell) => {
    const late = await failure(shell.run(["sleep", "600"], { deadlineMs: 50 }));
    assert.is(late.code, "deadline");
    assert.match(late.message, /^sleep 600: no end in 50 ms/);
    const next = await failure(shell.run(["echo", "on"]));
    assert.match(next.message, "its shell was killed, as a command had no end");
  }));

test("a missing program, a shell that dies and a closed one are told apart", async () => {
  await withShell(async (shell, close) => {
    const missing = await failure(shell.run(["no-such-program-here"]));
    assert.is(missing.code, "not-started");
    assert.match(missing.message, /^no-such-program-here: could not be started: no such program/);
    await close();
    assert.match((await failure(shell.run(["true"]))).message, "its shell is closed");
  });
  await withShell(async (shell) => {
    const died = await failure(shell.run(["sh", "-c", "kill -9 $PPID"]));
    assert.is(died.code, "signal");
    assert.match(died.message, /its shell ended \(SIGTERM one: exit code 137\)/);
  });
});

test("a prefix that leads nowhere and a script that fails are told with what they said", async () => {
  const asked = async (place: ShellPlace) => {
    const { shellOf, close } = await open(place);
    const error = await failure(shellOf("one").run(["true"]));
    await close();
    return error.message;
  };
  const lost = await asked({ prefix: ["nsenter", "--net=/nowhere/at/all"] });
  assert.match(lost, /its shell ended \(SIGTERM one: exit code 1\).*nowhere/);
  const first = await asked({ prefix: [], first: "echo of no use >&2; exit 3" });
  assert.match(first, /its shell ended \(SIGTERM one: exit code 3\): of no use/);
  const before = await failure(
    openShells({ shells: new Map([["one", { prefix: [] }]]), under: tmpdir(), before: "exit 4" }),
  );
  assert.match(before.message, /its shell ended \(4\)/);
});

test.run();
