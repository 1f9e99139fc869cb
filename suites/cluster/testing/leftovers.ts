// Who still runs because of a test: found by what their command lines name.

import { readdirSync, readFileSync } from "node:fs";
import { localShell, must } from "../../../nemesis/host/shell.js";
import { systemCodeOf } from "../../../node/runtime/ordeal-error.js";

/** Pids of processes that name this folder (or any other text) in their command line. */
export function processesUnder(folder: string): readonly number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && commandLineOf(entry).includes(folder))
    .map(Number);
}

/** Named network namespaces, and all devices but lo, where we are. */
export async function namesAndDevices(): Promise<readonly string[]> {
  const shell = localShell();
  const named = await must(shell, ["ip", "netns", "list"]);
  const devices = await must(shell, ["ip", "-o", "link", "show"]);
  const ours = devices.stdout.split("\n").filter((line) => !/^\d+: lo:|^$/.test(line));
  return [...named.stdout.split("\n").filter((line) => line !== ""), ...ours];
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === "ENOENT" || code === "ESRCH") return ""; // It ended while we looked.
    throw error;
  }
}
