// Ends what a killed runner would leave behind. The runner names on stdin each process that it
// starts and each folder that it makes outside its store; when stdin ends, those processes that
// still run are killed (never another that got the pid), and the folders are removed.

import { rmSync } from "node:fs";
import { numberField, parseObject, readLines, stringField } from "./json-lines.js";
import { signalProcess } from "./process-identity.js";

const startTimes = new Map<number, string>();
const folders = new Set<string>();

readLines(process.stdin, (line) => {
  const object = parseObject(line) ?? {};
  const pid = numberField(object, "pid");
  const startTime = stringField(object, "startTime");
  const folder = stringField(object, "folder");
  if (pid !== undefined && startTime !== undefined) startTimes.set(pid, startTime);
  else if (folder !== undefined) folders.add(folder);
  else throw new Error(`reaper: want a pid with its startTime or a folder, found ${line}`);
});

process.stdin.on("end", () => {
  for (const [pid, startTime] of startTimes) signalProcess({ pid, startTime }, "SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
