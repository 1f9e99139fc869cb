// JUnit XML of a campaign: a test suite for each suite's runs, a test case for each check of a run.
// Source: the schema that Jenkins and GitLab read (testsuites, testsuite, testcase, failure, error).

import type { CheckResult } from "../checker/verdict.js";
import type { CampaignRun } from "./campaign-run.js";

export function junitXml(runs: readonly CampaignRun[]): string {
  const suites = runs.map(testSuite).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="ordeal">\n${suites}</testsuites>\n`;
}

function testSuite(run: CampaignRun): string {
  const { suite, seed, seconds, outcome, crashed } = run;
  const checks = Object.entries(outcome?.verdict.checks ?? {});
  const crash = crashed === undefined ? [] : [crashed];
  const count = (valid: CheckResult["valid"]) =>
    checks.filter(([, check]) => check.valid === valid).length;
  const attributes =
    `name="${escapeXml(suite)}" tests="${checks.length + crash.length}" failures="${count(false)}" ` +
    `errors="${count("unknown") + crash.length}" time="${seconds.toFixed(3)}"`;
  const cases = [
    ...checks.map(([name, check]) => testCase(suite, name, checkBody(check))),
    ...crash.map((reason) => testCase(suite, "run", element("error", reason, ""))),
  ];
  const properties =
    `    <properties><property name="seed" value="${seed}"/>` +
    `<property name="run" value="${escapeXml(outcome?.directory ?? "")}"/></properties>\n`;
  return `  <testsuite ${attributes}>\n${properties}${cases.join("")}  </testsuite>\n`;
}

function testCase(suite: string, name: string, body: string): string {
  const opening = `    <testcase classname="${escapeXml(suite)}" name="${escapeXml(name)}"`;
  return body === "" ? `${opening}/>\n` : `${opening}>${body}</testcase>\n`;
}

function checkBody({ valid, summary, crashed, explanation }: CheckResult): string {
  if (valid === true) return "";
  const details = (explanation ?? []).join("\n");
  return element(valid === false ? "failure" : "error", crashed ?? summary, details);
}

function element(name: "failure" | "error", message: string, text: string): string {
  return `<${name} message="${escapeXml(message)}">${escapeXml(text)}</${name}>`;
}

/** XML 1.0 knows no other control characters than tab and line ends. */
function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML cannot carry.
  const clean = text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "?");
  return clean
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
