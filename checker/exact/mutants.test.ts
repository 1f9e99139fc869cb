// The tests tested: with one rule of the search or of a model broken in the compiled checker, the
// histories of the models tell.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const COMPILED = fileURLToPath(new URL("../", import.meta.url));

/** What is broken, in which file, what stands there and what takes its place. */
const MUTANTS: readonly [string, string, string, string][] = [
  [
    "a write is placed at once where it changes nothing now",
    "exact/search.js",
    "readOnly[like] === 1 && this.#automaton.next(this.#state, like) !== ILLEGAL",
    "this.#automaton.next(this.#state, like) === this.#state",
  ],
  ["real time is forgotten", "exact/search.js", "int(this.#problem.call, op) >= limit", "false"],
  [
    "what may have happened never did",
    "exact/search.js",
    "this.#cursor = int(this.#next, this.#count + 1);",
    "this.#cursor = this.#count;",
  ],
  ["only the deadline's operation is tried", "exact/search.js", "if (op !== last)", "if (op < 0)"],
  [
    "configurations are told apart by what is placed alone",
    "exact/search.js",
    "this.#seen.add(low ^ mix(after, HIGH_SALT), high ^ mix(after, LOW_SALT))",
    "this.#seen.add(low, high)",
  ],
  [
    "of calls that are alike only one is placed",
    "exact/search.js",
    "this.#placed[twin] === 0 &&",
    "true &&",
  ],
  [
    "a reset is forgotten when looking ahead",
    "exact/search.js",
    "this.#placed[reset] === 0 && reset !== op",
    "false",
  ],
  ["what failed happened", "exact/problem.js", 'call.outcome !== "fail"', "true"],
  [
    "parts are left out",
    "exact/problem.js",
    "return problems.sort(",
    "return problems.slice(1).sort(",
  ],
  ["every read is of nil", "models/register.js", 'nilRead === "nothing" ||', "false &&"],
  [
    "a cas swaps whatever is there",
    "models/register.js",
    "isEqual ? (to ?? null) : undefined",
    "to",
  ],
  [
    "a mutex is held twice",
    "models/mutex.js",
    'state === "free" ? "locked" : undefined',
    '"locked"',
  ],
  ["a queue gives what it likes", "models/queue.js", "sameValue(state[0], value)", "true"],
  ["sets of one size are equal", "models/set.js", "reduce(sumOf, 0) === state.sum", "length >= 0"],
];

/** Folders, and what runs in them. */
const isNeeded = (path: string) => /[/\\][^.]*$|(?<!\.test)\.js$/.test(path);

for (const [what, file, find, replace] of MUTANTS) {
  test(`caught: ${what}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "ordeal-mutant-"));
    try {
      writeFileSync(join(folder, "package.json"), '{"type":"module"}');
      cpSync(COMPILED, join(folder, "checker"), { recursive: true, filter: isNeeded });
      const path = join(folder, "checker", file);
      const source = readFileSync(path, "utf8");
      assert.ok(source.includes(find), `${file} has no: ${find}`);
      writeFileSync(path, source.replace(find, replace));
      assert.ok((await wrongVerdicts(folder)) > 0, "every verdict is right");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

test("the checker as it is has every verdict right", async () => {
  assert.is(await wrongVerdicts(join(COMPILED, "..")), 0);
});

/** Of the models' cases, judged by the checker in that folder; one that throws counts, too. */
async function wrongVerdicts(folder: string): Promise<number> {
  const load = (file: string) => import(pathToFileURL(join(folder, "checker", file)).href);
  const { MODEL_CASES } = await load("models/testing/model-cases.js");
  const { checkModel } = await load("check-model.js");
  const { sketched } = await load("testing/sketch.js");
  let wrong = 0;
  for (const [model, , text, isLegal] of MODEL_CASES) {
    try {
      if (checkModel(sketched(text), model).valid !== isLegal) wrong += 1;
    } catch (error) {
      assert.instance(error, Error);
      wrong += 1;
    }
  }
  return wrong;
}

test.run();
