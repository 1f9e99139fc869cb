// Control groups that a run left: thawed, emptied and removed from the leaves up, on both versions.
// Source: cgroups(7); Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst

import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { handleOf, kill } from "../../nemesis/host/process.js";
import { waitUntil } from "./deadline.js";

const MS_MAX = 5_000;
/** File and content that let frozen processes go on, so that they can end. */
const THAW = [
  ["freezer.state", "THAWED"],
  ["cgroup.freeze", "0"],
] as const;

export function findCgroup(path: string): readonly string[] {
  return existsSync(path) ? [`cgroup ${path} (${processesIn(path).length} processes)`] : [];
}

/** Throws where the path is no group of ours, or something in it does not end. */
export async function removeCgroup(path: string): Promise<void> {
  const isOurs = path.startsWith("/sys/fs/cgroup/") && basename(path).startsWith("ordeal");
  if (!isOurs) throw new Error("no control group of ours");
  for (const group of groupsUnder(path)) {
    for (const [name, thawed] of THAW) {
      const file = join(group, name);
      if (existsSync(file)) writeFileSync(file, thawed);
    }
  }
  const isEmpty = await waitUntil(async () => {
    const handles = processesIn(path).flatMap((pid) => handleOf(pid) ?? []);
    await Promise.all(handles.map((handle) => kill(handle)));
    return processesIn(path).length === 0;
  }, MS_MAX);
  if (!isEmpty) throw new Error(`processes in it do not end: ${processesIn(path).join(", ")}`);
  for (const group of groupsUnder(path).toReversed()) rmdirSync(group);
}

/** The group and all below it, each before those below it. */
function groupsUnder(path: string): readonly string[] {
  const below = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => groupsUnder(join(path, entry.name)));
  return [path, ...below];
}

function processesIn(path: string): readonly number[] {
  return groupsUnder(path).flatMap((group) =>
    readFileSync(join(group, "cgroup.procs"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map(Number),
  );
}
