// Three-valued verdicts and how they merge. Source: jepsen.checker (merge-valid, exit codes).

import type { Proof } from "./forensics/contradictions.js";
import type { HistoryOp } from "./history.js";

export type Valid = true | false | "unknown";

/** One check's finding. A check that crashed is `valid: "unknown"` with `crashed` set. */
export type CheckResult = {
  valid: Valid;
  /** One sentence for people: what was proved, or what is wrong, or why it is not known. */
  summary: string;
  /** Set where the check itself failed: the error's message. */
  crashed?: string;
  /** Numbers worth a table: counts, budgets, times. */
  figures?: Readonly<Record<string, number | string>>;
  /** Details of an anomaly, ready to print line by line. */
  explanation?: readonly string[];
  /** Who is proved to have lied, or to have broken its word. */
  proved?: readonly Proof[];
  /**
   * A smaller history that fails alike, where one was found. Kept in a file of its own, not in
   * verdict.json.
   */
  smallest?: readonly HistoryOp[];
};

export type Verdict = {
  "valid?": Valid;
  /** By check name, in the order they ran. */
  checks: Readonly<Record<string, CheckResult>>;
};

/**
 * The worst finding decides: false, then a check that crashed (its verdict is unknown), then
 * unknown, then true. No finding at all is unknown: nothing was judged.
 */
export function mergeValid(findings: readonly Valid[]): Valid {
  if (findings.includes(false)) return false;
  if (findings.length === 0 || findings.includes("unknown")) return "unknown";
  return true;
}

/** A smaller history that fails as this one does, of the first check that found one. */
export function smallestOf({ checks }: Verdict): readonly HistoryOp[] | undefined {
  return Object.values(checks).find(({ smallest }) => smallest !== undefined)?.smallest;
}

/** What the process exits with, as Jepsen's command line: 0 valid, 1 invalid, 2 unknown. */
export function exitCode(valid: Valid): 0 | 1 | 2 {
  if (valid === true) return 0;
  return valid === false ? 1 : 2;
}
