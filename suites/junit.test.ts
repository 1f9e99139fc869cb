import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Verdict } from "../checker/verdict.js";
import { endingOf, summaryLines, worstEnding } from "./campaign.js";
import type { CampaignRun } from "./campaign-run.js";
import { junitXml } from "./junit.js";
import { RUN_META_FIXTURE } from "./run-meta-fixture.js";

function runWith(verdict: Verdict, crashed?: string): CampaignRun {
  const figures = { operations: 2, reads: 1, writes: 1, seconds: 1, viewChanges: 0, crashes: 0 };
  const outcome = { directory: "/store/smoke/1", meta: RUN_META_FIXTURE, verdict, figures };
  const run = { suite: "smoke", seed: 1, seconds: 2.5, outcome };
  return crashed === undefined ? run : { ...run, crashed };
}

const VALID: Verdict = { "valid?": true, checks: { agreement: { valid: true, summary: "equal" } } };
const INVALID: Verdict = {
  "valid?": false,
  checks: {
    agreement: {
      valid: false,
      summary: 'r0 <> "r1" & more',
      explanation: ["row 1", "row\u0007 2"],
    },
    evidence: { valid: "unknown", summary: "too little" },
  },
};
const CRASHED: CampaignRun = { suite: "ring", seed: 2, seconds: 1, crashed: "port in use" };

test("a valid check is a test case that passes", () => {
  const xml = junitXml([runWith(VALID)]);
  assert.match(xml, 'name="smoke" tests="1" failures="0" errors="0" time="2.500"');
  assert.match(xml, '<testcase classname="smoke" name="agreement"/>');
});

test("an invalid check is a failure, an unknown one an error, a crash an error", () => {
  const xml = junitXml([runWith(INVALID), CRASHED]);
  assert.match(xml, 'tests="2" failures="1" errors="1"');
  assert.match(
    xml,
    '<failure message="r0 &lt;&gt; &quot;r1&quot; &amp; more">row 1\nrow? 2</failure>',
  );
  assert.match(xml, '<error message="too little"></error>');
  assert.match(xml, '<error message="port in use"></error>');
});

test("a campaign ends as its worst run, and its table names what failed", () => {
  const runs = [runWith(VALID), CRASHED, runWith(INVALID)];
  assert.is(worstEnding(runs), false);
  assert.is(worstEnding(runs.slice(0, 2)), "crashed");
  assert.is(endingOf(runWith(VALID, "observe failed")), "crashed");
  const lines = summaryLines(runs);
  assert.match(String(lines[3]), /ring +2 +crashed +1.0 +port in use/);
  assert.match(String(lines[4]), /smoke +1 +invalid +2.5 +agreement/);
});

test.run();
