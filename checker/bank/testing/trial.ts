// One trial of the fast checks against the slow exact ones: a small random history, right or spoilt,
// judged by each. Histories of a few operations meet the twin that tries every order; longer ones meet
// the exact search, which has met the twin.

import type { HistoryOp } from "../../history.js";
import { pairOperations } from "../../operations.js";
import type { LedgerDump } from "../../run-record.js";
import type { CheckResult, Valid } from "../../verdict.js";
import { BankCase } from "../bank-case.js";
import { bankHistory } from "../bank-history.js";
import { judgeTable } from "../judge-table.js";
import { blackBox, linearizable } from "../linearizable.js";
import { TableParser } from "../parse-table.js";
import { search } from "../search.js";
import {
  randomOf,
  SIMULATION_DEFAULTS,
  type SimulationOptions,
  simulate,
} from "../simulate-bank.js";
import { explicable } from "./brute-force.js";
import { corrupt } from "./corrupt.js";

export type Trial = {
  seed: number;
  /** What the history was drawn from. */
  drawn: SimulationOptions;
  /** What the slow check says; unknown where it ran out of budget. */
  expected: Valid;
  /** What each fast check said, and where its order came from. */
  found: readonly { check: string; valid: Valid; order: string }[];
};

/** Operations that the twin can try in every order. */
const TINY_MAX = 9;
const EXACT = { steps: 2_000_000, configurations: 500_000 };
/** The fast checks get less than the exact one, so that it is rarely their own search that is met. */
const FAST = { steps: 40_000, configurations: 20_000 };

/** Deterministic. */
export function trial(seed: number, size: "tiny" | "small"): Trial {
  const random = randomOf(Math.imul(seed, 0x9e3779b1));
  const options = size === "tiny" ? tinyOptions(seed, random) : smallOptions(seed, random);
  const drawn = { ...SIMULATION_DEFAULTS, ...options };
  const record = simulate(options);
  const history = corrupt(record.history, Math.floor(random() * 4), random);
  const views: readonly [string, readonly HistoryOp[], readonly LedgerDump[]][] = [
    ["with ledgers", history, record.ledgers],
    ["by seqs", history, []],
    ["alone", withoutSeqs(history), []],
    ["reads only", withoutWriteBalances(withoutSeqs(history)), []],
  ];
  const found: { check: string; valid: Valid; order: string }[] = [];
  let expected: Valid = "unknown";
  for (const [view, seen, ledgers] of views) {
    if (view !== "by seqs" && view !== "alone") expected = exact(seen, size);
    for (const { name, valid, figures } of judged(seen, ledgers)) {
      found.push({ check: `${name}, ${view}`, valid, order: String(figures?.["order"] ?? "") });
      if (valid !== "unknown" && expected !== "unknown" && valid !== expected) {
        return { seed, drawn, expected, found };
      }
    }
  }
  return { seed, drawn, expected, found };
}

/** By each of the fast checks: from the operations, and from the bytes of the history's file. */
function judged(
  history: readonly HistoryOp[],
  ledgers: readonly LedgerDump[],
): (CheckResult & { name: string })[] {
  const bank = new BankCase(pairOperations(history), ledgers, FAST);
  const parser = new TableParser();
  parser.write(new TextEncoder().encode(history.map((op) => `${JSON.stringify(op)}\n`).join("")));
  const parsed = parser.finish();
  const byColumns = Object.values((parsed && judgeTable(parsed)) ?? {});
  return [
    { name: "linearizable", ...linearizable(bank) },
    { name: "black box", ...blackBox(bank) },
    ...byColumns.map((finding) => ({ name: "columns", ...finding })),
  ];
}

/** The first finding that contradicts what is expected. */
export function disagreement({ seed, expected, found }: Trial): string | undefined {
  const last = found.at(-1);
  if (last === undefined || last.valid === "unknown" || expected === "unknown") return undefined;
  if (last.valid === expected) return undefined;
  return `seed ${seed}: ${last.check} says ${last.valid}, the slow check ${expected}`;
}

function exact(history: readonly HistoryOp[], size: "tiny" | "small"): Valid {
  if (size === "tiny") return explicable(history);
  const { ops, impossible } = bankHistory(pairOperations(history));
  if (impossible.length > 0) return false;
  return search(ops, new Map(), EXACT).found;
}

function tinyOptions(seed: number, random: () => number): Partial<SimulationOptions> {
  return {
    seed,
    operations: 2 + Math.floor(random() * (TINY_MAX - 1)),
    accounts: 1 + Math.floor(random() * 4),
    processes: 2 + Math.floor(random() * 4),
    infoShare: pick([0, 0.1, 0.3], random),
    readShare: pick([0.3, 0.6], random),
    statementShare: pick([0.1, 0.6], random),
    amountMax: pick([1, 3, 2 ** 32], random),
    opened: random() < 0.5,
  };
}

function smallOptions(seed: number, random: () => number): Partial<SimulationOptions> {
  return {
    seed,
    operations: 20 + Math.floor(random() * 41),
    accounts: 2 + Math.floor(random() * 9),
    processes: 4 + Math.floor(random() * 17),
    infoShare: pick([0, 0, 0.01, 0.05], random),
    readShare: pick([0.3, 0.6], random),
    statementShare: pick([0, 0.1], random),
    amountMax: pick([10, 2 ** 32], random),
    opened: true,
  };
}

/** The seq of a refusal stays: it tells it from an operation that was never sent. */
function withoutSeqs(history: readonly HistoryOp[]): HistoryOp[] {
  return history.map((op) => {
    const { seq: _, ...rest } = op;
    return op.type === "fail" ? op : rest;
  });
}

/** As a bank would answer that acknowledges writes without naming balances. */
function withoutWriteBalances(history: readonly HistoryOp[]): HistoryOp[] {
  return history.map((op) => {
    if (op.type !== "ok" || op.f === "balance" || op.f === "statement") return op;
    const asked = Object.entries(Object(op.value)).filter(([key]) => !/alance/.test(key));
    return { ...op, value: Object.fromEntries(asked) };
  });
}

function pick<T>(from: readonly [T, ...T[]], random: () => number): T {
  return from[Math.floor(random() * from.length)] ?? from[0];
}
