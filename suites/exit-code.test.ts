import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Ending, exitCodeOf, worstOf } from "./exit-code.js";

test("the worst decides: invalid, then crashed, then unknown", () => {
  assert.is(worstOf([]), true);
  assert.is(worstOf([true, "unknown", true]), "unknown");
  assert.is(worstOf(["unknown", "crashed"]), "crashed");
  assert.is(worstOf([false, "crashed", "unknown", true]), false);
});

test("exit codes are Jepsen's", () => {
  const endings: readonly Ending[] = [true, false, "unknown", "crashed"];
  assert.equal(endings.map(exitCodeOf), [0, 1, 2, 255]);
});

test.run();
