// Control groups around processes of this run: registered before they are made, so that they are found and
// removed also where the run is killed.

import {
  type Cgroup,
  type CgroupPlace,
  cgroupPath,
  enclose,
  release,
  type Setting,
} from "../../nemesis/host/cgroup.js";
import type { Shell } from "../../nemesis/host/shell.js";
import type { Release } from "./machine.js";
import type { NodeHost } from "./node-hand.js";

export type Confinement = Cgroup & { gone: Release };

/** Makes a group with these settings and moves the process into it; throws, and leaves nothing. */
export async function confine(
  { shell, register }: Pick<NodeHost, "shell" | "register">,
  place: CgroupPlace,
  name: string,
  pid: number,
  settings: readonly Setting[],
): Promise<Confinement> {
  const gone = await register({ kind: "cgroup", path: cgroupPath(place, name) });
  try {
    return { ...(await enclose(shell, place, name, pid, settings)), gone };
  } catch (error) {
    await gone();
    throw error;
  }
}

/** Moves what is in the group back to where it came from, and removes the group. */
export async function setFree(shell: Shell, { gone, ...group }: Confinement): Promise<void> {
  await release(shell, group);
  await gone();
}
