// Judges a run, or a history that stands alone, in a thread of its own, within a budget of time and of
// memory. The checks count steps, so that verdicts repeat; the budget is the outer guard. Where it
// ends, what was found stands, and the rest is unknown.

import { Worker } from "node:worker_threads";
import { notJudged } from "../checker/check.js";
import { HistoryError, type HistoryErrorCode } from "../checker/history-error.js";
import { type CheckResult, mergeValid, type Verdict } from "../checker/verdict.js";
import { UsageError } from "./usage-error.js";

export type JudgingTask = { what: "run" | "history"; path: string };

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
  | { kind: "no history"; code: HistoryErrorCode; message: string }
  | { kind: "unusable"; code: string; message: string };

/** Rejects with HistoryError or UsageError where a file is not what it should be. */
export function judgeInThread(
  task: JudgingTask,
  { seconds, megabytes }: JudgingBudget = JUDGING_BUDGET,
): Promise<Judged> {
  const worker = new Worker(new URL("./judging-main.js", import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: megabytes, stackSizeMb: 4 },
  });
  const results = new Map<string, CheckResult | undefined>();
  return new Promise<Judged>((resolve, reject) => {
    const cut = (cause: "time" | "memory", detail: string) =>
      resolve(cutOff(results, cause, detail));
    const timer = setTimeout(() => cut("time", `${seconds} s`), seconds * 1_000);
    worker.on("message", (message: JudgingMessage) => {
      switch (message.kind) {
        case "begun":
          for (const name of message.names) results.set(name, undefined);
          break;
        case "found":
          results.set(message.name, message.result);
          break;
        case "judged":
          resolve({ verdict: message.verdict, notes: message.notes });
          break;
        case "no history":
          reject(new HistoryError(message.code, message.message));
          break;
        case "unusable":
          reject(new UsageError(message.code, message.message));
          break;
        default:
          message satisfies never;
      }
    });
    worker.on("error", (error: Error & { code?: string }) => {
      if (error.code === "ERR_WORKER_OUT_OF_MEMORY") cut("memory", `${megabytes} MB`);
      else reject(error);
    });
    worker.on("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`the thread that judges ended with ${code}`)); // Unless it was settled before.
    });
  }).finally(() => worker.terminate());
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
