// `ordeal replay`: repeats a saved run and says whether the same claims fail again.

import type { FaultKind } from "../../nemesis/faults.js";
import { campaignRun, endingOf } from "../campaign.js";
import type { Ending } from "../exit-code.js";
import { failedChecks, judgeRun, type SavedRun } from "../judge.js";
import { OPERATION_TIMEOUT_MS, QUIESCENCE_DEADLINE_MS } from "../plan.js";
import { recoveryBoundNs } from "../recovery-bound.js";
import { recordedLoadMs, recordedOps, replayScript } from "../replay.js";
import type { RunContext, RunPlan } from "../run.js";
import { slownessOf } from "../slowness.js";
import { UsageError } from "../usage-error.js";

/** Longer than the recorded load: a slower machine must be able to end it. */
const LOAD_ALLOWANCE_MS = 30_000;

export async function replayCommand(
  saved: SavedRun,
  { path, build, commit }: { path: string; build: string; commit: string },
  context: RunContext,
): Promise<Ending> {
  const { output } = context;
  const before = failedChecks(judgeRun(saved));
  const run = await campaignRun(replayPlan(saved, path, build, commit), context);
  const after = run.outcome === undefined ? [] : failedChecks(run.outcome.verdict);
  const again = before.filter((name) => after.includes(name));
  const names = (checks: readonly string[]) => (checks.length === 0 ? "none" : checks.join(", "));
  output.line(`failed in the recorded run: ${names(before)}; in the replay: ${names(after)}`);
  if (before.length > 0) {
    const same = again.length === before.length && after.length === before.length;
    const some =
      again.length > 0 ? `these fail again: ${names(again)}` : "none of them fails again";
    output.line(same ? "the same claims fail again" : some);
  }
  return endingOf(run);
}

function replayPlan(saved: SavedRun, path: string, build: string, commit: string): RunPlan {
  const { meta, faults } = saved;
  const clientProcesses = clientProcessesOf(saved);
  const clients = Array.from({ length: clientProcesses }, (_, index) => `c${index}`);
  const ops = recordedOps(saved, clients);
  const concurrency = numberOption(saved, "concurrency");
  const accounts = numberOption(saved, "accounts");
  const slowness = slownessOf(meta.environment);
  const load = { concurrency, accounts, rate: 0, readShare: 0.5, refusedShare: 0 };
  return {
    suite: meta.suite,
    seed: meta.seed,
    replicas: meta.replicas,
    clientProcesses,
    protocol: meta.protocol ?? {},
    build,
    loadLimitMs: recordedLoadMs(ops) + LOAD_ALLOWANCE_MS,
    recoveryBoundNs: (disturbedMs) => recoveryBoundNs(meta.protocol ?? {}, meta.f, disturbedMs),
    quiescenceDeadlineMs: QUIESCENCE_DEADLINE_MS * slowness,
    script: replayScript(ops, faults, { ...load, timeoutMs: OPERATION_TIMEOUT_MS * slowness }),
    requiredFaults: faultsOf(saved),
    ...(meta.expectedUnsafe === undefined ? {} : { expectedUnsafe: meta.expectedUnsafe }),
    claims: meta.claims,
    options: { ...meta.options, replayOf: path },
    commit,
    reproduce: `./ordeal replay ${path}`,
  };
}

function clientProcessesOf({ record }: SavedRun): number {
  const nodes = new Set(record.history.flatMap(({ node }) => (node === undefined ? [] : [node])));
  return Math.max(1, ...[...nodes].map((node) => Number(node.slice(1)) + 1));
}

function numberOption({ meta }: SavedRun, name: string): number {
  const value = meta.options[name];
  if (typeof value === "number" && value > 0) return value;
  throw new UsageError("malformed", `run.json: option "${name}" wants a number, found ${value}`);
}

/** The kinds of fault that a saved run met. */
export function faultsOf({ faults }: SavedRun): readonly FaultKind[] {
  const kinds = faults.flatMap((record) =>
    record.type === "start" ? [record.fault.intent.kind] : [],
  );
  return [...new Set(kinds)];
}
