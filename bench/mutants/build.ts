// Builds mutants: copies the replica's sources, applies the patches, compiles all copies in one go.

import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execaSync } from "execa";
import type { Mutant } from "./catalogue.js";

/** The project's root, from where this file is compiled to. */
export const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));

/** Source texts by path below the project's root. */
export type Sources = ReadonlyMap<string, string>;

/** The sources of replica and client, without their tests. */
export function readSources(project: string): Sources {
  const files = readdirSync(join(project, "node"), { recursive: true, encoding: "utf8" })
    .map((file) => join("node", file))
    .filter((file) => file.endsWith(".ts") && !/\.test\.ts$|\/testing\//.test(file))
    .sort((left, right) => (left < right ? -1 : 1));
  return new Map(files.map((file) => [file, readFileSync(join(project, file), "utf8")]));
}

/** Throws where a patch's text does not occur exactly once: then the sources have moved on. */
export function patched(sources: Sources, { id, patches }: Mutant): Sources {
  const result = new Map(sources);
  for (const { file, find, replace } of patches) {
    const text = result.get(file);
    if (text === undefined) throw new Error(`mutant ${id}: there is no ${file}`);
    const count = text.split(find).length - 1;
    if (count !== 1) throw new Error(`mutant ${id}: ${file} has ${count} of: ${find}`);
    // Applied to what earlier patches left; a function, so that no "$" in a patch means anything.
    result.set(
      file,
      (result.get(file) ?? "").replace(find, () => replace),
    );
  }
  return result;
}

/**
 * Compiles each mutant below `folder`, which is empty; returns their builds by id, each fit for
 * `ordeal run --replica-build`. Throws with the compiler's words where one does not compile.
 */
export function buildMutants(
  mutants: readonly Mutant[],
  folder: string,
  project = PROJECT,
): ReadonlyMap<string, string> {
  const sources = readSources(project);
  for (const mutant of mutants) {
    for (const [file, text] of patched(sources, mutant)) {
      const path = join(folder, "src", mutant.id, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }
  symlinkSync(join(project, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), `{ "type": "module" }\n`);
  writeFileSync(join(folder, "tsconfig.json"), `${JSON.stringify(compilerSettings(project))}\n`);
  const compiler = join(project, "node_modules", ".bin", "tsc");
  const { exitCode, stdout } = execaSync(compiler, ["-p", folder], { reject: false });
  if (exitCode !== 0) throw new Error(`mutants do not compile:\n${stdout}`);
  return new Map(mutants.map(({ id }) => [id, join(folder, "dist", id)]));
}

function compilerSettings(project: string): unknown {
  return {
    extends: join(project, "tsconfig.json"),
    compilerOptions: {
      rootDir: "src",
      outDir: "dist",
      incremental: false,
      tsBuildInfoFile: null,
      declaration: false,
      // A patch may leave an import or a function without use.
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    include: ["src"],
  };
}
