// Operations and times in words, the same everywhere.

import type { Operation } from "./operations.js";

/** Nanoseconds since the start of the run as seconds: "12.031 s". */
export function seconds(ns: number): string {
  return `${(ns / 1e9).toFixed(3)} s`;
}

/** A duration in ns, in the unit that suits it. */
export function duration(ns: number): string {
  return ns < 1e9 ? `${(ns / 1e6).toFixed(1)} ms` : seconds(ns);
}

/** "op 12 (process 3 on c0): deposit {account: A, amount: 5}, 0.1 s to 0.2 s, ok balance 9, seq 4". */
export function describe(operation: Operation): string {
  const { invocation, completion, process, node, f } = operation;
  const carrier = node === undefined ? "" : ` on ${node}`;
  const asked = `${f} ${values(operation.value)}`;
  const end = completion === undefined ? "the end" : seconds(completion.time);
  const window = `${seconds(invocation.time)} to ${end}`;
  const who = `op ${invocation.index} (process ${process}${carrier})`;
  return `${who}: ${asked}, ${window}, ${ending(operation)}`;
}

/** What came back. */
function ending({ completion, outcome, value, seq, client, timestamp }: Operation): string {
  const at = seq === undefined ? "" : `, seq ${seq}`;
  const identity =
    client === undefined || timestamp === undefined
      ? ""
      : `, client ${client} timestamp ${timestamp}`;
  if (completion === undefined) return `never answered${identity}`;
  const error = completion.error === undefined ? "" : ` ${completion.error}`;
  if (outcome === "info") return `not known whether it took effect (info${error})${identity}`;
  if (outcome === "fail") return `fail${error}${at}${identity}`;
  const answer = answered(value, completion.value);
  return `ok${answer === "" ? "" : ` ${answer}`}${at}${identity}`;
}

/** The fields of the answer that the question did not have. */
function answered(asked: unknown, answer: unknown): string {
  if (typeof answer !== "object" || answer === null) return values(answer);
  const known = new Set(typeof asked === "object" && asked !== null ? Object.keys(asked) : []);
  return Object.entries(answer)
    .filter(([key]) => !known.has(key))
    .map(([key, value]) => `${key} ${values(value)}`)
    .join(", ");
}

/** A value on one line, cut where it is long. */
export function values(value: unknown): string {
  const text =
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? `{${Object.entries(value)
          .map(([key, field]) => `${key}: ${scalar(field)}`)
          .join(", ")}}`
      : scalar(value);
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

function scalar(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value) ?? "nothing";
}

/** "1 operation", "2 operations", "3 entries". */
export function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun.endsWith("try") ? `${noun.slice(0, -1)}ies` : `${noun}s`}`;
}

/** The first `max` of a list of lines, and how many were left out. */
export function cut(lines: readonly string[], max: number): string[] {
  if (lines.length <= max) return [...lines];
  return [...lines.slice(0, max), `… and ${lines.length - max} more`];
}
