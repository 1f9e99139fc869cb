// The command line of a benchmark: `--help` shows the usage and ends with 0; what is unexpected is refused
// in one line, and ends with 254.

import { parseOptions } from "../node/runtime/options.js";
import { EXIT_USAGE, OrdealError } from "../node/runtime/ordeal-error.js";

export type BenchOptions = {
  text(name: string, otherwise: string): string;
  /** A number above 0. */
  positive(name: string, otherwise: number): number;
  /** Some of those that are known, separated by commas; undefined where the option is absent. */
  some(name: string, known: readonly string[]): readonly string[] | undefined;
  flag(name: string): boolean;
};

/** Ends the process for `--help` and for anything but these options; so do the values' accessors. */
export function benchOptions(
  usage: string,
  names: { values: readonly string[]; flags?: readonly string[] },
): BenchOptions {
  const args = process.argv.slice(2);
  if (args.includes("--help")) {
    process.stdout.write(`usage: ${usage}\n`);
    process.exit(0);
  }
  const { values, flags = [] } = names;
  const options = orEnd(() => parseOptions(usage, { required: [], optional: values, flags }, args));
  const refuse = (name: string, wanted: string) =>
    orEnd(() => {
      const found = options.optional(name);
      throw new OrdealError("usage", `--${name}: want ${wanted}, found ${found}; usage: ${usage}`);
    });
  return {
    text: (name, otherwise) => options.optional(name) ?? otherwise,
    positive(name, otherwise) {
      const number = Number(options.optional(name) ?? otherwise);
      return number > 0 && Number.isFinite(number) ? number : refuse(name, "a number above 0");
    },
    some(name, known) {
      const parts = options.optional(name)?.split(",");
      if (parts === undefined || parts.every((part) => known.includes(part))) return parts;
      return refuse(name, `some of ${known.join(",")}`);
    },
    flag: (name) => options.flag(name),
  };
}

function orEnd<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof OrdealError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_USAGE);
  }
}
