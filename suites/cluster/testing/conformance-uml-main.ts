// What a User-Mode Linux must pass through, and the conformance suite in it. It takes minutes, and so
// stands beside the other tests:
//   node dist/suites/cluster/testing/conformance-uml-main.js

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { slowedProtocol, slownessOf } from "../../slowness.js";
import { chooseEnvironment } from "../choose.js";
import { waitUntil } from "../deadline.js";
import { createNetns } from "../netns.js";
import { enterUml } from "../uml.js";
import type { UmlParts } from "../uml-init.js";
import { runConformance } from "./conformance.js";
import { orSkip } from "./conformance-lab.js";
import { namesAndDevices } from "./leftovers.js";

const BOOT_MS_MAX = 180_000;
const LINE_CHARS = 9_000;

/** Says where it is and what it was told, then waits for a signal. */
const INNER = `
  process.on("SIGINT", () => process.exit(7));
  console.log(JSON.stringify([process.argv.slice(2), process.stdout.isTTY ?? false]));
  console.log("x".repeat(${LINE_CHARS}));
  console.error("to stderr");
  setInterval(() => {}, 1000);
`;

await orSkip("uml", async () => {
  const choice = await chooseEnvironment({ requested: "uml" });
  if (choice.name !== "uml") throw new Error(`chose ${choice.name}`);
  if ("parts" in choice) {
    await passesThrough(choice.parts);
    console.log("words, output, signals and the exit code pass through");
    process.exitCode = await enterUml([fileURLToPath(import.meta.url)], choice.parts);
    return;
  }
  const { sandbox, found } = choice;
  runConformance({
    name: "uml",
    create: (options) => {
      const protocol = slowedProtocol(options.protocol, slownessOf("uml"));
      return createNetns({ ...options, protocol }, sandbox, { found });
    },
    leftovers: namesAndDevices,
  });
});

async function passesThrough(parts: UmlParts): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-test-"));
  const words = ["two words", "it's", ""];
  const module = new URL("../uml.js", import.meta.url).href;
  writeFileSync(join(folder, "inner.mjs"), INNER);
  writeFileSync(
    join(folder, "outer.mjs"),
    `import { enterUml } from ${JSON.stringify(module)};
     process.exit(await enterUml(process.argv.slice(2), ${JSON.stringify(parts)}));`,
  );
  const outer = spawn(
    process.execPath,
    [join(folder, "outer.mjs"), join(folder, "inner.mjs"), ...words],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, TMPDIR: folder } },
  );
  const [errors, exited] = [text(outer.stderr), once(outer, "exit")];
  let said = "";
  outer.stdout.on("data", (chunk) => {
    said += chunk;
  });
  assert.ok(await waitUntil(() => said.length > LINE_CHARS, BOOT_MS_MAX), `it said ${said}`);
  outer.kill("SIGINT");
  assert.equal((await exited)[0], 7);
  assert.equal(said, `${JSON.stringify([words, false])}\n${"x".repeat(LINE_CHARS)}\n`);
  assert.equal(await errors, "to stderr\n");
  rmSync(folder, { recursive: true });
}
