// Histories that others recorded, with the verdicts that they gave them: Porcupine's etcd and kv data,
// Knossos' good and bad registers. They are not in this repository: the folder is named by
// ORDEAL_HISTORIES, or is shared/histories beside it.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { judgeHistory } from "./judge-history.js";
import { readHistoryFile } from "./read-file.js";

const BESIDE = fileURLToPath(new URL("../../../shared/histories", import.meta.url));
const FOLDER = process.env["ORDEAL_HISTORIES"] ?? BESIDE;

/** Of the etcd logs; Porcupine's tests say the same. */
const LINEARIZABLE_LOGS = new Set(
  "002 005 007 018 025 031 038 045 048 049 051 053 056 067 075 076 080 087 092 098 100 101 102".split(
    " ",
  ),
);

type Family = {
  folder: string;
  model: string;
  ending: RegExp;
  /** From the file's name. */
  expected: (name: string) => boolean;
};

const FAMILIES: readonly Family[] = [
  {
    folder: "porcupine/etcd",
    model: "cas-register",
    ending: /\.log$/,
    expected: (name) => LINEARIZABLE_LOGS.has(name.slice(5, 8)),
  },
  { folder: "porcupine/kv", model: "kv", ending: /\.txt$/, expected: (name) => /-ok/.test(name) },
  { folder: "knossos/good", model: "cas-register", ending: /\.edn$/, expected: () => true },
  { folder: "knossos/bad", model: "cas-register", ending: /\.edn$/, expected: () => false },
];

for (const { folder, model, ending, expected } of FAMILIES) {
  const path = join(FOLDER, folder);
  if (!existsSync(path)) {
    console.log(`skipped: histories of ${folder}: ${path} does not exist`);
    test.skip(`${folder}: as others judged`, () => undefined);
    continue;
  }
  test(`${folder}: as others judged`, async () => {
    const files = readdirSync(path).filter((name) => ending.test(name));
    assert.ok(files.length > 0);
    for (const name of files) {
      const verdict = judgeHistory(await readHistoryFile(join(path, name)), model);
      assert.is(verdict["valid?"], expected(name), name);
    }
  });
}

test.run();
