// The verdict on a run: every check that applies to what was recorded, each by itself.

import { agreement } from "./bank/agreement.js";
import { BankCase } from "./bank/bank-case.js";
import { REFUSALS } from "./bank/bank-operation.js";
import { conservation } from "./bank/conservation.js";
import { durability } from "./bank/durability.js";
import { blackBox, linearizable } from "./bank/linearizable.js";
import type { SearchLimits } from "./bank/search.js";
import { ledgerCycles, statementsTell } from "./cycles/ledger-cycles.js";
import { EVIDENCE_DEFAULTS, type EvidenceOptions, evidence } from "./evidence.js";
import { type Operation, pairOperations } from "./operations.js";
import { progress } from "./progress.js";
import type { RunRecord } from "./run-record.js";
import { seqOrder } from "./seq-order.js";
import { statistics } from "./statistics.js";
import { unhandledErrors } from "./unhandled-errors.js";
import { type CheckResult, mergeValid, type Verdict } from "./verdict.js";

export type CheckOptions = {
  /** Budget of the exact search; counted, not timed, so that verdicts repeat. */
  search?: SearchLimits;
  evidence?: EvidenceOptions;
  watch?: CheckWatch;
};

/** Told what will be judged, and of each finding as it is made: for whoever may have to end early. */
export type CheckWatch = {
  begin(names: readonly string[]): void;
  end(name: string, result: CheckResult): void;
};

/**
 * Judges a run. Never throws: a check that fails itself is reported as crashed, and unknown.
 * A history that stands alone (no replica named, no ledger) is judged by what it can tell.
 */
export function checkRun(record: RunRecord, options: CheckOptions = {}): Verdict {
  let operations: Operation[];
  try {
    operations = pairOperations(record.history);
  } catch (error) {
    return verdictOf(new Map([["history", crashed(error)]]));
  }
  const results = new Map<string, CheckResult>();
  const checks = checksOf(operations, record, options);
  options.watch?.begin(checks.map(([name]) => name));
  for (const [name, check] of checks) {
    const result = guarded(check);
    results.set(name, result);
    options.watch?.end(name, result);
  }
  return verdictOf(results);
}

/** What clients and the ledger answer in their own words. */
const HANDLED_ERRORS: ReadonlySet<string> = new Set([...REFUSALS, "timeout", "closed"]);

type Check = readonly [name: string, run: () => CheckResult];

function checksOf(
  operations: readonly Operation[],
  record: RunRecord,
  options: CheckOptions,
): readonly Check[] {
  const { ledgers, correctReplicas } = record;
  const bank = new BankCase(operations, ledgers, options.search);
  const ofHistory: Check[] = [
    ["linearizable", () => linearizable(bank)],
    ["black-box", () => blackBox(bank)],
  ];
  const alone = ledgers.length === 0 && correctReplicas.length === 0;
  // A history from elsewhere need not name seqs; our own replies always do.
  if (!alone || operations.some(({ seq }) => seq !== undefined)) {
    ofHistory.push(["seq-order", () => seqOrder(operations)]);
  }
  // Without ledgers, only statements tell which entries a read saw.
  if (!alone || statementsTell(operations)) {
    ofHistory.push(["cycles", () => ledgerCycles(operations, ledgers)]);
  }
  const ofLedgers: Check[] = [
    ["conservation", () => conservation(operations, record)],
    ["durability", () => durability(operations, record)],
    ["agreement", () => agreement(record)],
    ["progress", () => progress(operations, record)],
  ];
  return [
    ...ofHistory,
    ...(alone ? [] : ofLedgers),
    ["evidence", () => evidence(operations, record, options.evidence ?? EVIDENCE_DEFAULTS)],
    ["statistics", () => statistics(operations)],
    ["unhandled-errors", () => unhandledErrors(operations, HANDLED_ERRORS)],
  ];
}

function guarded(check: () => CheckResult): CheckResult {
  try {
    return check();
  } catch (error) {
    return crashed(error);
  }
}

/** What a runtime says where it can hold no more: no fault of the check's. */
const OUT_OF_MEMORY = /allocation failed|maximum size exceeded|Invalid (typed )?array length/;

function crashed(error: unknown): CheckResult {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof RangeError && OUT_OF_MEMORY.test(message)) {
    return notJudged("memory", message);
  }
  return { valid: "unknown", summary: `the check failed: ${message}`, crashed: message };
}

/** The finding of a check that was ended before it had one. */
export function notJudged(cause: "time" | "memory", detail: string): CheckResult {
  const summary = `not judged: the ${cause} budget ended (${detail})`;
  return { valid: "unknown", summary, figures: { cause } };
}

function verdictOf(results: ReadonlyMap<string, CheckResult>): Verdict {
  const valid = mergeValid([...results.values()].map((result) => result.valid));
  return { "valid?": valid, checks: Object.fromEntries(results) };
}
