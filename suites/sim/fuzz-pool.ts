// Threads that simulate seeds. Each asks for the next when it is done, so that a slow seed holds up
// nobody; what a seed finds does not depend on which thread had it, or on how many there are.

import { Worker } from "node:worker_threads";
import type { SeedSummary } from "./seed-run.js";

/** What a thread says: it is there; a seed's result; or an error of the simulator itself. */
export type FuzzAnswer =
  | { kind: "ready" }
  | { kind: "done"; summary: SeedSummary }
  | { kind: "crashed"; seed: number; error: string };

export type FuzzSource = {
  /** The next seed; undefined where there is none, and the thread ends. */
  next: () => number | undefined;
  onDone: (summary: SeedSummary) => void;
};

/** Resolves when no seed is left and all threads have ended; rejects where the simulator fails. */
export async function runPool(
  workers: number,
  build: string,
  { next, onDone }: FuzzSource,
): Promise<void> {
  const threads: Worker[] = [];
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const thread = new Worker(new URL("./fuzz-worker-main.js", import.meta.url), {
        workerData: build,
      });
      threads.push(thread);
      thread.on("message", (answer: FuzzAnswer) => {
        if (answer.kind === "crashed") {
          reject(new Error(`seed ${answer.seed}: the simulator failed: ${answer.error}`));
          return;
        }
        if (answer.kind === "done") onDone(answer.summary);
        const seed = next();
        if (seed === undefined) resolve();
        else thread.postMessage(seed);
      });
      thread.on("error", reject);
      thread.on("exit", () => resolve());
    });
  try {
    await Promise.all(Array.from({ length: workers }, one));
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}
