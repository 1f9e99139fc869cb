// The logs that correct replicas left in a run's folder, looked through for failures.

import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { type LogScan, mergeScans, scanLog } from "../checker/log-patterns.js";
import { nodeFiles } from "./cluster/layout.js";

/** Nothing is found where nothing was kept: an environment without processes writes no logs. */
export function scanReplicaLogs(directory: string, replicas: readonly string[]): LogScan {
  const scans = replicas.flatMap((replica) => {
    const { log, stderr } = nodeFiles(directory, replica);
    return [log, stderr].filter(existsSync).map((path) => {
      const lines = readFileSync(path, "utf8").split("\n");
      return scanLog(
        relative(directory, path),
        lines.filter((line) => line.trim() !== ""),
      );
    });
  });
  return mergeScans(scans);
}
