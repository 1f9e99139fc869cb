// A long history of a simulated bank, written to a file a few thousand lines at a time.

import { closeSync, openSync, writeSync } from "node:fs";
import { type LoadOptions, simulateLoad } from "../checker/bank/simulate-load.js";

const LINES_A_WRITE = 10_000;

export function writeLoad(path: string, options: Partial<LoadOptions>): void {
  const file = openSync(path, "w");
  let lines: string[] = [];
  const flush = () => {
    writeSync(file, lines.join(""));
    lines = [];
  };
  for (const op of simulateLoad(options)) {
    lines.push(`${JSON.stringify(op)}\n`);
    if (lines.length === LINES_A_WRITE) flush();
  }
  flush();
  closeSync(file);
}
