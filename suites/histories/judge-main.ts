// A worker thread: judges one history after another.

import { parentPort } from "node:worker_threads";
import { judgeFile } from "./judge-file.js";
import type { JudgeTask } from "./task.js";

parentPort?.on("message", (task: JudgeTask) => {
  void judgeFile(task).then((answer) => parentPort?.postMessage(answer));
});
