// Whether there is anything to judge: a run in which little was done, or no fault bit, proves nothing.

import { isRead, isRefused, isWrite } from "./bank/bank-operation.js";
import { counted, seconds } from "./describe.js";
import type { Operation } from "./operations.js";
import type { FaultSpan, RunRecord } from "./run-record.js";
import type { CheckResult } from "./verdict.js";

export type EvidenceOptions = {
  /** Fewer ok reads are too few to tell. */
  okReadsMin: number;
  /** The same of opens, deposits, withdrawals and moves. */
  okWritesMin: number;
};

export const EVIDENCE_DEFAULTS: EvidenceOptions = { okReadsMin: 10, okWritesMin: 10 };

/** True or unknown, never false: a lack of evidence is no fault of the system's. */
export function evidence(
  operations: readonly Operation[],
  record: RunRecord,
  options: EvidenceOptions = EVIDENCE_DEFAULTS,
): CheckResult {
  const ok = operations.filter(({ outcome }) => outcome === "ok");
  const reads = ok.filter(({ f }) => isRead(f)).length;
  const writes = ok.filter(({ f }) => isWrite(f)).length;
  const landed = record.faults.filter((fault) => fault.landed);
  const lacking: string[] = [];
  if (reads < options.okReadsMin) lacking.push(tooFew(reads, "ok read", options.okReadsMin));
  if (writes < options.okWritesMin) lacking.push(tooFew(writes, "ok write", options.okWritesMin));
  for (const kind of record.expectedFaults) {
    const planned = record.faults.filter((fault) => kindOf(fault) === kind);
    if (planned.some((fault) => fault.landed)) continue;
    const found = planned.length === 0 ? "none was started" : `${planned[0]?.evidence}`;
    lacking.push(`no ${kind} fault landed: ${found}`);
  }
  const figures: Record<string, number> = {
    "ok reads": reads,
    "ok writes": writes,
    faults: record.faults.length,
    "faults landed": landed.length,
  };
  const explanation: string[] = [];
  for (const fault of landed) {
    const { attempted, completed } = during(operations, fault);
    const counts = `${counted(attempted, "operation")} in flight, ${completed} completed`;
    explanation.push(`${fault.id} ${fault.label}: ${counts}; ${fault.evidence}`);
    const from = `since ${seconds(fault.start)}`;
    if (attempted === 0) lacking.push(`nobody asked anything during ${fault.label}, ${from}`);
    else if (fault.serving === true && completed === 0) {
      lacking.push(`nothing was served during ${fault.label}, ${from}, though it should have been`);
    }
  }
  for (const fault of record.faults) {
    if (!fault.landed)
      explanation.push(`${fault.id} ${fault.label}: did not land; ${fault.evidence}`);
  }
  if (lacking.length > 0) {
    const summary = `not enough evidence: ${lacking[0]}`;
    return { valid: "unknown", summary, figures, explanation: [...lacking, ...explanation] };
  }
  const faults =
    record.faults.length === 0
      ? "no fault was planned"
      : `${landed.length} of ${counted(record.faults.length, "fault")} landed, each with operations in flight`;
  const summary = `${counted(reads, "read")} and ${counted(writes, "write")} succeeded; ${faults}`;
  return { valid: true, summary, figures, ...(explanation.length === 0 ? {} : { explanation }) };
}

function tooFew(count: number, noun: string, min: number): string {
  return `${counted(count, noun)} where ${min} are needed`;
}

/** A fault's label begins with its kind: "partition isolate primary → r0". */
function kindOf({ label }: FaultSpan): string {
  return label.split(" ")[0] ?? "";
}

/** Operations in flight at some time of the fault, and those that the ledger answered in it. */
function during(
  operations: readonly Operation[],
  { start, stop = Number.POSITIVE_INFINITY }: FaultSpan,
): { attempted: number; completed: number } {
  let attempted = 0;
  let completed = 0;
  for (const operation of operations) {
    const { invocation, completion, outcome } = operation;
    const end = completion?.time ?? Number.POSITIVE_INFINITY;
    if (invocation.time > stop || end < start) continue;
    attempted += 1;
    const answered = outcome === "ok" || isRefused(operation);
    if (answered && end <= stop) completed += 1;
  }
  return { attempted, completed };
}
