// The library that lies under a node whose disk is to be harmed, and its tool: compiled from C at the build,
// and shipped with it to other machines, where they may not run.

import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { DiskPrograms } from "../../nemesis/host/disk-tool.js";
import type { Shell } from "../../nemesis/host/shell.js";
import { OWN_BUILD } from "./layout.js";
import { tarOf } from "./tar.js";

const FOLDER = "nemesis/host/disk";
const TRIAL_MS_MAX = 30_000;

/** Where they lie in a folder of our own compiled files. */
export function programsIn(build: string): DiskPrograms {
  const folder = join(build, FOLDER);
  return { preload: join(folder, "disk-faults.so"), tool: join(folder, "disk-tool") };
}

/** Those of this build, or why there are none. */
export function diskPrograms(build = OWN_BUILD): { programs: DiskPrograms } | { reason: string } {
  const programs = programsIn(build);
  if (existsSync(programs.preload) && existsSync(programs.tool)) return { programs };
  const why = join(build, FOLDER, "why");
  const said = existsSync(why) ? readFileSync(why, "utf8").trim().split("\n").at(-1) : undefined;
  const detail = said ?? "ordeal --build has not run";
  return {
    reason: `faults of disks need a C compiler when ordeal is built (${detail}): install one, then run ordeal --build`,
  };
}

/** Whether those of this build run on the shell's machine, which need not have them yet. */
export async function runDiskPrograms(shell: Shell): Promise<boolean> {
  const found = diskPrograms();
  if (!("programs" in found)) return false;
  const files = Object.values(found.programs);
  const archive = tarOf(
    files.map((path) => ({ name: basename(path), content: readFileSync(path), mode: 0o755 })),
  );
  const stdin = archive.toString("base64");
  const said = await shell.run(["sh", "-c", TRIAL], { stdin, deadlineMs: TRIAL_MS_MAX });
  return said.exitCode === 0;
}

/** A library that cannot be loaded is told on stderr, and the program runs all the same. */
const TRIAL = `
folder=$(mktemp -d) && cd "$folder" && base64 -d | tar -x || exit 1
said=$(LD_PRELOAD=./disk-faults.so true 2>&1) && [ -z "$said" ] && ./disk-tool prepare "$folder/state"
worked=$?
rm -rf "$folder"
exit $worked`;
