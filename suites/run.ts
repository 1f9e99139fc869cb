// One run, through its phases: start; load and faults; heal everything; demand progress; come to rest;
// final reads; stop; collect; judge; report. Whatever was recorded is always judged, and an error of
// the teardown never eats the verdict.

import { join } from "node:path";
import type { Verdict } from "../checker/verdict.js";
import type { FaultKind } from "../nemesis/faults.js";
import { type AppendFile, createAppendFile, replaceFile, StoreWriteError } from "./append-file.js";
import { attempt } from "./attempt.js";
import type { Environment, EnvironmentOptions } from "./cluster/environment.js";
import { collectLedgers } from "./collect.js";
import { beginConcluding, concludeRun } from "./conclude-run.js";
import { FaultDriver } from "./fault-driver.js";
import type { RunFigures } from "./figures.js";
import { HistoryRecorder } from "./history-recorder.js";
import type { Judging } from "./judging.js";
import { performSteps } from "./nemesis-runner.js";
import { quiesce } from "./observation.js";
import { type Output, showProgress } from "./progress.js";
import { type RunClock, startRunClock } from "./run-clock.js";
import type { RunMeta } from "./run-meta.js";
import { faultsTolerated } from "./run-options.js";
import type { Script, ScriptMaker } from "./script.js";
import { createRunDirectory, linkLatest, writeMeta } from "./store.js";
import { oneLine, UsageError } from "./usage-error.js";
import { watchReplicas } from "./watch.js";

export type RunPlan = {
  /** Folder of the store in which the run's folder is made. */
  suite: string;
  seed: number;
  replicas: number;
  clientProcesses: number;
  protocol: Readonly<Record<string, number>>;
  /** The build whose node/ is run. */
  build: string;
  /** The load is stopped after this, where it has not ended by itself. */
  loadLimitMs: number;
  script: ScriptMaker;
  /** Within this a correct cluster serves again, ns, after so many ms of load and faults. */
  recoveryBoundNs: (disturbedMs: number) => number;
  /** Rest must be reached this long after the sessions were served. */
  quiescenceDeadlineMs: number;
  /** Kinds the environment must honour, and evidence must show. */
  requiredFaults: readonly FaultKind[];
  /** More replicas than f may be faulty: nothing is promised, and that must show. */
  expectedUnsafe?: NonNullable<RunMeta["expectedUnsafe"]>;
  claims: Readonly<Record<string, string>>;
  /** As they were in force, for run.json. */
  options: RunMeta["options"];
  commit: string;
  reproduce: string;
};

export type RunContext = {
  store: string;
  createEnvironment: (options: EnvironmentOptions) => Environment | Promise<Environment>;
  output: Output;
  /** Aborts when the user interrupts. */
  interrupt: AbortSignal;
};

export type RunOutcome = {
  directory: string;
  meta: RunMeta;
  verdict: Verdict;
  figures: RunFigures;
  /** Why the run did not go through its phases; what it recorded was judged all the same. */
  crashed?: string;
};

/** A session waits this much longer than the bound, so that what it waited for in vain is late. */
const PATIENCE_MS = 500;

/** In virtual time the next phase would begin at the very moment at which the load ended. */
const BETWEEN_PHASES_MS = 1;

/** Throws UsageError before anything started; any other error is a crash of the run. */
export async function performRun(plan: RunPlan, context: RunContext): Promise<RunOutcome> {
  const startedAt = new Date().toISOString();
  const { suite, seed, replicas, clientProcesses, protocol, build } = plan;
  const directory = createRunDirectory(context.store, { suite, startedAt, seed });
  const environment = await context.createEnvironment({
    replicas,
    clientProcesses,
    directory,
    protocol,
    build,
    seed,
    faults: plan.requiredFaults,
  });
  requireCapabilities(plan, environment);
  const meta = firstMeta(plan, environment, startedAt);
  writeMeta(directory, meta);
  linkLatest(context.store, directory);

  const { final, crashed, judging } = await runPhases(plan, context, environment, directory, meta);
  writeMeta(directory, final);
  const { verdict, figures } = await concludeRun(directory, context.output, judging);
  const outcome = { directory, meta: final, verdict, figures };
  return crashed === undefined ? outcome : { ...outcome, crashed };
}

/**
 * Everything that touches the cluster. Leaves the history and the ledgers as they are to be judged,
 * also after a crash; throws where nothing started, or where the store takes no more.
 */
async function runPhases(
  plan: RunPlan,
  context: RunContext,
  environment: Environment,
  directory: string,
  meta: RunMeta,
): Promise<{ final: RunMeta; crashed?: string; judging: Judging }> {
  const clock = startRunClock(environment.time);
  const history = createAppendFile(join(directory, "history.jsonl"));
  const faults = createAppendFile(join(directory, "faults.jsonl"));
  const recorder = new HistoryRecorder(history, clock);
  const driver = new FaultDriver(environment, recorder, faults, clock);
  let callId = 0;
  const calls = { environment, recorder, nextCallId: () => callId++ };
  const script = plan.script({ calls, driver, clock, seed: plan.seed });
  let final = meta;
  let crashed: string | undefined;
  let judging: Judging | undefined;
  try {
    await environment.start();
    const stage = { plan, context, environment, recorder, driver, clock, script };
    final = await performPhases(stage, meta);
    // All that was asked is answered: it can be read while the cluster is stopped.
    if (recorder.isComplete) judging = keepHistory(directory, history, recorder);
  } catch (error) {
    if (error instanceof StoreWriteError || recorder.counts.invoke === 0) throw error;
    crashed = oneLine(error);
    final = { ...meta, incomplete: crashed };
  } finally {
    await attempt(context.output, "stop", () => environment.stop());
    history.close();
    faults.close();
  }
  judging ??= keepHistory(directory, history, recorder);
  await attempt(context.output, "collect", () =>
    collectLedgers(directory, environment.replicas, context.output),
  );
  const unexpectedExits = environment.unexpectedExits();
  final = { ...final, unexpectedExits, phases: { ...final.phases, end: clock.now() } };
  return crashed === undefined ? { final, judging } : { final, crashed, judging };
}

