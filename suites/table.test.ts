import { test } from "uvu";
import * as assert from "uvu/assert";
import type { CampaignRun } from "./campaign-run.js";
import { RUN_META_FIXTURE } from "./run-meta-fixture.js";
import { crashShares, isAccurate, tableLines } from "./table.js";

test("crashes and recoveries divide the operations evenly and never overlap", () => {
  assert.equal(crashShares(0), []);
  assert.equal(crashShares(1), [{ kill: 1 / 3, restart: 2 / 3 }]);
  assert.equal(crashShares(2), [
    { kill: 1 / 5, restart: 2 / 5 },
    { kill: 3 / 5, restart: 4 / 5 },
  ]);
});

test("a run is accurate if it is valid and performed all of its operations", () => {
  const row = {
    iterations: 100,
    crashes: 0,
    paper: { timeS: 1, viewChanges: 1, accuracyPercent: 1 },
  };
  const run = (valid: boolean, operations: number): CampaignRun => {
    const figures = { operations, reads: 1, writes: 1, seconds: 1, viewChanges: 0, crashes: 0 };
    const verdict = { "valid?": valid, checks: {} };
    return {
      suite: "paper-table",
      seed: 1,
      seconds: 1,
      outcome: { directory: "", meta: RUN_META_FIXTURE, verdict, figures },
    };
  };
  assert.is(isAccurate(run(true, 100), row), true);
  assert.is(isAccurate(run(true, 99), row), false);
  assert.is(isAccurate(run(false, 100), row), false);
});

test("the table puts the paper's figures beside ours, and counts only valid runs as accurate", () => {
  const paper = { timeS: 11.6, viewChanges: 5, accuracyPercent: 80 };
  const crashed = { suite: "paper-table", seed: 1, seconds: 3, crashed: "port in use" };
  const lines = tableLines([{ row: { iterations: 5_000, crashes: 1, paper }, runs: [crashed] }]);
  assert.match(String(lines[0]), /iterations +runs +read +write +time +paper +view_change +paper/);
  assert.match(String(lines[2]), /5,000 .*11.6 s .* 5 .* 0 % +80 %/);
});

test.run();
