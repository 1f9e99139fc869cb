// The traces of a few seeds as they were when they were last looked at: another machine or another version
// of Node that computes anything else says so here. So does a change of the replica's own code, which is
// then written down with UPDATE=1.

import { readFileSync, writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { simulateSeed } from "./seed-run.js";
import { ownBuild } from "./testing/own-build.js";

const FILE = new URL("../../../suites/sim/testdata/traces.txt", import.meta.url);

/** Short ones. */
const SEEDS = [10, 23, 33];

test("a seed has the trace that was written down, whatever machine and version of Node simulate it", () => {
  const found = SEEDS.map((seed) => `${seed} ${simulateSeed(ownBuild, seed).trace}\n`).join("");
  if (process.env["UPDATE"] === "1") writeFileSync(FILE, found);
  assert.is(found, readFileSync(FILE, "utf8"), `Node ${process.version}; UPDATE=1 rewrites them`);
});

test.run();
