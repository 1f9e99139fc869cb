// A worker thread that judges one run, or one history that stands alone, and tells of each finding.

import { parentPort, workerData } from "node:worker_threads";
import type { CheckWatch } from "../checker/check.js";
import { HistoryError } from "../checker/history-error.js";
import { judgeHistory, judgeRun, readRun } from "./judge.js";
import type { JudgingMessage, JudgingTask } from "./judging.js";
import { oneLine, UsageError } from "./usage-error.js";

const task: JudgingTask = workerData;
const tell = (message: JudgingMessage) => parentPort?.postMessage(message);
const watch: CheckWatch = {
  begin: (names) => tell({ kind: "begun", names }),
  end: (name, result) => tell({ kind: "found", name, result }),
};
try {
  tell({ kind: "judged", ...judge() });
} catch (error) {
  const message = oneLine(error);
  if (error instanceof HistoryError) tell({ kind: "no history", code: error.code, message });
  else if (error instanceof UsageError) tell({ kind: "unusable", code: error.code, message });
  else throw error;
}

function judge() {
  if (task.what === "history") return judgeHistory(task.path, watch);
  const saved = readRun(task.path);
  return { verdict: judgeRun(saved, watch), notes: saved.notes };
}
