// Liveness: once everything is healed, operations must be acknowledged again within a bound that
// was computed before the run. An acknowledgement is an ok or the ledger's own refusal.

import { isRefused } from "./bank/bank-operation.js";
import { counted, cut, describe, duration, seconds } from "./describe.js";
import { NEVER, type Operation } from "./operations.js";
import type { RunRecord } from "./run-record.js";
import type { CheckResult } from "./verdict.js";

const EXAMPLES_MAX = 5;

/** When an operation was acknowledged, ns since the start of the run; NEVER where it was not. */
function acknowledgedAt(operation: Operation): number {
  const acknowledged = operation.outcome === "ok" || isRefused(operation);
  return acknowledged ? (operation.completion?.time ?? NEVER) : NEVER;
}

/** When its client stopped waiting for it; NEVER where it still waited at the end. */
function givenUpAt(operation: Operation): number {
  return operation.completion?.time ?? NEVER;
}

/**
 * Invalid where an operation invoked after healing waited for longer than the bound; or where its
 * client gave up sooner, and within the bound nothing else that the same client process invoked
 * since was acknowledged either. Where the run ended too early to tell, unknown.
 */
export function progress(operations: readonly Operation[], record: RunRecord): CheckResult {
  const { healedAt, recoveryBoundNs } = record;
  if (healedAt === undefined || recoveryBoundNs === undefined) {
    return { valid: "unknown", summary: "the run did not come to its healing, or set no bound" };
  }
  const end = Math.max(0, ...lastTimes(record));
  const after = operations.filter(({ invocation }) => invocation.time >= healedAt);
  const served = after.filter((operation) => acknowledgedAt(operation) !== NEVER);
  const servedNext = servedNextAt(after);
  const judged = after.map((operation) => {
    const next = servedNext.get(operation) ?? NEVER;
    return { operation, verdict: judge(operation, next, recoveryBoundNs, end) };
  });
  const recovery = recoveryOf(served, healedAt);
  const recoveries = recoveriesOf(operations, record);
  const figures = {
    invoked: after.length,
    acknowledged: served.length,
    "bound ns": recoveryBoundNs,
    ...(recovery === undefined
      ? {}
      : { "first acknowledgement ns": recovery.first, "slowest ns": recovery.slowest }),
    ...Object.fromEntries(recoveries.map(({ name, ns }) => [`recovery ns, ${name}`, ns])),
  };
  const [healed, bound] = [`at ${seconds(healedAt)}`, duration(recoveryBoundNs)];
  const late = judged.filter(({ verdict }) => verdict === "late");
  if (late.length > 0) {
    return {
      valid: false,
      summary: `${counted(late.length, "operation")} invoked after healing (${healed}) had no answer within ${bound}`,
      figures,
      explanation: cut(
        late.map(({ operation }) => describe(operation)),
        EXAMPLES_MAX,
      ),
    };
  }
  if (recovery === undefined) {
    const what = after.length === 0 ? "no operation was invoked" : "the run ended too early";
    return { valid: "unknown", summary: `${what} after healing, ${healed}`, figures };
  }
  const open = judged.filter(({ verdict }) => verdict === "too early to tell");
  const unserved = nodesOf(after).filter((node) => !nodesOf(served).includes(node));
  if (unserved.length > 0) {
    return {
      valid: "unknown",
      summary: `the run ended too early to tell whether ${unserved.join(", ")} is served again`,
      figures,
      explanation: cut(
        open.map(({ operation }) => describe(operation)),
        EXAMPLES_MAX,
      ),
    };
  }
  const all = counted(served.length, "operation");
  const slowest = recoveries.reduce((most, { ns }) => Math.max(most, ns), 0);
  const each =
    recoveries.length === 0
      ? ""
      : `; after each of ${counted(recoveries.length, "fault")} within ${duration(slowest)}`;
  const summary = `served ${duration(recovery.first)} after healing; all ${all} within ${bound}${each}`;
  return { valid: true, summary, figures };
}

/**
 * For each fault that landed and ended: how long after its end the first operation was acknowledged
 * that was invoked since, ns. Left out where none was: other faults may have gone on.
 */
function recoveriesOf(
  operations: readonly Operation[],
  { faults }: RunRecord,
): { name: string; ns: number }[] {
  return faults.flatMap(({ id, label, stop, landed }) => {
    if (stop === undefined || !landed) return [];
    let first = NEVER;
    for (const operation of operations) {
      if (operation.invocation.time < stop) continue;
      // They are in the order of their calls: none later can be acknowledged sooner than it begins.
      if (operation.invocation.time > first) break;
      first = Math.min(first, acknowledgedAt(operation));
    }
    return first === NEVER ? [] : [{ name: `${id} (${label})`, ns: first - stop }];
  });
}

/**
 * For each operation, when the first acknowledgement came for one that its client process invoked
 * then or later. `operations` are in the order of their calls.
 */
function servedNextAt(operations: readonly Operation[]): ReadonlyMap<Operation, number> {
  const earliest = new Map<string | undefined, number>();
  const next = new Map<Operation, number>();
  for (const operation of operations.toReversed()) {
    const { node } = operation;
    const acknowledged = Math.min(acknowledgedAt(operation), earliest.get(node) ?? NEVER);
    earliest.set(node, acknowledged);
    next.set(operation, acknowledged);
  }
  return next;
}

function judge(
  operation: Operation,
  servedNext: number,
  boundNs: number,
  end: number,
): "in time" | "late" | "too early to tell" {
  const deadline = operation.invocation.time + boundNs;
  const acknowledged = acknowledgedAt(operation);
  if (acknowledged <= deadline) return "in time";
  const waited = Math.min(givenUpAt(operation), end);
  if (acknowledged !== NEVER || waited > deadline) return "late";
  // Its client gave up before the bound, or the run ended. Was the client process served at all?
  if (servedNext <= deadline) return "in time";
  return end > deadline && givenUpAt(operation) !== NEVER ? "late" : "too early to tell";
}

function lastTimes({ history }: RunRecord): readonly number[] {
  const last = history.at(-1);
  return last === undefined ? [] : [last.time];
}

/** When the first operation was acknowledged, from healing on, and how long the slowest took; ns. */
function recoveryOf(
  served: readonly Operation[],
  healedAt: number,
): { first: number; slowest: number } | undefined {
  if (served.length === 0) return undefined;
  let first = NEVER;
  let slowest = 0;
  for (const operation of served) {
    first = Math.min(first, acknowledgedAt(operation) - healedAt);
    slowest = Math.max(slowest, acknowledgedAt(operation) - operation.invocation.time);
  }
  return { first, slowest };
}

function nodesOf(operations: readonly Operation[]): string[] {
  return [...new Set(operations.map(({ node }) => node ?? "an unnamed client"))];
}
