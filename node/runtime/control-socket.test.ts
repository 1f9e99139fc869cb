import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openControlSocket } from "./control-socket.js";

const directory = mkdtempSync(join(tmpdir(), "ordeal-control-"));
const path = join(directory, "r0.sock");
test.after(() => rmSync(directory, { recursive: true }));

function echo(question: ReadonlyMap<string, unknown>): unknown {
  if (question.get("op") !== "echo") throw new Error("want op: echo");
  return { said: question.get("text") };
}

function asked(text: string): Promise<string> {
  return new Promise((done, failed) => {
    const connection = createConnection(path);
    let answer = "";
    connection.on("data", (chunk) => {
      answer += chunk;
    });
    connection.on("error", failed);
    connection.on("close", () => done(answer));
    connection.end(text);
  });
}

test("each line gets one answer, in order, and a bad one says what is wrong", async () => {
  const control = await openControlSocket(path, echo);
  const answers = await asked('{"op":"echo","text":1}\nnonsense\n[]\n{"op":"x"}\n{"op":"echo"}');
  await control.close();
  const lines = answers.split("\n");
  assert.is(lines[0], '{"said":1}');
  assert.match(lines[1] ?? "", /^\{"error":".*JSON/);
  assert.is(lines[2], '{"error":"want an object"}');
  assert.is(lines[3], '{"error":"want op: echo"}');
  assert.is(lines[4], "{}", "an unfinished last line counts");
  assert.is(lines.length, 6);
});

test("a socket that a killed process left is replaced, a live one is not", async () => {
  const listener = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  assert.is(spawnSync(process.execPath, ["-e", listener]).signal, "SIGKILL");
  const control = await openControlSocket(path, echo);
  const second = await openControlSocket(path, echo).then(
    () => "opened",
    (error: Error) => error.message,
  );
  assert.match(second, /^--control: another process answers on /);
  assert.is(await asked('{"op":"echo","text":2}\n'), '{"said":2}\n');
  await control.close();
});

test("a path that fits into no socket, or into no directory, is refused in one line", async () => {
  const refused = (where: string) =>
    openControlSocket(where, echo).then(
      () => "opened",
      (error: Error) => error.message,
    );
  const long = join(directory, "x".repeat(120));
  assert.match(await refused(long), /^--control: a socket's path has at most 107 bytes, found /);
  assert.match(await refused(join(directory, "no", "r0.sock")), /^--control: .*(ENOENT|EACCES)/);
});

test.run();
