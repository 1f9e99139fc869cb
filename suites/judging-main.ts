// A worker thread that judges one run, or one history that stands alone, and tells of each finding. Of a
// run that has just ended it tells the figures, too, and makes the report.

import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import type { CheckWatch } from "../checker/check.js";
import { HistoryError } from "../checker/history-error.js";
import { conclusionOf } from "./conclusion.js";
import { judgeHistory, judgeRun, readRun, readRunHistory, type SavedRun } from "./judge.js";
import type { JudgingMessage, JudgingTask } from "./judging.js";
import { oneLine, UsageError } from "./usage-error.js";

const task: JudgingTask = workerData;
const tell = (message: JudgingMessage) => parentPort?.postMessage(message);
const watch: CheckWatch = {
  begin: (names) => tell({ kind: "begun", names }),
  end: (name, result) => tell({ kind: "found", name, result }),
};
try {
  if (task.what === "history") tell({ kind: "judged", ...judgeHistory(task.path, watch) });
  else await judge(task.path, task.concluding === true);
} catch (error) {
  const message = oneLine(error);
  if (error instanceof HistoryError) tell({ kind: "no history", code: error.code, message });
  else if (error instanceof UsageError) tell({ kind: "unusable", code: error.code, message });
  else throw error;
}

async function judge(path: string, concluding: boolean): Promise<void> {
  const saved = concluding ? await readWhenThere(path) : readRun(path);
  const verdict = judgeRun(saved, watch);
  tell({ kind: "judged", verdict, notes: saved.notes });
  if (!concluding) return;
  tell({ kind: "concluded", conclusion: await conclusionOf(saved, verdict) });
}

/** The history at once, the rest when the runner says that it is there. */
async function readWhenThere(path: string): Promise<SavedRun> {
  const there = parentPort === null ? undefined : once(parentPort, "message");
  const read = readRunHistory(path);
  await there;
  return readRun(path, read);
}
