// Builds mutants: patches the replica's sources, and compiles what was patched and nothing else. A
// build is a copy of the clean one with the patched files in their places.

import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execaSync } from "execa";
import type { Mutant } from "./mutant.js";

/** The project's root, from where this file is compiled to. */
export const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));

/** Source texts by path below the project's root. */
export type Sources = ReadonlyMap<string, string>;

/** The sources of replica and client, without their tests. */
export function readSources(project: string): Sources {
  const files = readdirSync(join(project, "node"), { recursive: true, encoding: "utf8" })
    .map((file) => join("node", file))
    .filter((file) => file.endsWith(".ts") && !isTest(file))
    .sort((left, right) => (left < right ? -1 : 1));
  return new Map(files.map((file) => [file, readFileSync(join(project, file), "utf8")]));
}

function isTest(file: string): boolean {
  return /\.test\.[a-z.]+$|\/testing\//.test(file);
}

/**
 * The texts of the files that the mutant changes. Throws where a patch's text does not occur exactly
 * once: then the sources have moved on.
 */
export function patched(sources: Sources, { id, patches }: Mutant): Sources {
  const result = new Map<string, string>();
  for (const { file, find, replace } of patches) {
    const text = result.get(file) ?? sources.get(file);
    if (text === undefined) throw new Error(`mutant ${id}: there is no ${file}`);
    const count = text.split(find).length - 1;
    if (count !== 1) throw new Error(`mutant ${id}: ${file} has ${count} of: ${find}`);
    // A function, so that no "$" in a patch means anything.
    result.set(
      file,
      text.replace(find, () => replace),
    );
  }
  return result;
}

/**
 * Compiles what the mutants change below `folder`, which is empty, without a look at the types. The
 * function returned puts a mutant's build together, fit for `ordeal run --replica-build`, and gives
 * its folder. The project's own build must be up to date.
 */
export function compileMutants(
  mutants: readonly Mutant[],
  folder: string,
  project = PROJECT,
): (id: string) => string {
  writeSources(mutants, folder, project);
  const problems = runCompiler(folder, project, { noCheck: true, noResolve: true, outDir: "out" });
  if (problems !== "") throw new Error(`mutants do not compile:\n${problems}`);
  symlinkSync(join(project, "node_modules"), join(folder, "node_modules"));
  return (id) => {
    const build = join(folder, "builds", id);
    const filter = (file: string) => !/\.(d\.ts|map)$/.test(file) && !isTest(file);
    cpSync(join(project, "dist", "node"), join(build, "node"), { recursive: true, filter });
    cpSync(join(folder, "out", id), build, { recursive: true });
    return build;
  };
}

/**
 * What the compiler has against the patched files, below an empty `folder`; "" where they are right.
 * Each is checked with the mutant's other files and the clean ones; the clean files are not checked
 * against it, so a patch must leave the types of exports as they are.
 */
export function typeProblems(
  mutants: readonly Mutant[],
  folder: string,
  project = PROJECT,
): string {
  writeSources(mutants, folder, project);
  // An import is looked for beside the file first, then below the project: there is the clean one.
  const rootDirs = [project, ...mutants.map(({ id }) => join(folder, "src", id))];
  return runCompiler(folder, project, { noEmit: true, rootDir: "/", rootDirs });
}

function writeSources(mutants: readonly Mutant[], folder: string, project: string): void {
  writeFileSync(join(folder, "package.json"), `{ "type": "module" }\n`);
  const sources = readSources(project);
  for (const mutant of mutants) {
    for (const [file, text] of patched(sources, mutant)) {
      const path = join(folder, "src", mutant.id, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }
}

/** The compiler's complaints. */
function runCompiler(folder: string, project: string, options: Record<string, unknown>): string {
  const settings = {
    extends: join(project, "tsconfig.json"),
    compilerOptions: {
      rootDir: "src",
      typeRoots: [join(project, "node_modules", "@types")],
      incremental: false,
      tsBuildInfoFile: null,
      declaration: false,
      sourceMap: false,
      // A patch may leave an import or a function without use.
      noUnusedLocals: false,
      noUnusedParameters: false,
      ...options,
    },
    include: ["src"],
  };
  writeFileSync(join(folder, "tsconfig.json"), `${JSON.stringify(settings)}\n`);
  const compiler = join(project, "node_modules", ".bin", "tsc");
  const { exitCode, stdout } = execaSync(compiler, ["-p", folder], { reject: false });
  return exitCode === 0 ? "" : stdout;
}
