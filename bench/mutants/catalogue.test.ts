import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileMutants, PROJECT, patched, readSources, typeProblems } from "./build.js";
import { MUTANTS } from "./catalogue.js";
import { FILES, type Mutant } from "./mutant.js";

const catalogue = suite("known-bad builds");

function inFolder<T>(action: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-mutants-"));
  try {
    return action(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function mutantOf(file: string, find: string, replace: string): Mutant {
  const [first] = MUTANTS;
  assert.ok(first !== undefined);
  return { ...first, id: "m", patches: [{ file, find, replace }] };
}

catalogue("every mutant has its own id, and changes what it says and nothing else", () => {
  const sources = readSources(PROJECT);
  assert.ok(MUTANTS.length >= 70);
  assert.is(new Set(MUTANTS.map(({ id }) => id)).size, MUTANTS.length);
  for (const mutant of MUTANTS) {
    const changed = patched(sources, mutant);
    assert.equal(
      new Set(changed.keys()),
      new Set(mutant.patches.map(({ file }) => file)),
      mutant.id,
    );
    for (const [file, text] of changed) assert.is.not(text, sources.get(file), mutant.id);
  }
});

catalogue("every mutant's types are right", () => {
  inFolder((folder) => assert.is(typeProblems(MUTANTS, folder), ""));
});

catalogue(
  "a mutant whose types are wrong would be noticed, in itself and against other files",
  () => {
    const change = "export function primaryOf(view: View, n: number): ReplicaId {";
    const own = mutantOf(FILES.quorum, change, `${change}\n  const wrong: string = n;`);
    assert.match(
      inFolder((folder) => typeProblems([own], folder)),
      /quorum.ts.*TS2322/,
    );
    const others = mutantOf(FILES.rejoin, "quorumOf(n)", "quorumOf(`${n}`)");
    assert.match(
      inFolder((folder) => typeProblems([others], folder)),
      /rejoin.ts.*TS2345/,
    );
  },
);

catalogue("a build is the clean one with the mutant's files in their places", () => {
  inFolder((folder) => {
    const buildOf = compileMutants([mutantOf(FILES.quorum, "view % n", "0 * view * n")], folder);
    const build = buildOf("m");
    const read = (root: string, file: string) => readFileSync(join(root, file), "utf8");
    assert.match(read(build, "node/core/quorum.js"), /0 \* view \* n/);
    const clean = join(PROJECT, "dist");
    assert.is(read(build, "node/core/slot.js"), read(clean, "node/core/slot.js"));
    assert.ok(existsSync(join(build, "node", "runtime", "main.js")));
    assert.not(existsSync(join(build, "node", "core", "quorum.test.js")));
  });
});

catalogue("a patch whose text is gone, or is there twice, is refused by name", () => {
  const sources = new Map([["node/a.ts", "one two two"]]);
  const mutant = (find: string, file = "node/a.ts") => mutantOf(file, find, "$&");
  assert.is(patched(sources, mutant("one")).get("node/a.ts"), "$& two two");
  assert.throws(() => patched(sources, mutant("three")), /mutant m: node\/a.ts has 0 of: three/);
  assert.throws(() => patched(sources, mutant("two")), /mutant m: node\/a.ts has 2 of: two/);
  assert.throws(() => patched(sources, mutant("one", "node/b.ts")), /there is no node\/b.ts/);
});

catalogue.run();
