// The rules that keep the parts apart and the pure parts pure are tools' settings; here each is shown
// what it must refuse, in a copy of the tree's shape, and what it must let pass.

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const PROJECT = fileURLToPath(new URL("../../../", import.meta.url));

type Tree = Readonly<Record<string, string>>;

/** Runs `use` in a folder with these files beside the project's settings and packages. */
async function inTree<T>(tree: Tree, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "ordeal-rules-"));
  try {
    cpSync(join(PROJECT, "biome.json"), join(folder, "biome.json"));
    cpSync(join(PROJECT, ".ci"), join(folder, ".ci"), { recursive: true });
    cpSync(join(PROJECT, "package.json"), join(folder, "package.json"));
    symlinkSync(join(PROJECT, "node_modules"), join(folder, "node_modules"));
    for (const [path, text] of Object.entries(tree)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the arrows refuse in the tree, as "rule: from → to". */
async function arrowsRefused(tree: Tree): Promise<string[]> {
  return inTree(tree, async (folder) => {
    const folders = new Set(Object.keys(tree).map((path) => path.split("/")[0] ?? path));
    const run = await execa({ cwd: folder, reject: false })`${bin("depcruise")} --config
      .ci/arrows.json --output-type json ${[...folders]}`;
    const { summary } = JSON.parse(run.stdout);
    return summary.violations
      .map((v: { rule: { name: string }; from: string; to: string }) => {
        return `${v.rule.name}: ${v.from} → ${v.to.replace(/.*node_modules.*/, "a package")}`;
      })
      .sort();
  });
}

/** The lines of the tree that Biome refuses by a rule that `rule` names, as "file:line". */
async function linesRefused(tree: Tree, rule: RegExp): Promise<string[]> {
  return inTree(tree, async (folder) => {
    const run = await execa({
      cwd: folder,
      reject: false,
    })`${bin("biome")} lint --vcs-enabled=false --reporter=github --max-diagnostics=none .`;
    const refused = new Set<string>();
    for (const line of run.stdout.split("\n")) {
      const found = line.match(/title=([^,]+),file=([^,]+),line=(\d+)/);
      if (found === null || !rule.test(found[1] ?? "")) continue;
      refused.add(`${relative(folder, found[2] ?? "")}:${found[3]}`);
    }
    return [...refused].sort((a, b) => Number(a.split(":")[1]) - Number(b.split(":")[1]));
  });
}

function bin(name: string): string {
  return join(PROJECT, "node_modules", ".bin", name);
}

const arrows = suite("arrows");

arrows("the arrows refuse imports between node, nemesis and checker, types included", async () => {
  const refused = await arrowsRefused({
    "node/core/messages.ts": "export type Seq = number;\nexport const kinds = 6;\n",
    "nemesis/a.ts": 'import type { Seq } from "../node/core/messages.js";\nexport type A = Seq;\n',
    "nemesis/b.ts": 'export type { Seq } from "../node/core/messages.js";\n',
    "checker/a.ts": 'export { kinds } from "../node/core/messages.js";\n',
    "checker/b.ts": 'import type { A } from "../nemesis/a.js";\nexport type B = A;\n',
    "suites/a.ts": 'import type { A } from "../nemesis/a.js";\nexport type B = A;\n',
  });
  assert.equal(refused, [
    "checker-is-pure: checker/a.ts → node/core/messages.ts",
    "checker-is-pure: checker/b.ts → nemesis/a.ts",
    "checker-stands-alone: checker/a.ts → node/core/messages.ts",
    "checker-stands-alone: checker/b.ts → nemesis/a.ts",
    "nemesis-decides-without-hands: nemesis/a.ts → node/core/messages.ts",
    "nemesis-decides-without-hands: nemesis/b.ts → node/core/messages.ts",
    "nemesis-knows-nothing-of-node: nemesis/a.ts → node/core/messages.ts",
    "nemesis-knows-nothing-of-node: nemesis/b.ts → node/core/messages.ts",
  ]);
});

arrows("the arrows refuse I/O, packages and the outside in the core", async () => {
  const refused = await arrowsRefused({
    "node/core/a.ts": 'import { readFileSync } from "node:fs";\nexport const a = readFileSync;\n',
    "node/core/b.ts": 'import { createSocket } from "dgram";\nexport const b = createSocket;\n',
    "node/core/c.ts": 'import { execa } from "execa";\nexport const c = execa;\n',
    "node/core/d.ts": 'import type { L } from "../ledger/l.js";\nexport type D = L;\n',
    "node/core/e.ts": 'export const e = () => import("node:timers/promises");\n',
    "node/core/f.ts": 'import { hash } from "node:crypto";\nexport const f = hash;\n',
    "node/ledger/l.ts": 'import type { D } from "../core/state-machine.js";\nexport type L = D;\n',
    "node/ledger/m.ts": 'import type { R } from "../core/replica.js";\nexport type M = R;\n',
    "node/core/state-machine.ts": "export type D = number;\n",
    "node/core/replica.ts": "export type R = number;\n",
  });
  assert.equal(refused, [
    "core-is-alone: node/core/a.ts → fs",
    "core-is-alone: node/core/b.ts → dgram",
    "core-is-alone: node/core/c.ts → a package",
    "core-is-alone: node/core/d.ts → node/ledger/l.ts",
    "core-is-alone: node/core/e.ts → timers/promises",
    "ledger-knows-the-interface-only: node/ledger/m.ts → node/core/replica.ts",
  ]);
});

arrows("the arrows refuse cycles, lost files and development packages in the product", async () => {
  const refused = await arrowsRefused({
    "suites/a.ts": 'import { b } from "./b.js";\nexport const a = (): number => b();\n',
    "suites/b.ts": 'import { a } from "./a.js";\nexport const b = (): number => a();\n',
    "suites/c.ts": 'import { gone } from "./gone.js";\nexport const c = gone;\n',
    "suites/d.ts": 'import fc from "fast-check";\nexport const d = fc;\n',
    "suites/e.test.ts": 'import fc from "fast-check";\nexport const e = fc;\n',
    "suites/f.ts": 'import { e } from "./e.test.js";\nexport const f = e;\n',
  });
  assert.equal(refused, [
    "everything-resolves: suites/c.ts → ./gone.js",
    "no-cycles: suites/a.ts → suites/b.ts",
    "no-development-packages-in-the-product: suites/d.ts → a package",
    "no-tests-in-the-product: suites/f.ts → suites/e.test.ts",
  ]);
});

arrows.run();

const IMPURE = [
  "export const a = (): number => Date.now();",
  "export const b = (): number => performance.now();",
  "export const c = (): number => Math.random();",
  "export const d = (): unknown => setTimeout(() => 1, 1);",
  "export const e = (): unknown => process.env;",
  "export const f = (): unknown => globalThis;",
  "export async function g() {}",
  "export const h = async () => 1;",
  "export const i = { async m() {} };",
  "export class J { private async m() {} }",
  "export const k = Promise.resolve(1);",
  'export const l = (x: string): number => x.localeCompare("y");',
  "export const m = (x: number): string => x.toLocaleString();",
  'import { randomBytes } from "node:crypto"; export const n = randomBytes;',
  'import * as all from "node:crypto"; export const o = all;',
  "export const p = crypto.randomUUID;",
  "await 1;",
];

const PURE = [
  'import { createHash, hash } from "node:crypto";',
  'export const a = [hash("sha256", "x"), createHash("sha256")];',
  "export const b = [3, 1].sort((x, y) => x - y);",
  "export const asynchronous = Math.max(1, 2);",
];

const purity = suite("purity");

purity("every kind of nondeterminism is refused in the pure parts, line by line", async () => {
  const text = `${IMPURE.join("\n")}\n`;
  const pureFiles = [
    "node/core/a.ts",
    "node/ledger/a.ts",
    "node/client/session.ts",
    "nemesis/a.ts",
    "checker/a.ts",
  ];
  for (const file of pureFiles) {
    const refused = await linesRefused({ [file]: text }, /plugin|noRestricted/);
    assert.equal(
      refused,
      IMPURE.map((_, index) => `${file}:${index + 1}`),
    );
  }
});

purity("pure code passes, and drivers and tests may wait and look at the clock", async () => {
  const impure = `${IMPURE.join("\n")}\n`;
  const refused = await linesRefused(
    {
      "node/core/a.ts": `${PURE.join("\n")}\n`,
      "node/core/b.test.ts": impure,
      "node/runtime/a.ts": impure,
      "nemesis/host/a.ts": impure,
      "suites/a.ts": impure,
    },
    /plugin|noRestricted/,
  );
  assert.equal(refused, []);
});

purity("an import inside a type is refused everywhere: the arrows would not see it", async () => {
  const text = 'export type A = import("../node/core/messages.js").Seq;\n';
  const refused = await linesRefused({ "nemesis/a.ts": text, "suites/a.test.ts": text }, /plugin/);
  assert.equal(refused.sort(), ["nemesis/a.ts:1", "suites/a.test.ts:1"]);
});

purity.run();
