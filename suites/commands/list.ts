// `ordeal list`: every suite, what it does, what it claims, how long it takes.

import { describeHold } from "../../nemesis/hold.js";
import { NEMESIS_PACKAGES } from "../../nemesis/packages.js";
import { SUITES } from "../catalogue.js";

export function listLines(): string[] {
  const lines: string[] = [];
  for (const { name, description, nemesis, takes, claims } of SUITES) {
    lines.push(`${name}  (${takes})`, `  ${description}`);
    if (nemesis.length > 0) lines.push(`  nemesis: ${nemesis.join(", ")}`);
    lines.push(`  claims: ${Object.keys(claims).join(", ")}`, "");
  }
  lines.push("Claims:");
  const claims = new Map(SUITES.flatMap((suite) => Object.entries(suite.claims)));
  for (const [name, claim] of claims) lines.push(`  ${name}: ${claim}`);
  lines.push("", "Packages for --nemesis:");
  for (const { name, description, hold } of NEMESIS_PACKAGES) {
    lines.push(`  ${name}: ${description} ${upperFirst(describeHold(hold))}.`);
  }
  return lines;
}

function upperFirst(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
