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
import { type Registration, register } from "./registry.js";

export type Confinement = Cgroup & { registration: Registration };

/** Makes a group with these settings and moves the process into it; throws, and leaves nothing. */
export async function confine(
  shell: Shell,
  place: CgroupPlace,
  name: string,
  pid: number,
  settings: readonly Setting[],
): Promise<Confinement> {
  const registration = register({ kind: "cgroup", path: cgroupPath(place, name) });
  try {
    return { ...(await enclose(shell, place, name, pid, settings)), registration };
  } catch (error) {
    registration.release();
    throw error;
  }
}

/** Moves what is in the group back to where it came from, and removes the group. */
export async function setFree(
  shell: Shell,
  { registration, ...group }: Confinement,
): Promise<void> {
  await release(shell, group);
  registration.release();
}
