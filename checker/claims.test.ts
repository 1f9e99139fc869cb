// Every claim that a verdict may make has at least three cases that it must reject, and a near miss that
// it must accept: counted in its tests, as they run. Those of transactions and of models are counted
// where their tables are (cycles/list-append.test.ts, models/models.test.ts).

import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkRun } from "./check.js";
import { JUDGED_NAMES } from "./judged-names.js";
import { MODEL_NAMES } from "./models/named.js";

type Counted = { tests: string; rejects: RegExp; accepts: RegExp };

/** How most of them say it. */
const REJECTS = /^rejects\(|^test\("rejected: /gm;
const ACCEPTS = /^accepts\(|^test\("accepted: /gm;

const CLAIMS = new Map<string, Counted>([
  ["linearizable", usual("bank/linearizable.test.js")],
  [
    "black-box",
    {
      tests: "bank/black-box.test.js",
      rejects: /\.valid, false\)/g,
      accepts: /\.valid, true\b/g,
    },
  ],
  ["seq-order", usual("seq-order.test.js")],
  ["cycles", usual("cycles/ledger-cycles.test.js")],
  ["conservation", usual("bank/conservation.test.js")],
  ["durability", usual("bank/durability.test.js")],
  ["agreement", usual("bank/agreement.test.js")],
  [
    "progress",
    { tests: "progress.test.js", rejects: /^is\(\s*false,/gm, accepts: /^is\(\s*true,/gm },
  ],
  ["log-patterns", usual("log-patterns.test.js")],
  ["accountable", usual("forensics/accountable.test.js")],
  ["set-full", ofSets("checkSet")],
  ["counter", ofSets("checkCounter")],
  ["total-queue", ofSets("checkTotalQueue")],
]);

/** These never say that something is wrong: only that there is too little to tell. */
const NEVER_FALSE: ReadonlySet<string> = new Set(["evidence", "statistics", "unhandled-errors"]);
/** Counted elsewhere, or made of others. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  ...[...MODEL_NAMES, "list-append", "rw-register"],
  "bank",
]);

for (const [claim, { tests, rejects, accepts }] of CLAIMS) {
  test(`${claim} has three cases to reject, and a near miss`, () => {
    const source = readFileSync(new URL(tests, import.meta.url), "utf8");
    const rejected = source.match(rejects)?.length ?? 0;
    assert.ok(rejected >= 3, `${tests} has ${rejected}`);
    assert.ok((source.match(accepts)?.length ?? 0) >= 1, `${tests} has no near miss`);
  });
}

test("no claim is left out", () => {
  const run = { history: [], faults: [], ledgers: [], correctReplicas: ["r0"], expectedFaults: [] };
  const made = Object.keys(checkRun(run).checks);
  assert.ok(made.includes("agreement"));
  for (const name of [...made, ...JUDGED_NAMES]) {
    const isKnown = CLAIMS.has(name) || NEVER_FALSE.has(name) || ELSEWHERE.has(name);
    assert.ok(isKnown, `${name} is counted nowhere`);
  }
});

function usual(tests: string): Counted {
  return { tests, rejects: REJECTS, accepts: ACCEPTS };
}

function ofSets(check: string): Counted {
  return {
    tests: "sets/sets.test.js",
    rejects: new RegExp(`^rejects\\(\\s*"[^"]*",\\s*${check}`, "gm"),
    accepts: new RegExp(`^accepts\\(\\s*"[^"]*",\\s*${check}`, "gm"),
  };
}

test.run();
