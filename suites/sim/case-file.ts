// A scenario in a file, with the check that failed in it: what shrinking keeps and what a regression is
// made of. It says all that decides the run, so it stays what it is when the swarm draws others.

import { readFileSync, writeFileSync } from "node:fs";
import { oneLine, UsageError } from "../usage-error.js";
import type { Scenario } from "./scenario.js";
import { drawScenario } from "./swarm.js";

export type SimCase = {
  /** The check that said invalid when it was kept. */
  fails: string;
  scenario: Scenario;
};

export function writeCase(path: string, { fails, scenario }: SimCase): void {
  writeFileSync(path, `${JSON.stringify({ fails, scenario }, null, 2)}\n`);
}

/** Throws UsageError where the file is none or lacks a part. */
export function readCase(path: string): SimCase {
  const refuse = (why: string) => new UsageError("bad-option", `${path} is no scenario: ${why}`);
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw refuse(oneLine(error));
  }
  if (!isObject(found) || typeof found["fails"] !== "string") throw refuse(`it has no "fails"`);
  const { scenario } = found;
  if (!isObject(scenario)) throw refuse(`it has no "scenario"`);
  // Whatever the swarm draws has the parts that a scenario must have.
  for (const [key, drawn] of Object.entries(drawScenario(0))) {
    const value = scenario[key];
    if (typeof value !== typeof drawn || Array.isArray(value) !== Array.isArray(drawn)) {
      throw refuse(`"scenario.${key}" is ${JSON.stringify(value) ?? "missing"}`);
    }
  }
  return found as SimCase;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
