import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { resultOf } from "./run-tests.js";

const counts = (output: string, exitCode: number | undefined): readonly number[] => {
  const { passed, failed, skipped } = resultOf(output, exitCode);
  return [passed, failed, skipped];
};

test("the totals of every suite of a file are added up", () => {
  const output =
    "• •   (2 / 2)\n\n  Total:     2\n  Passed:    2\n  Skipped:   0\n  Took:      1ms\n\n" +
    "• ✘   (1 / 2)\n\n  Total:     2\n  Passed:    1\n  Skipped:   1\n  Took:      1ms\n";
  assert.equal(counts(output, 1), [3, 1, 1]);
});

test("what uvu prints of a skipped test is no failure, and takes none away", () => {
  const program = `
    import { suite } from "uvu";
    const cases = suite("cases");
    cases("runs", () => undefined);
    cases.skip("is skipped");
    cases.run();`;
  const argv = ["--input-type=module", "--eval", program];
  const { stdout, status } = spawnSync(process.execPath, argv, { encoding: "utf8" });
  assert.equal(counts(stdout, status ?? undefined), [1, 0, 1]);
});

test("a file that dies before it reports counts as a failure", () => {
  assert.equal(counts("", 0), [0, 1, 0]);
  assert.equal(counts("Error: cannot find module", 1), [0, 1, 0]);
});

test("a bad exit after green totals counts as a failure", () => {
  assert.equal(counts("  Total:     2\n  Passed:    2\n  Skipped:   0\n", 7), [2, 1, 0]);
  assert.equal(counts("  Total:     2\n  Passed:    2\n  Skipped:   0\n", undefined), [2, 1, 0]);
});

test.run();
