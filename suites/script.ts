// What a run does between its start and the last cure: which operations, and which faults when.

import { createRandom } from "../nemesis/random.js";
import type { FaultDriver } from "./fault-driver.js";
import { createInterpreter, type LoadOptions } from "./interpreter.js";
import { type NemesisOptions, plannedFaults } from "./nemesis-choice.js";
import { type FaultStep, stepsOfPlan } from "./nemesis-runner.js";
import type { RunClock } from "./run-clock.js";
import type { Calls } from "./session.js";

/** What a script acts with. */
export type Stage = { calls: Calls; driver: FaultDriver; clock: RunClock; seed: number };

/** One run's load and faults. All but `steps` return when done, or soon after the signal aborts. */
export type Script = {
  /** Whatever must be there before the load: accounts. */
  prepare(signal: AbortSignal): Promise<void>;
  load(signal: AbortSignal): Promise<void>;
  /** The faults, in order; `loadStart` is a reading of the environment's time. */
  steps(loadStart: number): readonly FaultStep[];
  demandProgress(timeoutMs: number): Promise<void>;
  finalReads(timeoutMs: number): Promise<void>;
};

export type ScriptMaker = (stage: Stage) => Script;

export type SuiteScriptOptions = LoadOptions & NemesisOptions;

/** The script of a named suite: drawn from the seed. */
export function suiteScript(options: SuiteScriptOptions): ScriptMaker {
  return ({ calls, seed }) => {
    const random = createRandom(seed);
    const interpreter = createInterpreter(calls, options, random.fork("load"));
    const nemesis = random.fork("nemesis");
    return {
      prepare: interpreter.openAccounts,
      load: interpreter.load,
      steps: (loadStart) => {
        const plan = plannedFaults(options, seed);
        return stepsOfPlan(plan, calls.environment, nemesis.fork("targets"), loadStart);
      },
      demandProgress: interpreter.demandProgress,
      finalReads: interpreter.finalReads,
    };
  };
}
