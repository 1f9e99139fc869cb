import assert from "node:assert/strict";
import { test } from "uvu";
import { localShell, must } from "../../nemesis/host/shell.js";
import { modprobeWrapper, umlInit } from "./uml-init.js";

const NASTY = 'it\'s $HOME "and" `more`\nof it';

function script(command: readonly string[], variables: Record<string, string> = {}): string {
  return umlInit({ command, variables, folder: "/tmp", modprobe: "/x/modprobe" });
}

test("the first process's script is one that a shell can read", async () => {
  await must(localShell(), ["sh", "-n"], { stdin: script(["node", NASTY], { A: NASTY }) });
});

test("variables arrive as they are; names that no shell takes are left out", async () => {
  const text = script(["true"], { NASTY, "BASH_FUNC_x%%": "() { :; }" });
  const exports = text.slice(0, text.indexOf("mount "));
  const { stdout } = await must(localShell(), ["sh"], {
    stdin: `${exports}\nprintf %s "$NASTY"`,
  });
  assert.equal(stdout, NASTY);
  assert.doesNotMatch(text, /BASH_FUNC/);
});

test("the program's words arrive as they are", async () => {
  const text = script(["printf", "%s|", NASTY, "", "-n"]);
  const command = /'printf'[\s\S]*(?= <\/dev\/null >\/run)/.exec(text)?.[0] ?? "";
  const { stdout } = await must(localShell(), ["sh"], { stdin: command });
  assert.equal(stdout, `${NASTY}||-n|`);
});

test("files are written back before the exit code is told, and that before the power goes", () => {
  const text = script(["true"]);
  const order = ["wait $program", "\nsync", "exit $code", "sysrq-trigger"].map((word) =>
    text.indexOf(word),
  );
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  assert.ok(order.every((at) => at > 0));
});

test("modules are looked for where they were put", () => {
  const parts = { kernel: "/k", modules: "/m", modprobe: "/sbin/modprobe" };
  assert.equal(
    modprobeWrapper(parts, "/tmp/ordeal-1"),
    `#!/bin/sh\nexec '/sbin/modprobe' -d '/tmp/ordeal-1' "$@"\n`,
  );
});

test.run();
