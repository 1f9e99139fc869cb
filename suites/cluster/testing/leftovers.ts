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

/**
 * Rules, traffic control, processes, folders and routes on a host that are not its own. `run` runs a
 * command there and resolves to what it says; `device`: by which nodes reach it.
 */
export async function leftOn(
  host: string,
  device: string,
  run: (argv: readonly string[]) => Promise<string>,
): Promise<readonly string[]> {
  const said = await run(["sh", "-c", LEFT, "sh", device]);
  return said.split("\n").flatMap((line) => (line === "" ? [] : [`${host}: ${line}`]));
}

const LEFT = `
iptables-legacy-save | grep ORDEAL; iptables-nft-save | grep ORDEAL; nft list tables | grep ordeal
tc qdisc show dev "$1" | grep -v noqueue
ip route show 169.254.77.77; ip neigh show nud permanent | grep 169.254
ps -eo args | grep -E 'agent-main|node/runtime|bendClock|dutyCycle' | grep -v grep
ls -d /tmp/ordeal-[0-9a-f]* /root/.cache/ordeal/runs/* 2>/dev/null | grep -v '^/tmp/ordeal-0$'
ls /tmp/ordeal-0 2>/dev/null; ls /dev/shm | grep faketime
exit 0`;

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === "ENOENT" || code === "ESRCH") return ""; // It ended while we looked.
    throw error;
  }
}
