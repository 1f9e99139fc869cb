// Elle's own examples. They are no part of this project: they stand in the folder elle of
// ORDEAL_HISTORIES, or of shared/histories beside the project.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readHistoryFile } from "../read-file.js";
import { checkTransactions } from "./check-transactions.js";

const BESIDE = fileURLToPath(new URL("../../../../shared/histories", import.meta.url));
const FOLDER = join(process.env["ORDEAL_HISTORIES"] ?? BESIDE, "elle");

function elle(file: string, shows: readonly string[], not: readonly string[]): void {
  const path = join(FOLDER, file);
  if (!existsSync(path)) {
    console.log(`skipped: Elle's ${file}: ${path} does not exist`);
    test.skip(file, () => undefined);
    return;
  }
  test(`Elle's ${file}`, async () => {
    const { operations } = await readHistoryFile(path);
    const result = checkTransactions(operations, "list-append");
    assert.is(result.valid, false);
    assert.equal(
      result.anomalies.map(({ name }) => name),
      shows,
    );
    assert.equal(result.boundary.not, not);
  });
}

elle("paper-example.edn", ["G-single"], ["consistent-view", "repeatable-read"]);
elle(
  "si-without-g-single.edn",
  ["G2-item", "G-single-realtime"],
  ["repeatable-read", "strong-snapshot-isolation"],
);

test.run();
