import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readCase } from "../../suites/sim/case-file.js";
import { loadNodeBuild } from "../../suites/sim/load-build.js";
import { simulate } from "../../suites/sim/simulate.js";
import { compileMutants, PROJECT } from "./build.js";
import { MUTANTS } from "./catalogue.js";

const FOLDER = join(PROJECT, "bench", "mutants", "examples");

const examples = suite("shrunk examples of known-bad builds");

examples("each still fails the check that it was kept for, and only with its mutant", async () => {
  const ids = readdirSync(FOLDER)
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length));
  assert.ok(ids.length >= 3, `${ids.length} examples`);
  const mutants = MUTANTS.filter(({ id }) => ids.includes(id));
  assert.is(mutants.length, ids.length);
  const clean = await loadNodeBuild(join(PROJECT, "dist"));
  const folder = mkdtempSync(join(tmpdir(), "ordeal-examples-"));
  try {
    const buildOf = compileMutants(mutants, folder);
    for (const { id } of mutants) {
      const { fails, scenario } = readCase(join(FOLDER, `${id}.json`));
      const { failed } = simulate(await loadNodeBuild(buildOf(id)), scenario);
      assert.ok(failed.includes(fails), `${id}: ${fails}, found ${failed.join(", ") || "nothing"}`);
      assert.equal(simulate(clean, scenario).failed, [], `the clean build in ${id}.json`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

examples.run();
