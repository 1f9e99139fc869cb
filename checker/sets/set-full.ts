// Elements added to a set and reads of the whole set: an element that is known to be there, once read,
// must stay. Source: jepsen.checker/set-full, jepsen.checker/set

import { counted, cut, describe } from "../describe.js";
import type { Operation } from "../operations.js";
import type { CheckResult } from "../verdict.js";

/** Whether a read may miss, for a while, what an add before it was acknowledged. */
export type SetOptions = { staleReads?: "allowed" | "refused" };

/** One element's story. Ranks as in Operation. */
type Element = {
  value: unknown;
  add: Operation | undefined;
  /** When it was first known to be there: by the return of its add, or of a read that saw it. */
  known: number;
  /** The newest read that saw it, and the newest that missed it, by their calls. */
  present: Operation | undefined;
  absent: Operation | undefined;
  /** Whether a read that was called after it was known missed it. */
  missed: boolean;
};

const EXAMPLES_MAX = 8;

/** `add` of one element, `read` of a list of all. Cost: the sum of what all reads show. */
export function checkSet(
  operations: readonly Operation[],
  { staleReads = "refused" }: SetOptions = {},
): CheckResult {
  const elements = new Map<unknown, Element>();
  const broken: string[] = [];
  for (const operation of operations) {
    const { f, value, outcome, ret } = operation;
    if (f !== "add") continue;
    if (outcome === "fail") continue;
    const known = outcome === "ok" ? ret : Number.POSITIVE_INFINITY;
    const element = { present: undefined, absent: undefined, missed: false };
    elements.set(value, { value, add: operation, known, ...element });
  }
  const reads = operations.filter(({ f, outcome }) => f === "read" && outcome === "ok");
  const byReturn = [...reads].sort((a, b) => a.ret - b.ret);
  for (const read of byReturn) noteSeen(read, elements, broken);
  for (const read of reads) noteMissed(read, elements);
  return verdictOf([...elements.values()], reads.length, broken, staleReads);
}

function listOf({ completion }: Operation): readonly unknown[] {
  const value = completion?.value;
  return Array.isArray(value) ? value : [];
}

function noteSeen(read: Operation, elements: Map<unknown, Element>, broken: string[]): void {
  const seen = new Set<unknown>();
  for (const value of listOf(read)) {
    if (seen.has(value)) broken.push(`${text(value)} stands twice in ${describe(read)}`);
    seen.add(value);
    const element = elements.get(value);
    if (element === undefined) {
      broken.push(`${text(value)} was never added, or its add failed: ${describe(read)}`);
      continue;
    }
    element.known = Math.min(element.known, read.ret);
    if ((element.present?.call ?? -1) < read.call) element.present = read;
  }
}

function noteMissed(read: Operation, elements: ReadonlyMap<unknown, Element>): void {
  const seen = new Set(listOf(read));
  for (const element of elements.values()) {
    if (seen.has(element.value)) continue;
    if ((element.absent?.call ?? -1) < read.call) element.absent = read;
    if (read.call > element.known) element.missed = true;
  }
}

function verdictOf(
  elements: readonly Element[],
  reads: number,
  broken: readonly string[],
  staleReads: "allowed" | "refused",
): CheckResult {
  const last = (operation: Operation | undefined) => operation?.call ?? -1;
  const isLost = ({ missed, present, absent }: Element) => missed && last(present) < last(absent);
  const lost = elements.filter(isLost);
  const stable = elements.filter(({ present, absent }) => last(present) > last(absent));
  const stale = stable.filter(({ missed }) => missed);
  const figures = {
    elements: elements.length,
    reads,
    stable: stable.length,
    lost: lost.length,
    stale: stale.length,
    "never read": elements.length - stable.length - lost.length,
  };
  const lines = [
    ...broken,
    ...lost.map(
      ({ value, absent, add }) => `${text(value)} is lost: ${told(absent)}; ${told(add)}`,
    ),
    ...(staleReads === "allowed" ? [] : stale).map(
      ({ value, add }) => `${text(value)} was missed for a while after it was known: ${told(add)}`,
    ),
  ];
  if (lines.length > 0) {
    return {
      valid: false,
      summary: lines[0] ?? "",
      figures,
      explanation: cut(lines, EXAMPLES_MAX),
    };
  }
  if (stable.length === 0) {
    return { valid: "unknown", summary: "no read saw any element that was added", figures };
  }
  const summary = `${counted(stable.length, "element")} of ${elements.length} stayed, in ${counted(reads, "read")}`;
  return { valid: true, summary, figures };
}

function told(operation: Operation | undefined): string {
  return operation === undefined ? "" : describe(operation);
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? "nil";
}
