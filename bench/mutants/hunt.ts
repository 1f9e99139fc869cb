// The hunt for a mutant in the simulator: seed after seed until a check or an invariant catches it, or
// the budget ends. It runs in a process of its own, because a mutant may spin for ever, and because
// the time that it takes is then its own: CPU seconds, whatever else the machine does meanwhile.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The clean build takes a tenth of it for the largest seed on a busy machine, ms. */
const SEED_MS_MAX = 120_000;

/** What the process is told. */
export type Hunt = {
  /** Folder of the build. */
  build: string;
  seedFirst: number;
  seedCount: number;
  /** CPU seconds; no seed is begun beyond it. Absent: no limit. */
  budgetS?: number;
  /** Go on after a seed that failed. */
  all: boolean;
};

/** What it says of each seed. `failed`: the checks that said invalid. */
export type SeedOutcome = {
  seed: number;
  failed: readonly string[];
  /** What the first of them said. */
  summary: string;
  /** CPU seconds. */
  seconds: number;
};

/** Never rejects: a seed that does not end, or that the simulator died of, is told as such. */
export function hunt(task: Hunt): Promise<readonly SeedOutcome[]> {
  return new Promise((resolve) => {
    const outcomes: SeedOutcome[] = [];
    const hunter = fileURLToPath(new URL("hunter-main.js", import.meta.url));
    const child = fork(hunter, [JSON.stringify(task)], {
      stdio: ["ignore", "inherit", "pipe", "ipc"],
    });
    let complaint = "";
    child.stderr?.on("data", (text: Buffer) => {
      complaint = `${complaint}${text}`.slice(-4_096);
    });
    let spins = false;
    const watch = () =>
      setTimeout(() => {
        spins = true;
        child.kill("SIGKILL");
      }, SEED_MS_MAX);
    let watchdog = watch();
    child.on("message", (outcome: SeedOutcome) => {
      outcomes.push(outcome);
      clearTimeout(watchdog);
      watchdog = watch();
    });
    child.on("close", (code) => {
      clearTimeout(watchdog);
      const seed = (outcomes.at(-1)?.seed ?? task.seedFirst - 1) + 1;
      const seconds = SEED_MS_MAX / 1_000;
      if (spins) outcomes.push({ seed, failed: ["spins"], summary: "it does not end", seconds });
      else if (code !== 0) {
        const summary = /^\w*Error.*$/m.exec(complaint)?.[0] ?? `exit code ${code}`;
        outcomes.push({ seed, failed: ["simulator"], summary, seconds: 0 });
      }
      resolve(outcomes);
    });
  });
}
