// From a run on disk to its verdict. A run that has just ended and a run judged again pass through
// here alike, so that the verdict depends on nothing but the files.

import { join } from "node:path";
import { type CheckWatch, checkRun } from "../checker/check.js";
import { accountable } from "../checker/forensics/accountable.js";
import type { JournalScan, Signers } from "../checker/forensics/journals.js";
import type { HistoryOp } from "../checker/history.js";
import { type LogScan, logPatterns } from "../checker/log-patterns.js";
import { readHistory } from "../checker/read-history.js";
import type { RunRecord } from "../checker/run-record.js";
import { type CheckResult, mergeValid, type Verdict } from "../checker/verdict.js";
import type { ClusterView, FaultRecord } from "../nemesis/faults.js";
import { replicaNames } from "./cluster/layout.js";
import { faultSpans } from "./fault-spans.js";
import { scanReplicaLogs } from "./replica-logs.js";
import type { RunMeta } from "./run-meta.js";
import { readStatements } from "./statements.js";
import { readFaults, readLedgers, readMeta } from "./store.js";

/** Environments whose replicas write logs: where none was collected, what they tell is unknown. */
const WRITE_LOGS: ReadonlySet<string> = new Set(["local", "netns"]);
/** The same of journals, where the run's own claims know of them. */
const KEEP_JOURNALS: ReadonlySet<string> = new Set([
  ...["sim", "local", "netns", "uml"],
  ...["ssh", "docker", "vagrant"],
]);

export type SavedRun = {
  meta: RunMeta;
  record: RunRecord;
  faults: readonly FaultRecord[];
  /** What was torn in its files, one line each. */
  notes: readonly string[];
  /** What the logs of correct replicas tell. */
  logs: LogScan;
  /** What its replicas heard one another sign; absent where no journal or no keys were kept. */
  statements?: { scan: JournalScan; signers: Signers } | undefined;
};

type RunHistory = { history: HistoryOp[]; notes: string[] };

/** A run's history, which is whole before the rest of its files are. Throws HistoryError. */
export function readRunHistory(directory: string): RunHistory {
  const notes: string[] = [];
  const history = readHistory(join(directory, "history.jsonl"), (torn) => notes.push(torn));
  return { history, notes };
}

/** Throws UsageError or HistoryError where a file is not what it should be. */
export function readRun(directory: string, read?: RunHistory): SavedRun {
  const meta = readMeta(directory);
  const { history, notes } = read ?? readRunHistory(directory);
  const { faults, torn } = readFaults(directory);
  if (torn !== undefined) notes.push(torn);
  const { healed } = meta.phases;
  const record: RunRecord = {
    history,
    faults: faultSpans(faults, clusterOf(meta, history), meta.protocol),
    ledgers: readLedgers(directory, meta.correctReplicas),
    correctReplicas: meta.correctReplicas,
    ...(healed > 0 ? { healedAt: healed, recoveryBoundNs: meta.recoveryBoundNs } : {}),
    quiescence: meta.quiescence,
    expectedFaults: meta.expectedFaults,
  };
  const logs = scanReplicaLogs(directory, meta.correctReplicas);
  const statements = readStatements(directory, meta.correctReplicas);
  return { meta, record, faults, notes, logs, statements };
}

export function judgeRun(
  { meta, record, logs, statements }: SavedRun,
  watch?: CheckWatch,
): Verdict {
  const keepsJournals = KEEP_JOURNALS.has(meta.environment) && "accountable" in meta.claims;
  const checks = {
    ...meta.seen,
    ...checkRun(record, watch === undefined ? {} : { watch }).checks,
    processes: checkProcesses(meta),
    ...(logs.sources > 0 || WRITE_LOGS.has(meta.environment)
      ? { "log-patterns": logPatterns(logs, record.faults) }
      : {}),
    ...(statements !== undefined || keepsJournals
      ? { accountable: accountable(statements, record.faults) }
      : {}),
  };
  return { "valid?": mergeValid(Object.values(checks).map(({ valid }) => valid)), checks };
}

/** A history that stands alone: nothing is known of ledgers, faults or processes. */
export function judgeHistory(
  path: string,
  watch?: CheckWatch,
): { verdict: Verdict; notes: readonly string[] } {
  const notes: string[] = [];
  const history = readHistory(path, (torn) => notes.push(torn));
  const alone = { faults: [], ledgers: [], correctReplicas: [], expectedFaults: [] };
  const options = watch === undefined ? {} : { watch };
  return { verdict: checkRun({ history, ...alone }, options), notes };
}

/** Names of the claims that a verdict found false, in order. */
export function failedChecks(verdict: Verdict): readonly string[] {
  return Object.entries(verdict.checks).flatMap(([name, check]) =>
    check.valid === false ? [name] : [],
  );
}

/** The nodes that faults may name; who was primary does not matter afterwards. */
function clusterOf({ replicas, f }: RunMeta, history: readonly HistoryOp[]): ClusterView {
  const clients = new Set(history.flatMap(({ node }) => (node === undefined ? [] : [node])));
  return { replicas: replicaNames(replicas), clients: [...clients].sort(), f, primary: undefined };
}

function checkProcesses(meta: RunMeta): CheckResult {
  if (meta.incomplete !== undefined) {
    return { valid: "unknown", summary: `the run did not end: ${meta.incomplete}` };
  }
  const exits = meta.unexpectedExits ?? [];
  if (exits.length === 0) {
    return {
      valid: true,
      summary: `all ${meta.replicas} replicas ran whenever no fault held them`,
    };
  }
  const first = exits[0];
  return {
    valid: false,
    summary: `${exits.length} unexpected exits; first ${first?.node}: ${first?.how}`,
    explanation: exits.flatMap(({ node, pid, how, at, stderr }) => [
      `${node} (pid ${pid}) ended by itself at ${at}: ${how}`,
      ...stderr
        .split("\n")
        .filter((line) => line.trim() !== "")
        .map((line) => `  ${line}`),
    ]),
  };
}
