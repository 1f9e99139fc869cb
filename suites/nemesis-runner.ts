// Performs a plan of faults while the load runs: waits for each action's moment, names its targets
// from what the cluster looks like then, and hands it to the fault driver.

import type { ClusterView, ResolvedFault } from "../nemesis/faults.js";
import type { Random } from "../nemesis/random.js";
import { resolveFault } from "../nemesis/resolve.js";
import type { PlannedAction } from "../nemesis/schedule.js";
import type { Environment } from "./cluster/environment.js";
import type { FaultDriver } from "./fault-driver.js";
import { laggardOf, primaryOf, samplesOf } from "./observation.js";
import type { Time } from "./run-clock.js";

/** What to do to the faults, in order; `moment` resolves when it is time, or when the signal aborts. */
export type FaultStep = {
  moment: (signal: AbortSignal) => Promise<void>;
  perform: (driver: FaultDriver) => Promise<void>;
};

/** Performs the steps until they end or the signal aborts. What is active then stays active. */
export async function performSteps(
  steps: readonly FaultStep[],
  driver: FaultDriver,
  signal: AbortSignal,
): Promise<void> {
  for (const step of steps) {
    await step.moment(signal);
    if (signal.aborted) return;
    await step.perform(driver);
  }
}

/**
 * Steps of a plan made by the nemesis; `loadStart` is a reading of the time's `nowMs`. Where an action
 * begins late, because a restart before it took long, the later ones shift: a fault is held for as
 * long as was planned, even if fewer fit. What would begin after the last planned cure is left out: no
 * load would meet it.
 */
export function stepsOfPlan(
  plan: readonly PlannedAction[],
  environment: Environment,
  random: Random,
  loadStart: number,
): FaultStep[] {
  const { time } = environment;
  const lastMs = plan.at(-1)?.atMs ?? 0;
  let lagMs = 0;
  return plan.map((action) => ({
    moment: (signal) => until(time, loadStart + action.atMs + lagMs, signal),
    perform: async (driver) => {
      lagMs = Math.max(lagMs, time.nowMs() - loadStart - action.atMs);
      if (action.action === "stop") return driver.stop(action.faultId);
      if (action.atMs + lagMs >= lastMs) return;
      const view = await clusterView(environment);
      const { faultId, intent } = action;
      await driver.start(resolveFault(faultId, intent, view, random.fork(faultId)));
    },
  }));
}

/** A step that starts or stops a fault whose targets are named already, at this time. */
export function recordedStep(
  time: Time,
  atMs: number,
  action: { start: ResolvedFault } | { stop: string },
): FaultStep {
  return {
    moment: (signal) => until(time, atMs, signal),
    perform: (driver) =>
      "start" in action ? driver.start(action.start) : driver.stop(action.stop),
  };
}

/** The cluster as it is at this moment. */
export async function clusterView(environment: Environment): Promise<ClusterView> {
  const { replicas, clients } = environment;
  const f = Math.floor((replicas.length - 1) / 3);
  const statuses = await environment.observe();
  const primary = primaryOf(statuses, replicas);
  return { replicas, clients, f, primary, laggard: laggardOf(samplesOf(0, statuses)) };
}

function until(time: Time, moment: number, signal: AbortSignal): Promise<void> {
  return time.sleep(moment - time.nowMs(), signal);
}
