// The hunt for a mutant in the simulator: seed after seed until a check or an invariant catches it, or
// the budget ends. It runs in a thread of its own, because a mutant may spin for ever, and because the
// code of a build stays loaded as long as its thread.

import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

/** The clean build takes a tenth of it for the largest seed, ms. */
const SEED_MS_MAX = 60_000;

/** What a thread is told. */
export type Hunt = {
  /** Folder of the build. */
  build: string;
  seedFirst: number;
  seedCount: number;
  /** Seconds. */
  budgetS: number;
  /** Go on after a seed that failed. */
  all: boolean;
};

/** What it says of each seed. `failed`: the checks that said invalid. */
export type SeedOutcome = {
  seed: number;
  failed: readonly string[];
  summary: string;
  seconds: number;
};

/** Never rejects: a seed that does not end, or that the simulator died of, is told as such. */
export function hunt(task: Hunt): Promise<readonly SeedOutcome[]> {
  return new Promise((resolve) => {
    const outcomes: SeedOutcome[] = [];
    let started = performance.now();
    const worker = new Worker(fileURLToPath(new URL("hunt-worker.js", import.meta.url)), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: 1_024 },
    });
    const end = (failed: string, summary: string): void => {
      const seed = task.seedFirst + outcomes.length;
      const seconds = (performance.now() - started) / 1_000;
      if (failed !== "") outcomes.push({ seed, failed: [failed], summary, seconds });
      void worker.terminate();
      resolve(outcomes);
    };
    const spins = (): void => end("spins", `no end within ${SEED_MS_MAX / 1_000} s`);
    let watchdog = setTimeout(spins, SEED_MS_MAX);
    worker.on("message", (outcome: SeedOutcome) => {
      outcomes.push(outcome);
      started = performance.now();
      clearTimeout(watchdog);
      watchdog = setTimeout(spins, SEED_MS_MAX);
    });
    worker.on("error", (error) => {
      clearTimeout(watchdog);
      end("died", error.message.split("\n")[0] ?? "");
    });
    worker.on("exit", () => {
      clearTimeout(watchdog);
      end("", "");
    });
  });
}
