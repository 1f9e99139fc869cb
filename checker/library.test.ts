import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { test } from "uvu";
import * as assert from "uvu/assert";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

let folder = "";
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "ordeal-library-"));
});
test.after.each(() => rmSync(folder, { recursive: true }));

/** Prints every module that a program loads, one a line. */
const LOADER = `
export async function load(url, context, next) {
  const loaded = await next(url, context);
  process._rawDebug(url);
  return loaded;
}`;

test("the library is found by its name and loads nothing of Ordeal outside checker/", async () => {
  const loader = join(folder, "loader.mjs");
  writeFileSync(loader, LOADER);
  const program = `
    import { judgeHistory, parseHistory } from "ordeal/checker";
    const history = parseHistory('{:type :invoke :process 0 :f :read}', "h.edn");
    console.log(judgeHistory(history, "register")["valid?"]);`;
  const { stdout, stderr } = await execa(
    process.execPath,
    ["--no-warnings", "--experimental-loader", loader, "--input-type=module", "--eval", program],
    { cwd: ROOT }, // A package may import itself by its name.
  );
  assert.is(stdout, "true");
  const loaded = stderr.split("\n").filter((url) => url.startsWith("file:"));
  const files = loaded.map((url) => fileURLToPath(url)).filter((file) => file !== loader);
  assert.ok(files.length > 20, stderr);
  for (const file of files) {
    assert.ok(file.startsWith(resolve(ROOT, "dist/checker")), `${file} is loaded`);
  }
});

test("the example of a model judges", async () => {
  const { judgeHistory, parseHistory } = await import("./library.js");
  const example = join(ROOT, "checker/examples/counter.js");
  const { model } = await import(example);
  const history = (read: number) =>
    parseHistory(
      `0\t:invoke\t:add\t2\n1\t:invoke\t:read\tnil\n0\t:ok\t:add\t2\n1\t:ok\t:read\t${read}`,
      "h.log",
    );
  assert.is(judgeHistory(history(2), model)["valid?"], true);
  assert.is(judgeHistory(history(0), model)["valid?"], true);
  const verdict = judgeHistory(history(1), model);
  assert.is(verdict["valid?"], false);
  assert.match(verdict.checks["linearizable"]?.explanation?.join("\n") ?? "", /the counter is at/);
});

test("a model without a name is said to be none", async () => {
  const { judgeHistory, parseHistory } = await import("./library.js");
  const history = parseHistory("{:type :invoke :process 0 :f :read}", "h.edn");
  assert.throws(() => judgeHistory(history, "poem"), /no model is called poem/);
});

test.run();
