// Reads files of JSON lines. Only the last line may be torn: a run that was killed while it wrote.

import { oneLine, UsageError } from "./usage-error.js";

export type JsonLines = {
  values: readonly Readonly<Record<string, unknown>>[];
  /** Said where the last line was torn and is left out. */
  torn?: string;
};

/** Throws UsageError naming the first line, from 1, that is no JSON object. */
export function readJsonLines(text: string, path: string): JsonLines {
  const lines = text.split("\n");
  const tail = lines.pop() ?? "";
  const values = lines.map((line, index) => parseLine(line, `${path} line ${index + 1}`));
  if (tail === "") return { values };
  return {
    values,
    torn: `${path} line ${lines.length + 1} is torn (the run was cut off): left out`,
  };
}

export function parseJsonObject(text: string, where: string): Readonly<Record<string, unknown>> {
  return parseLine(text, where);
}

function parseLine(line: string, where: string): Readonly<Record<string, unknown>> {
  const value = parse(line, where);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  const found = line.length > 40 ? `${line.slice(0, 40)}…` : line;
  throw new UsageError("malformed", `${where}: wanted a JSON object, found "${found}"`);
}

function parse(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new UsageError("malformed", `${where}: not JSON (${oneLine(error)})`);
  }
}
