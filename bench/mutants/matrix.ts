// The kill matrix: which check caught each known-bad build, after how many seeds and seconds, and what
// the clean build had to say to the same seeds. As a table for people and as JSON.

import { THEMES } from "./catalogue.js";

export type Row = {
  id: string;
  /** Where it ran: the simulator, a real environment, or the unit tests. */
  where: string;
  /** The checks, invariants or tests that caught it; none: it survived. */
  caughtBy: readonly string[];
  /** What the first of them said. */
  summary: string;
  /** Seeds tried, the one that caught it included. */
  seeds: number;
  /** The highest of them. */
  seedLast: number;
  /** The one that caught it. */
  seed: number | undefined;
  /** Of CPU in the simulator, of the clock elsewhere. */
  seconds: number;
  /** "valid", or what the clean build was found guilty of on the same seeds. */
  clean: string;
};

export function isKilled({ caughtBy }: Row): boolean {
  return caughtBy.length > 0;
}

/** Seconds to the kill, of those that were killed. */
export function medianSeconds(rows: readonly Row[]): number {
  const seconds = rows
    .filter(isKilled)
    .map((row) => row.seconds)
    .sort((a, b) => a - b);
  return seconds[Math.floor(seconds.length / 2)] ?? Number.NaN;
}

export function renderMatrix(rows: readonly Row[]): string {
  const lines: string[] = [];
  const cells = rows.map((row) => [
    row.id,
    isKilled(row) ? row.caughtBy.join(", ") : "SURVIVED",
    String(row.seeds),
    row.seconds.toFixed(1),
    row.clean,
  ]);
  const table = [["mutant", "caught by", "seeds", "s", "clean build"], ...cells];
  const widths = table[0]?.map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)).join("  ");
  lines.push(line(table[0] ?? []).trimEnd());
  for (const [theme, mutants] of THEMES) {
    const own = cells.filter(([id]) => mutants.some((mutant) => mutant.id === id));
    if (own.length > 0) lines.push("", theme, ...own.map((row) => line(row).trimEnd()));
  }
  const killed = rows.filter(isKilled);
  const median = medianSeconds(rows).toFixed(1);
  lines.push("", `${killed.length} of ${rows.length} known-bad builds caught; median ${median} s`);
  return lines.join("\n");
}
