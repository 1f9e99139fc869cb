import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { buildMutants, PROJECT, patched, readSources } from "./build.js";
import { MUTANTS, type Mutant } from "./catalogue.js";

const catalogue = suite("known-bad builds");

catalogue("every mutant has its own id, and changes what it says and nothing else", () => {
  const sources = readSources(PROJECT);
  assert.is(new Set(MUTANTS.map(({ id }) => id)).size, MUTANTS.length);
  for (const mutant of MUTANTS) {
    const changed = [...patched(sources, mutant)].filter(([file, text]) => {
      return text !== sources.get(file);
    });
    const named = new Set(mutant.patches.map(({ file }) => file));
    assert.equal(new Set(changed.map(([file]) => file)), named, mutant.id);
  }
});

catalogue("every mutant compiles to a replica that can be run", () => {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-mutants-"));
  try {
    const builds = buildMutants(MUTANTS, folder);
    for (const { id } of MUTANTS) {
      const build = builds.get(id) ?? "";
      assert.ok(existsSync(join(build, "node", "runtime", "main.js")), id);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

catalogue("a patch whose text is gone, or is there twice, is refused by name", () => {
  const sources = new Map([["node/a.ts", "one two two"]]);
  const mutant = (find: string, file = "node/a.ts"): Mutant => {
    const [first] = MUTANTS;
    assert.ok(first !== undefined);
    return { ...first, id: "m", patches: [{ file, find, replace: "$&" }] };
  };
  assert.is(patched(sources, mutant("one")).get("node/a.ts"), "$& two two");
  assert.throws(() => patched(sources, mutant("three")), /mutant m: node\/a.ts has 0 of: three/);
  assert.throws(() => patched(sources, mutant("two")), /mutant m: node\/a.ts has 2 of: two/);
  assert.throws(() => patched(sources, mutant("one", "node/b.ts")), /there is no node\/b.ts/);
});

catalogue.run();
