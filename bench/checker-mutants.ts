// Is the checker itself checked? Each mutant is one small change to a compiled file of the checker, a
// rule dropped or an edge forgotten; the tests named with it must turn red. Exits with 1 where one
// stays green, or where the code to be changed is no longer there.
// Run: npm run mutants:checker [part of a name]

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execaSync } from "execa";
import { CHECKER_MUTANTS, type CheckerMutant } from "./mutants/checker-catalogue.js";

const COMPILED = fileURLToPath(new URL("../", import.meta.url));
const TEST_TIMEOUT_MS = 240_000;

const [part = ""] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "ordeal-mutant-"));
let survivors = 0;
try {
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  symlinkSync(join(COMPILED, "../node_modules"), join(folder, "node_modules"));
  cpSync(join(COMPILED, "checker"), join(folder, "checker"), { recursive: true });
  const chosen = CHECKER_MUTANTS.filter(({ name }) => name.includes(part));
  const tests = new Set(chosen.flatMap((mutant) => mutant.tests));
  const red = [...tests].filter(turnsRed);
  if (red.length > 0) throw new Error(`red without any mutant: ${red.join(", ")}`);
  for (const mutant of chosen) {
    const outcome = tryMutant(mutant);
    if (outcome !== "caught") survivors += 1;
    process.stdout.write(`${outcome.padEnd(8)}  ${mutant.name}\n`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.exitCode = survivors === 0 ? 0 : 1;

function tryMutant({ file, from, to, tests }: CheckerMutant): "caught" | "SURVIVED" | "STALE" {
  const path = join(folder, "checker", file);
  const original = readFileSync(path, "utf8");
  if (original.split(from).length !== 2) return "STALE";
  writeFileSync(
    path,
    original.replace(from, () => to),
  );
  try {
    return tests.some(turnsRed) ? "caught" : "SURVIVED";
  } finally {
    writeFileSync(path, original);
  }
}

function turnsRed(test: string): boolean {
  const options = { reject: false, timeout: TEST_TIMEOUT_MS, stdio: "ignore" } as const;
  return execaSync(process.execPath, [join(folder, "checker", test)], options).exitCode !== 0;
}
