// Transactions, and why one precedes another, in words.

import type { Step } from "./cycle.js";
import { PROCESS, REALTIME, RW, WR, WW } from "./edges.js";
import { OK, READ, type Timetable, type Transactions } from "./transactions.js";

/** How a model speaks of its edges; `a` and `b` are the names of the two transactions. */
export type Wording = {
  /** The transaction on one line: who, what, what came back. */
  transaction(txn: number): string;
  /** Why a precedes b; the step is of kind WW, WR or RW. */
  dependency(step: Step, a: string, b: string): string;
  /** Why a was over before b began; the step is of kind PROCESS or REALTIME. */
  order(step: Step, a: string, b: string): string;
};

const SHOWN_MAX = 160;

export function cycleLines(name: string, steps: readonly Step[], wording: Wording): string[] {
  const names = new Map<number, string>();
  for (const { from } of steps) names.set(from, `T${names.size + 1}`);
  const nameOf = (txn: number) => names.get(txn) ?? "";
  return [
    `${name}: a cycle of ${steps.length} transactions`,
    ...steps.map(({ from }) => `  ${nameOf(from)} = ${wording.transaction(from)}`),
    ...steps.map((step) => {
      const [a, b] = [nameOf(step.from), nameOf(step.to)];
      return `  ${a} before ${b} (${kindName(step.kind)}) because ${reason(step, a, b, wording)}`;
    }),
  ];
}

function reason(step: Step, a: string, b: string, wording: Wording): string {
  const ordered = step.kind === PROCESS || step.kind === REALTIME;
  return ordered ? wording.order(step, a, b) : wording.dependency(step, a, b);
}

function kindName(kind: number): string {
  const names = new Map([
    [WW, "ww"],
    [WR, "wr"],
    [RW, "rw"],
    [PROCESS, "process"],
  ]);
  return names.get(kind) ?? "realtime";
}

/** "op 12 (process 3): append 3 to x, read y as [1, 2]; ok". */
export function transactionText(transactions: Transactions, txn: number, verb: string): string {
  const { start, kind, key, keys, element, values, process, index, outcome } = transactions;
  const parts: string[] = [];
  for (let op = start[txn] ?? 0; op < (start[txn + 1] ?? 0); op++) {
    const name = shown(keys[key[op] ?? 0]);
    if (kind[op] === READ) parts.push(`read ${name} as ${readText(transactions, op, verb)}`);
    else parts.push(`${verb} ${shown(values[element[op] ?? 0])} to ${name}`);
  }
  const ending = ["ok", "info", "fail"][outcome[txn] ?? OK];
  const text = cutText(parts.join(", "));
  return `op ${index[txn]} (process ${process[txn]}): ${text}; ${ending}`;
}

export function readText(transactions: Transactions, op: number, verb: string): string {
  const { element, values, listStart, listLength, lists } = transactions;
  if (verb === "append") {
    const begin = listStart[op] ?? 0;
    const list = lists.subarray(begin, begin + (listLength[op] ?? 0));
    const head = list.length > 12 ? `… (${list.length - 12} more) ` : "";
    return `[${head}${[...list.slice(-12)].map((each) => shown(values[each])).join(" ")}]`;
  }
  const seen = element[op] ?? -1;
  return seen < 0 ? "nil" : shown(values[seen]);
}

export function orderText(
  { process, index }: Timetable,
  { from, to, kind }: Step,
  a: string,
  b: string,
): string {
  return kind === PROCESS
    ? `process ${process[from]} had completed ${a} before it invoked ${b}`
    : `${a} (op ${index[from]}) had completed before ${b} (op ${index[to]}) was invoked`;
}

/** A key or a value as people write it. */
export function shown(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "nil");
}

function cutText(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 1)}…` : text;
}
