import { test } from "uvu";
import * as assert from "uvu/assert";
import { crashShares, tableLines } from "./table.js";

test("crashes and recoveries divide the operations evenly and never overlap", () => {
  assert.equal(crashShares(0), []);
  assert.equal(crashShares(1), [{ kill: 1 / 3, restart: 2 / 3 }]);
  assert.equal(crashShares(2), [
    { kill: 1 / 5, restart: 2 / 5 },
    { kill: 3 / 5, restart: 4 / 5 },
  ]);
});

test("the table puts the paper's figures beside ours, and counts only valid runs as accurate", () => {
  const paper = { timeS: 11.6, viewChanges: 5, accuracyPercent: 80 };
  const crashed = { suite: "paper-table", seed: 1, seconds: 3, crashed: "port in use" };
  const lines = tableLines([{ row: { iterations: 5_000, crashes: 1, paper }, runs: [crashed] }]);
  assert.match(String(lines[0]), /iterations +runs +read +write +time +paper +view_change +paper/);
  assert.match(String(lines[2]), /5,000 .*11.6 s .* 5 .* 0 % +80 %/);
});

test.run();
