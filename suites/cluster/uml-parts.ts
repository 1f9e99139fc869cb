// Whether this machine has what a User-Mode Linux takes: the kernel, its modules, and the tool that loads them.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { localShell, must, ShellError } from "../../nemesis/host/shell.js";
import { pathWithSbin } from "./sandbox.js";
import type { UmlParts } from "./uml-init.js";

const KERNELS = ["linux.uml", "linux"];
const MODULES = "/usr/lib/uml/modules";
/** Without these there is nothing to be had from it. */
const NEEDED = ["net/sched/sch_netem", "net/bridge/bridge", "drivers/net/veth"];
const ENDINGS = [".ko", ".ko.xz", ".ko.zst"];
export const UML_REMEDY = "apt-get install user-mode-linux kmod";

/** The parts, or why there are none. */
export async function findUml(): Promise<UmlParts | { reason: string; remedy?: string }> {
  const lacking = (reason: string) => ({ reason, remedy: UML_REMEDY });
  const kernel = onPath(KERNELS);
  if (kernel === undefined) return lacking(`no program ${KERNELS.join(" or ")}`);
  const modprobe = onPath(["modprobe"]);
  if (modprobe === undefined) return lacking("no program modprobe, which loads its modules");
  try {
    await must(localShell(), ["setpriv", "--pdeathsig", "KILL", "true"]);
    const version = (await must(localShell(), [kernel, "--version"])).stdout.trim();
    const folder = join(MODULES, version, "kernel");
    const missing = NEEDED.filter(
      (name) => !ENDINGS.some((end) => existsSync(join(folder, name + end))),
    );
    if (missing.length > 0) return lacking(`${folder} has no ${missing.join(", ")}`);
  } catch (error) {
    if (error instanceof ShellError) return { reason: error.message };
    throw error;
  }
  return { kernel, modules: MODULES, modprobe };
}

function onPath(names: readonly string[]): string | undefined {
  const folders = pathWithSbin().split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}