/** Puts the ordered history in the journal's place, and begins to judge it. */
function keepHistory(directory: string, history: AppendFile, recorder: HistoryRecorder): Judging {
  replaceFile(history.path, historyText(recorder));
  return beginConcluding(directory);
}

type PhaseStage = {
  plan: RunPlan;
  context: RunContext;
  environment: Environment;
  recorder: HistoryRecorder;
  driver: FaultDriver;
  clock: RunClock;
  script: Script;
};

async function performPhases(stage: PhaseStage, meta: RunMeta): Promise<RunMeta> {
  const { plan, context, environment, recorder, driver, clock, script } = stage;
  const watch = watchReplicas(environment, clock);
  let phase = "start";
  const endProgress = showProgress(context.output, recorder, driver, () => ({
    phase,
    seconds: clock.now() / 1e9,
    view: watch.view,
  }));
  try {
    phase = "accounts";
    await script.prepare(context.interrupt);
    await environment.time.sleep(BETWEEN_PHASES_MS);
    phase = "load";
    const loadStart = clock.now();
    const { loadEnd, healed } = await loadAndFaults(stage);
    phase = "recovery";
    const disturbedMs = (healed - loadStart) / 1e6;
    const boundNs = plan.recoveryBoundNs(disturbedMs);
    await script.demandProgress(boundNs / 1e6 + PATIENCE_MS);
    phase = "rest";
    await quiesce(environment, meta.correctReplicas, plan.quiescenceDeadlineMs);
    await script.finalReads(boundNs / 1e6 + PATIENCE_MS);
    // The final reads were operations, too: the ledgers are collected at rest.
    const quiescence = await quiesce(environment, meta.correctReplicas, plan.quiescenceDeadlineMs);
    const quiescent = clock.now();
    await watch.stop();
    const { incomplete: _started, ...rest } = meta;
    return {
      ...rest,
      recoveryBoundNs: boundNs,
      quiescence,
      phases: { loadStart, loadEnd, healed, quiescent, end: quiescent },
      samples: watch.samples,
    };
  } finally {
    endProgress();
    await attempt(context.output, "watch", () => watch.stop());
  }
}

/** The load with its faults beside it, until it ends, is too long, or is interrupted; then the cures. */
async function loadAndFaults(stage: PhaseStage): Promise<{ loadEnd: number; healed: number }> {
  const { plan, context, environment, driver, clock, script } = stage;
  const over = new AbortController();
  const stop = AbortSignal.any([context.interrupt, over.signal]);
  const started = environment.time.nowMs();
  const loading = script.load(stop).finally(() => over.abort());
  const faulting = performSteps(script.steps(started), driver, stop).catch((error: unknown) => {
    over.abort();
    throw error;
  });
  // Both are awaited below; an early failure of one must not be unhandled until then.
  const settled = Promise.allSettled([loading, faulting]);
  await environment.time.sleep(plan.loadLimitMs, stop);
  over.abort();
  const loadEnd = clock.now();
  await environment.time.sleep(BETWEEN_PHASES_MS);
  if (context.interrupt.aborted) context.output.line("interrupted: healing, then judging");
  await Promise.allSettled([faulting]);
  await driver.healAll();
  const healed = clock.now();
  for (const result of await settled) if (result.status === "rejected") throw result.reason;
  return { loadEnd, healed };
}

function historyText(recorder: HistoryRecorder): string {
  return recorder
    .ordered()
    .map((op) => `${JSON.stringify(op)}\n`)
    .join("");
}

/** run.json as it stands until the run has gone through its phases. */
function firstMeta(plan: RunPlan, environment: Environment, startedAt: string): RunMeta {
  return {
    version: 1,
    suite: plan.suite,
    seed: plan.seed,
    commit: plan.commit,
    environment: environment.name,
    environmentDescription: environment.description,
    startedAt,
    replicas: plan.replicas,
    f: faultsTolerated(plan.replicas),
    options: plan.options,
    protocol: plan.protocol,
    claims: plan.claims,
    reproduce: plan.reproduce,
    phases: { loadEnd: 0, healed: 0, quiescent: 0, end: 0 },
    recoveryBoundNs: 0,
    quiescence: { reached: false, detail: "the run was cut off before its end" },
    expectedFaults: plan.requiredFaults,
    ...(plan.expectedUnsafe === undefined ? {} : { expectedUnsafe: plan.expectedUnsafe }),
    correctReplicas: environment.replicas,
    samples: [],
    incomplete: "it was cut off",
  };
}

/** Throws UsageError, naming suite and environment, where this environment cannot do these faults. */
export function requireCapabilities(
  { suite, requiredFaults }: Pick<RunPlan, "suite" | "requiredFaults">,
  { name, capabilities }: Pick<Environment, "name" | "capabilities">,
): void {
  const missing = requiredFaults.filter((kind) => !capabilities.has(kind));
  if (missing.length === 0) return;
  throw new UsageError(
    "environment-cannot",
    `${suite} needs ${missing.join(", ")}, which the environment ${name} cannot do ` +
      `(it can: ${[...capabilities].join(", ")}): choose another with --env`,
  );
}
