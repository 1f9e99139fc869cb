// Ends what a killed runner would leave behind. The runner names on stdin each process that it
// starts and each folder that it makes outside its store; when stdin ends, those processes that
// still run are killed (never another that got the pid), and the folders are removed.

import { rmSync } from "node:fs";
import { kill, type ProcessHandle } from "../../nemesis/host/process.js";
import { numberField, parseObject, readLines, stringField } from "./json-lines.js";

const processes: ProcessHandle[] = [];
const folders = new Set<string>();

readLines(process.stdin, (line) => {
  const object = parseObject(line) ?? {};
  const pid = numberField(object, "pid");
  const startTicks = numberField(object, "startTicks");
  const folder = stringField(object, "folder");
  if (pid !== undefined && startTicks !== undefined) processes.push({ pid, startTicks });
  else if (folder !== undefined) folders.add(folder);
  else throw new Error(`reaper: want a pid with its startTicks or a folder, found ${line}`);
});

process.stdin.on("end", async () => {
  await Promise.all(processes.map((each) => kill(each)));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
