// Worker threads that judge histories side by side. What ends a worker, be it a search that no clock
// stops or a heap that is full, ends its task as unknown, and nothing else.

import { Worker } from "node:worker_threads";
import { oneLine } from "../usage-error.js";
import type { JudgeAnswer, JudgeTask } from "./task.js";

/** How long after its deadline a task may still answer by itself. */
const GRACE_MS = 5_000;

export type Pool = {
  judge(task: JudgeTask): Promise<JudgeAnswer>;
  close(): Promise<void>;
};

/** At most `size` tasks at once; each worker's heap is bounded by `heapMb`. */
export function createPool(size: number, heapMb: number): Pool {
  const idle: Worker[] = [];
  const waiting: (() => void)[] = [];
  let started = 0;

  const acquire = async (): Promise<Worker> => {
    for (;;) {
      const worker = idle.pop();
      if (worker !== undefined) return worker;
      if (started < size) {
        started += 1;
        return startWorker(heapMb);
      }
      await new Promise<void>((resume) => waiting.push(resume));
    }
  };
  const release = (worker: Worker | undefined) => {
    if (worker === undefined) started -= 1;
    else idle.push(worker);
    waiting.shift()?.();
  };
  return {
    async judge(task) {
      const worker = await acquire();
      const { answer, isAlive } = await ask(worker, task);
      if (!isAlive) await worker.terminate();
      release(isAlive ? worker : undefined);
      return answer;
    },
    async close() {
      await Promise.all(idle.map((worker) => worker.terminate()));
    },
  };
}

function startWorker(heapMb: number): Worker {
  const worker = new Worker(new URL("./judge-main.js", import.meta.url), {
    resourceLimits: {
      maxOldGenerationSizeMb: heapMb,
      maxYoungGenerationSizeMb: 64,
      stackSizeMb: 4,
    },
  });
  // What dies between two tasks has no one to tell; the next task finds it dead.
  return worker.on("error", () => undefined);
}

function ask(worker: Worker, task: JudgeTask): Promise<{ answer: JudgeAnswer; isAlive: boolean }> {
  return new Promise((resolve) => {
    const end = (answer: JudgeAnswer, isAlive: boolean) => {
      clearTimeout(timer);
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      resolve({ answer, isAlive });
    };
    const timer = setTimeout(
      () => end(undecided("time", "the time budget ended"), false),
      task.deadline + GRACE_MS - Date.now(),
    );
    const onMessage = (answer: JudgeAnswer) => end(answer, true);
    const onError = (error: Error & { code?: string }) => {
      const isMemory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      if (isMemory) end(undecided("memory", "the memory budget ended"), false);
      else end({ kind: "crashed", message: oneLine(error) }, false);
    };
    const onExit = (code: number) =>
      end({ kind: "crashed", message: `the worker ended with ${code}` }, false);
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    worker.postMessage(task);
  });
}

function undecided(cause: "time" | "memory", why: string): JudgeAnswer {
  const summary = `${why} before the history was judged`;
  const verdict = {
    "valid?": "unknown" as const,
    checks: { history: { valid: "unknown" as const, summary } },
  };
  return {
    kind: "verdict",
    verdict: { ...verdict, cause },
    operations: 0,
    notes: [],
    readMs: 0,
    checkMs: 0,
  };
}
