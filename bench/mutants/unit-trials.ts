// The mutants under the unit tests of node/: for those that the simulator cannot reach, and as a second
// opinion on the others. The tests of a build are the project's own, compiled, put beside it.

import { cpSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { PROJECT } from "./build.js";
import { inParallel } from "./in-parallel.js";
import type { Row } from "./matrix.js";
import type { Mutant } from "./mutant.js";

export type UnitTrials = {
  buildOf: (id: string) => string;
  jobs: number;
  onRow: (row: Row) => void;
};

const FILE_MS_MAX = 60_000;

/** Test files that run no processes and are quick, by where mistakes lie. */
const TESTS: readonly { under: string; files: readonly string[] }[] = [
  {
    under: "node/core/",
    files: [
      ...["script", "paper", "normal-case", "view-change", "certificate", "wire", "datagram"],
      ...["request", "recovery", "rejoin", "state-transfer", "quorum", "replay-window", "fuzz"],
      "random-seeds",
    ].map((name) => `core/${name}`),
  },
  { under: "node/client/", files: ["client/session"] },
  {
    under: "node/ledger/",
    files: ["ledger", "machine", "restore", "trie", "entry-pages", "memory-store", "export"].map(
      (name) => `ledger/${name}`,
    ),
  },
  {
    under: "node/runtime/",
    files: ["driver", "log-file", "timers", "transport"].map((name) => `runtime/${name}`),
  },
];

export async function unitTrials(
  mutants: readonly Mutant[],
  { buildOf, jobs, onRow }: UnitTrials,
): Promise<readonly Row[]> {
  const cleanFailures = new Map<string, Promise<string | undefined>>();
  return await inParallel(mutants, jobs, async ({ id, patches }) => {
    const touched = TESTS.filter(({ under }) => patches.some(({ file }) => file.startsWith(under)));
    const files = touched.flatMap((one) => one.files);
    const build = withTests(buildOf(id));
    const started = performance.now();
    let caught: string | undefined;
    let clean = "valid";
    for (const file of files) {
      const known = cleanFailures.get(file) ?? failureOf(join(PROJECT, "dist", "node"), file);
      cleanFailures.set(file, known);
      if ((await known) !== undefined) clean = `${file} fails`;
      caught = await failureOf(join(build, "node"), file);
      if (caught !== undefined) break;
    }
    rmSync(dirname(build), { recursive: true, force: true });
    const row: Row = {
      ...{ id, where: "unit", seeds: 0, seedLast: 0, seed: undefined, clean },
      caughtBy: caught === undefined ? [] : [caught],
      summary: "",
      seconds: (performance.now() - started) / 1_000,
    };
    onRow(row);
    return row;
  });
}

/** The build with the compiled tests around its sources, and their data where they look for it. */
function withTests(build: string): string {
  const root = `${build}.tested`;
  mkdirSync(root);
  const clean = join(PROJECT, "dist");
  cpSync(clean, join(root, "dist"), {
    recursive: true,
    filter: (file) =>
      !/\.(d\.ts|map)$/.test(file) && !/^(bench|suites|\.)/.test(file.slice(clean.length + 1)),
  });
  cpSync(build, join(root, "dist"), { recursive: true });
  rmSync(build, { recursive: true });
  for (const name of ["node", "package.json", "node_modules"]) {
    symlinkSync(join(PROJECT, name), join(root, name));
  }
  return join(root, "dist");
}

/** The name of the first test of the file that fails. */
async function failureOf(folder: string, file: string): Promise<string | undefined> {
  const { exitCode, stdout, stderr } = await execa(
    process.execPath,
    [join(folder, `${file}.test.js`)],
    { reject: false, timeout: FILE_MS_MAX, stdin: "ignore", env: { FORCE_COLOR: "0" } },
  );
  if (exitCode === 0) return undefined;
  const [, name] = /FAIL\s+(?:\S+\s+)?"(.+)"/.exec(`${stdout}${stderr}`) ?? [];
  return `${file}: ${name ?? "does not end"}`;
}
