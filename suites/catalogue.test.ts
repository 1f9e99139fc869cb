import { test } from "uvu";
import * as assert from "uvu/assert";
import { packagesOf } from "../nemesis/packages.js";
import { kindsOf } from "../nemesis/schedule.js";
import { SUITES, suiteNamed } from "./catalogue.js";

test("every suite requires evidence of exactly the faults that its packages make", () => {
  for (const suite of SUITES) {
    packagesOf(suite.nemesis);
    if (suite.table !== undefined) continue;
    assert.equal([...suite.requiredFaults].sort(), kindsOf(suite.nemesis).sort(), suite.name);
  }
});

test("suites are known by name, and others are refused with the names", () => {
  assert.is(suiteNamed("halves").name, "halves");
  assert.throws(() => suiteNamed("thirds"), /no suite is called "thirds"; choose from: smoke, /);
});

test.run();
