// Whether some order of the operations, respecting real time, makes the bank answer what clients saw.
// First the order that the servers claim; where that is none, what ignores them decides. A pass is
// only ever a replayed order; an "invalid" only ever an exhausted search of what clients saw.

import { counted, cut } from "../describe.js";
import type { CheckResult } from "../verdict.js";
import type { BankCase } from "./bank-case.js";

/** Where an order comes from. */
type Source = "by ledger" | "by seq" | "inferred" | "searched";

export type Figures = { operations: number; indeterminate: number; order: Source; steps: number };

const PROBLEMS_MAX = 8;

/** With the servers' claim as the first candidate. */
export function linearizable(bank: BankCase): CheckResult {
  return judged(bank, (figures) => {
    const { claimed } = bank;
    if ("failure" in claimed) {
      const result = unaided(bank, figures);
      const claim = `the order that the servers claim is no witness: ${claimed.failure}`;
      if (result.valid === false) return result;
      return { ...result, explanation: [...(result.explanation ?? []), claim] };
    }
    figures.order = claimed.claim;
    const whose = claimed.claim === "by ledger" ? "the ledger's order" : "the order of their seqs";
    return passed(figures, `${whose} respects real time and replays`);
  });
}

/**
 * By what clients saw alone, whatever the servers say about order. Where that stays undecided, an
 * order claimed by the servers that replays is as good as any: it shows that there is one.
 */
export function blackBox(bank: BankCase): CheckResult {
  return judged(bank, (figures) => {
    if ("suspects" in bank.inferred && "order" in bank.claimed) {
      figures.order = bank.claimed.claim;
      return passed(figures, "no order was found from balances alone, but the claimed one replays");
    }
    const result = unaided(bank, figures);
    if (result.valid === true || result.explanation === undefined) return result;
    // Without a claim that holds, it is what the check of the claim came to.
    const { smallest: _, ...finding } = result;
    return { ...finding, explanation: ["as explained above, for linearizable"] };
  });
}

function judged(bank: BankCase, judge: (figures: Figures) => CheckResult): CheckResult {
  const { ops, impossible, notUnderstood } = bank.history;
  const indeterminate = ops.filter(({ optional }) => optional).length;
  const figures: Figures = { operations: ops.length, indeterminate, order: "inferred", steps: 0 };
  if (impossible.length > 0) {
    const explanation = cut(impossible, PROBLEMS_MAX);
    return { valid: false, summary: impossible[0] ?? "", figures, explanation };
  }
  if (indeterminate === ops.length) {
    return { valid: "unknown", summary: "no operation of the bank was answered", figures };
  }
  const result = judge(figures);
  if (result.valid === false || notUnderstood.length === 0) return result;
  const summary = `${counted(notUnderstood.length, "operation")} not understood: ${notUnderstood[0]}`;
  return { valid: "unknown", summary, figures, explanation: cut(notUnderstood, PROBLEMS_MAX) };
}

function unaided(bank: BankCase, figures: Figures): CheckResult {
  if ("order" in bank.inferred) {
    return passed(figures, "an order follows from the balances they saw, and replays");
  }
  const { result, steps } = bank.searched;
  figures.order = "searched";
  figures.steps = steps;
  if (result.valid !== true) return { ...result, figures };
  return passed(figures, "an order was found and replayed");
}

export function passed(figures: Figures, why: string): CheckResult {
  const summary = `${counted(figures.operations, "operation")} are linearizable: ${why}`;
  return { valid: true, summary, figures };
}
