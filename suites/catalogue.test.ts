import { test } from "uvu";
import * as assert from "uvu/assert";
import { SUITES, suiteNamed } from "./catalogue.js";
import { neededKinds } from "./nemesis-choice.js";

test("every suite requires evidence of exactly the faults that its packages make", () => {
  for (const suite of SUITES) {
    if (suite.table !== undefined) continue;
    // What a swarm draws is required of the run that drew it (nemesis-choice.test.ts).
    const kinds = neededKinds(suite.nemesis);
    assert.equal([...suite.requiredFaults].sort(), kinds.sort(), suite.name);
  }
});

test("suites are known by name, and others are refused with the names", () => {
  assert.is(suiteNamed("halves").name, "halves");
  assert.throws(() => suiteNamed("thirds"), /no suite is called "thirds"; choose from: smoke, /);
});

test.run();
