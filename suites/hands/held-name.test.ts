import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "uvu";
import { waitUntil } from "../cluster/deadline.js";
import { holdName } from "./held-name.js";

const name = `test ${process.pid}`;

test("a name has one holder, until it gives it up", async () => {
  const release = await holdName(name);
  assert.ok(release);
  assert.equal(await holdName(name), undefined);
  const other = await holdName(`${name} other`);
  assert.ok(other);
  other();
  release();
  assert.ok(
    await waitUntil(async () => {
      const again = await holdName(name);
      again?.();
      return again !== undefined;
    }, 5_000),
  );
});

test("a name is free again when its holder is killed", async () => {
  const module = new URL("./held-name.js", import.meta.url).href;
  const script = `import { holdName } from ${JSON.stringify(module)};
    console.log((await holdName(${JSON.stringify(name)})) !== undefined);
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await once(holder.stdout, "data");
  assert.equal(String(said).trim(), "true");
  assert.equal(await holdName(name), undefined);
  holder.kill("SIGKILL");
  const free = await waitUntil(async () => {
    const release = await holdName(name);
    release?.();
    return release !== undefined;
  }, 5_000);
  assert.ok(free);
});

test.run();
