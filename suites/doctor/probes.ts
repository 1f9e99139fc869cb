// Everything that environments were found to rest on: tried here, on the hosts that are known, and, where that
// is asked for, in a kernel of our own.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { FaultKind } from "../../nemesis/faults.js";
import { type Probe, probe } from "../../nemesis/host/probe.js";
import { must, type Shell, ShellError } from "../../nemesis/host/shell.js";
import { probeDocker } from "../cluster/docker.js";
import { type HostFindings, probeHands } from "../cluster/host-hands.js";
import { readInventory } from "../cluster/inventory.js";
import { openHosts } from "../cluster/ssh.js";
import { umlShell } from "../cluster/uml.js";
import { findUml } from "../cluster/uml-parts.js";
import { oneLine } from "../usage-error.js";
import { vagrantInventory } from "../vagrant/hosts.js";
import type { UmlFindings } from "./uml-main.js";

/** `untried`: nobody can say, for it was not asked for. */
export type Lacking = { lacks: string; remedy?: string; untried?: true };
/** What machines of an environment can do, in one line and by kinds of faults. */
export type Machines = { line: string; capabilities: ReadonlySet<FaultKind> };

export type Probes = {
  /** Undefined: we are not root. */
  root: Probe | undefined;
  rootless: Probe;
  /** Of this machine. */
  hands: HostFindings;
  uml: UmlFindings | Lacking;
  docker: Machines | Lacking;
  vagrant: Machines | Lacking;
  ssh: Machines | Lacking;
};

export type DoctorOptions = {
  /** Boot User-Mode Linux, too. */
  uml: boolean;
  /** The hosts of `ssh`. */
  inventory?: string;
};

export async function probeAll(shell: Shell, options: DoctorOptions): Promise<Probes> {
  const isRoot = process.getuid?.() === 0;
  const [root, rootless, hands, uml, docker, vagrant, ssh] = await Promise.all([
    // Tries the other mode too, where root has no right to namespaces.
    isRoot ? probe(shell, { isRoot: true }) : undefined,
    probe(shell, { isRoot: false }),
    probeHands(shell, []),
    probeUml(options),
    orLacking(() => probeDocker()),
    probeVagrant(),
    probeSsh(options),
  ]);
  return { root, rootless, hands, uml, docker, vagrant, ssh };
}

async function probeUml({ uml }: DoctorOptions): Promise<Probes["uml"]> {
  const found = await findUml();
  if (!("kernel" in found)) {
    const { reason, remedy } = found;
    return { lacks: reason, ...(remedy !== undefined && { remedy }) };
  }
  if (!uml) {
    const lacks = `${found.kernel} is here; whether it boots takes up to a few minutes to see`;
    return { lacks, remedy: "ordeal doctor --uml", untried: true };
  }
  try {
    const main = fileURLToPath(new URL("uml-main.js", import.meta.url));
    return JSON.parse((await must(umlShell(found), [process.execPath, main])).stdout);
  } catch (error) {
    if (error instanceof ShellError) return { lacks: error.message };
    throw error;
  }
}

async function probeVagrant(): Promise<Machines | Lacking> {
  if (existsSync(vagrantInventory())) return probeHosts(vagrantInventory());
  return { lacks: "no hosts are up", remedy: "ordeal vagrant up" };
}

async function probeSsh({ inventory }: DoctorOptions): Promise<Machines | Lacking> {
  if (inventory !== undefined) return probeHosts(inventory);
  const remedy = "ordeal doctor --inventory <file>";
  return { lacks: "its hosts are those of an inventory", remedy, untried: true };
}

function probeHosts(inventory: string): Promise<Machines | Lacking> {
  return orLacking(async () => {
    const { line, capabilities, close } = await openHosts(readInventory(inventory));
    await close();
    return { line, capabilities };
  });
}

/** Whatever goes wrong is why they cannot be used. */
async function orLacking(tries: () => Promise<Machines>): Promise<Machines | Lacking> {
  try {
    return await tries();
  } catch (error) {
    return { lacks: oneLine(error) };
  }
}
