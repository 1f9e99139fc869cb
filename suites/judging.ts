// Judges a run, or a history that stands alone, in a thread of its own, within a budget of time and of
// memory. The checks count steps, so that verdicts repeat; the budget is the outer guard. Where it
// ends, what was found stands, and the rest is unknown.

import { Worker } from "node:worker_threads";
import { notJudged } from "../checker/check.js";
import { HistoryError, type HistoryErrorCode } from "../checker/history-error.js";
import { type CheckResult, mergeValid, type Verdict } from "../checker/verdict.js";
import type { Conclusion } from "./conclusion.js";
import { UsageError } from "./usage-error.js";

export type JudgingTask =
  | { what: "history"; path: string }
  /** `concluding`: it has just ended; its history is there, and the rest of its files will be. */
  | { what: "run"; path: string; concluding?: boolean };

/** `megabytes` bound the heap of the thread; columns of numbers are outside it. */
export type JudgingBudget = { seconds: number; megabytes: number };

/** So much that no run of ours comes near it, on however slow a machine. */
export const JUDGING_BUDGET: JudgingBudget = { seconds: 900, megabytes: 4_096 };

export type Judged = {
  verdict: Verdict;
  notes: readonly string[];
  /** What ended it early. */
  cut?: "time" | "memory";
};

/** What the thread tells. */
export type JudgingMessage =
  | { kind: "begun"; names: readonly string[] }
  | { kind: "found"; name: string; result: CheckResult }
  | { kind: "judged"; verdict: Verdict; notes: readonly string[] }
  | { kind: "concluded"; conclusion: Conclusion }
  | { kind: "no history"; code: HistoryErrorCode; message: string }
  | { kind: "unusable"; code: string; message: string };

/** Rejects with HistoryError or UsageError where a file is not what it should be. */
export async function judgeInThread(
  task: JudgingTask,
  budget: JudgingBudget = JUDGING_BUDGET,
): Promise<Judged> {
  const judging = new Judging(task, budget);
  try {
    return await judging.judged();
  } finally {
    await judging.end();
  }
}

/**
 * The thread, which begins at once. Of a run that is concluding it reads the history, and then waits: the
 * run is still being stopped, and its ledgers are collected.
 */
export class Judging {
  readonly #worker: Worker;
  readonly #budget: JudgingBudget;
  readonly #results = new Map<string, CheckResult | undefined>();
  readonly #judged = deferred<Judged>();
  readonly #concluded = deferred<Conclusion | undefined>();

  constructor(task: JudgingTask, budget: JudgingBudget = JUDGING_BUDGET) {
    const { megabytes } = budget;
    this.#budget = budget;
    this.#judged.promise.catch(() => undefined); // Whoever asks for it is told.
    this.#worker = new Worker(new URL("./judging-main.js", import.meta.url), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: megabytes, stackSizeMb: 4 },
    });
    this.#worker.unref(); // A run that fails before its end leaves it waiting.
    this.#worker.on("message", (message: JudgingMessage) => this.#onMessage(message));
    this.#worker.on("error", (error: Error & { code?: string }) => {
      if (error.code === "ERR_WORKER_OUT_OF_MEMORY") this.#cut("memory", `${megabytes} MB`);
      else this.#judged.reject(error);
    });
    this.#worker.on("exit", (code) => {
      // Unless they were settled before.
      this.#judged.reject(new Error(`the thread that judges ended with ${code}`));
      this.#concluded.resolve(undefined);
    });
  }

  /** All files are there. Rejects with HistoryError or UsageError where one is not what it should be. */
  async judged(): Promise<Judged> {
    const { seconds } = this.#budget;
    const timer = setTimeout(() => this.#cut("time", `${seconds} s`), seconds * 1_000);
    this.#worker.ref();
    this.#worker.postMessage("files are there");
    try {
      return await this.#judged.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** After the verdict; undefined where the thread ended before it came so far. */
  get concluded(): Promise<Conclusion | undefined> {
    return this.#concluded.promise;
  }

  /** Resolves when the thread has ended. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #cut(cause: "time" | "memory", detail: string): void {
    this.#judged.resolve(cutOff(this.#results, cause, detail));
    void this.end();
  }

  #onMessage(message: JudgingMessage): void {
    switch (message.kind) {
      case "begun":
        for (const name of message.names) this.#results.set(name, undefined);
        break;
      case "found":
        this.#results.set(message.name, message.result);
        break;
      case "judged":
        this.#judged.resolve({ verdict: message.verdict, notes: message.notes });
        break;
      case "concluded":
        this.#concluded.resolve(message.conclusion);
        break;
      case "no history":
        this.#judged.reject(new HistoryError(message.code, message.message));
        break;
      case "unusable":
        this.#judged.reject(new UsageError(message.code, message.message));
        break;
      default:
        message satisfies never;
    }
  }
}

type Deferred<T> = {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: Error) => void;
};

function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>["resolve"] = () => undefined;
  let reject: Deferred<T>["reject"] = () => undefined;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}

/** Findings that were made stay, above all a false one; none of the others may pass. */
export function cutOff(
  results: ReadonlyMap<string, CheckResult | undefined>,
  cause: "time" | "memory",
  detail: string,
): Judged {
  const left = notJudged(cause, detail);
  const checks = Object.fromEntries([...results].map(([name, found]) => [name, found ?? left]));
  if (!Object.values(checks).includes(left)) checks["judging"] = left;
  const valid = mergeValid(Object.values(checks).map((check) => check.valid));
  return { verdict: { "valid?": valid, checks }, notes: [], cut: cause };
}
