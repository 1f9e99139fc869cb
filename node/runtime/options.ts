// The command lines of the two processes. Anything unexpected is refused in one line with the usage.

import { parseArgs } from "node:util";
import { messageOf, OrdealError } from "./ordeal-error.js";

export type OptionNames = {
  required: readonly string[];
  optional: readonly string[];
  flags?: readonly string[];
};

export type Options = {
  /** A required option. */
  text(name: string): string;
  optional(name: string): string | undefined;
  flag(name: string): boolean;
};

/** Throws OrdealError for an unknown, repeated, missing or valueless option. */
export function parseOptions(usage: string, names: OptionNames, args: readonly string[]): Options {
  const { required, optional, flags = [] } = names;
  const refuse = (message: string, cause?: unknown): never => {
    throw new OrdealError("usage", `${message}; usage: ${usage}`, { cause });
  };
  const options = new Map<string, { type: "string" | "boolean"; multiple: true }>();
  for (const name of [...required, ...optional]) {
    options.set(name, { type: "string", multiple: true });
  }
  for (const name of flags) options.set(name, { type: "boolean", multiple: true });

  const values = new Map<string, unknown>();
  try {
    const parsed = parseArgs({ args: [...args], options: Object.fromEntries(options) });
    for (const [name, given] of Object.entries(parsed.values)) {
      if (!Array.isArray(given) || given.length > 1) refuse(`--${name} is given twice`);
      if (Array.isArray(given)) values.set(name, given[0]);
    }
  } catch (error) {
    if (error instanceof OrdealError) throw error;
    refuse(messageOf(error), error);
  }
  const find = (name: string) => {
    const value = values.get(name);
    return typeof value === "string" ? value : undefined;
  };
  for (const name of required) if (find(name) === undefined) refuse(`--${name} is missing`);
  return {
    text: (name) => find(name) ?? refuse(`--${name} is missing`),
    optional: find,
    flag: (name) => values.get(name) === true,
  };
}
