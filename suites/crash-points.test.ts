import { test } from "uvu";
import * as assert from "uvu/assert";
import { CRASH_POINTS as OF_THE_NEMESIS } from "../nemesis/faults.js";
import { CRASH_POINTS as OF_THE_REPLICA } from "../node/runtime/crash-points.js";

test("the nemesis asks for the points that a replica has, in its order", () => {
  assert.equal(OF_THE_NEMESIS, OF_THE_REPLICA);
});

test.run();
