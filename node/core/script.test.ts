import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { runScript } from "./testing/script.js";

// The scripts stand beside the sources; this file runs from dist/. UPDATE=1 rewrites them.
const directory = new URL("../../../node/core/testdata/", import.meta.url);
const { UPDATE } = process.env;

for (const name of readdirSync(directory).sort()) {
  test(`the script ${name} comes out as written`, () => {
    const file = new URL(name, directory);
    const text = readFileSync(file, "utf8");
    const result = runScript(text);
    if (UPDATE === "1") writeFileSync(file, result);
    else assert.fixture(result, text);
  });
}

test.run();
