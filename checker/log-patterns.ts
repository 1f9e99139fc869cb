// What the replicas themselves wrote about going wrong: a failed assertion that a restart hides from
// clients is a bug all the same. Source: jepsen.checker/log-file-pattern

import { counted, cut } from "./describe.js";
import type { FaultSpan } from "./run-record.js";
import type { CheckResult } from "./verdict.js";

/** A line of a log in which a pattern was found. */
export type LogMatch = {
  /** The file, as people would name it: "r0/log.jsonl". */
  source: string;
  /** From 1. */
  line: number;
  pattern: string;
  text: string;
};

export type LogScan = { sources: number; lines: number; matches: readonly LogMatch[] };

/** What a line is about, the first that fits. */
const PATTERNS: readonly (readonly [pattern: string, expression: RegExp])[] = [
  ["assertion", /\bassert/i],
  ["damage", /corrupt|\bdamaged\b|malformed|cannot be written/i],
  ["memory", /out of memory/i],
  ["panic", /\bpanic|\bfatal\b|uncaught|unhandled|\bcrashed\b|segmentation fault/i],
  ["divergence", /\bdiverged\b/],
];

/** What a replica rightly says of itself under, or after, a fault of this kind on it. */
const EXPLAINED: ReadonlyMap<string, readonly string[]> = new Map([
  ["disk", ["damage"]],
  ["memory", ["memory"]],
  // What rotted unnoticed shows when its digest is not what all others have.
  ["disk-damage", ["damage", "divergence"]],
]);

const EXAMPLES_MAX = 12;
const TEXT_MAX = 240;

/** Looks through lines one by one; what matched is kept, the rest is counted. */
export function scanLog(source: string, lines: Iterable<string>): LogScan {
  const matches: LogMatch[] = [];
  let count = 0;
  for (const line of lines) {
    count += 1;
    const text = told(line);
    const found = PATTERNS.find(([, expression]) => expression.test(text));
    if (found !== undefined) {
      matches.push({ source, line: count, pattern: found[0], text: text.slice(0, TEXT_MAX) });
    }
  }
  return { sources: 1, lines: count, matches };
}

export function mergeScans(scans: readonly LogScan[]): LogScan {
  return {
    sources: scans.reduce((sum, { sources }) => sum + sources, 0),
    lines: scans.reduce((sum, { lines }) => sum + lines, 0),
    matches: scans.flatMap(({ matches }) => matches),
  };
}

/** False where a pattern was found that no fault of the run explains. */
export function logPatterns(scan: LogScan, faults: readonly FaultSpan[]): CheckResult {
  const bad = scan.matches.filter((match) => !faults.some((fault) => explains(fault, match)));
  const figures = { logs: scan.sources, lines: scan.lines, matches: scan.matches.length };
  if (scan.sources === 0) return { valid: "unknown", summary: "no log was collected", figures };
  const first = bad[0];
  if (first === undefined) {
    const explained = scan.matches.length === 0 ? "" : ", but for what a fault had done";
    const read = `${counted(scan.lines, "line")} of ${counted(scan.sources, "log")}`;
    return { valid: true, summary: `${read} tell of no failure${explained}`, figures };
  }
  return {
    valid: false,
    summary: `${counted(bad.length, "line")} tell of a failure; first ${shown(first)}`,
    figures,
    explanation: cut(bad.map(shown), EXAMPLES_MAX),
  };
}

function explains({ label, nodes }: FaultSpan, { source, pattern }: LogMatch): boolean {
  const patterns = EXPLAINED.get(label.split(" ")[0] ?? "") ?? [];
  const ofNode = nodes === undefined || source.split("/").some((part) => nodes.includes(part));
  return ofNode && patterns.includes(pattern);
}

function shown({ source, line, pattern, text }: LogMatch): string {
  return `${source}:${line}: ${pattern}: ${text}`;
}

/** A structured line's event and what it says of it; counters of what peers sent are no failures. */
function told(line: string): string {
  if (!line.startsWith("{")) return line;
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = Object(JSON.parse(line));
  } catch (error) {
    if (error instanceof SyntaxError) return line; // Torn by a kill: text like any other.
    throw error;
  }
  return ["event", "reason", "error", "message", "stack"]
    .map((name) => fields[name])
    .filter((value) => typeof value === "string")
    .join(": ");
}
