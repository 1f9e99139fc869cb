// Which environments work on this machine, why not where they do not, and what faults each can make here.

import { release } from "node:os";
import type { FaultKind } from "../../nemesis/faults.js";
import { type Finding, type Probe, probe } from "../../nemesis/host/probe.js";
import type { Shell } from "../../nemesis/host/shell.js";
import { sandboxFrom } from "../cluster/choose.js";
import type { HostFindings } from "../cluster/host-hands.js";
import { localCapabilities } from "../cluster/local.js";
import { netnsCapabilities } from "../cluster/netns.js";
import { SIM_CAPABILITIES } from "../cluster/sim.js";
import { umlShell } from "../cluster/uml.js";
import { findUml, UML_REMEDY } from "../cluster/uml-parts.js";

export type EnvironmentReport = {
  /** As --env takes it; "netns (root)" and "netns (rootless)" are one there. */
  name: string;
  works: boolean;
  /** Mechanisms where it works, else why it does not. One line. */
  reason: string;
  remedy?: string;
  /** Faults that it can make here; empty where it does not work. */
  faults: readonly FaultKind[];
};

/** Everything that was found out about namespaces: in either mode, and in a kernel of our own. */
export type NamespaceProbes = {
  /** Undefined: we are not root. */
  root: Probe | undefined;
  rootless: Probe;
  uml: Probe | { lacks: string; remedy?: string };
};

export async function probeNamespaces(shell: Shell): Promise<NamespaceProbes> {
  const isRoot = process.getuid?.() === 0;
  const [root, rootless, uml] = await Promise.all([
    // Tries the other mode too, where root has no right to namespaces.
    isRoot ? probe(shell, { isRoot: true }) : undefined,
    probe(shell, { isRoot: false }),
    probeUml(),
  ]);
  return { root, rootless, uml };
}

/** Boots it, where it is there. */
async function probeUml(): Promise<NamespaceProbes["uml"]> {
  const found = await findUml();
  if ("kernel" in found) return probe(umlShell(found), { isRoot: true });
  const { reason, remedy } = found;
  return { lacks: reason, ...(remedy !== undefined && { remedy }) };
}

/** All environments that this build has, in the order of people's interest. */
export function environmentReports(
  { root, rootless, uml }: NamespaceProbes,
  tools: readonly Finding[],
): readonly EnvironmentReport[] {
  return [
    netnsReport("netns (root)", root?.mode === "root" ? root : undefined, root, tools),
    netnsReport("netns (rootless)", rootless.mode && rootless, rootless, tools),
    umlReport(uml),
    withFaults(
      toolReport("local", ["UDP on loopback", "SQLite addon"], tools),
      localCapabilities(onProcesses(tools)),
    ),
    simReport(),
    toolReport("docker", ["docker"], tools),
    toolReport("vagrant", ["vagrant", "docker"], tools),
    toolReport("ssh", ["ssh"], tools),
  ];
}

function netnsReport(
  name: string,
  found: Probe | undefined,
  asked: Probe | undefined,
  tools: readonly Finding[],
): EnvironmentReport {
  const tied = tools.find((tool) => tool.name === "setpriv");
  if (asked === undefined) return refused(name, "not root", "sudo ./ordeal doctor");
  if (tied?.works === false) return refused(name, `setpriv: ${tied.reason}`, tied.remedy);
  const { sandbox } = found === undefined ? {} : sandboxFrom(found, "as asked");
  if (sandbox === undefined) {
    const first = asked.findings.find((finding) => !finding.works && finding.remedy !== undefined);
    return refused(name, asked.reason, first?.remedy);
  }
  const { backend, mechanism } = sandbox;
  // Whoever is root only inside has no right to control groups.
  const host = { ...onProcesses(tools), ...(sandbox.mode === "rootless" && { cgroups: {} }) };
  const reason = `iptables-${backend}, delay by ${mechanism ?? "nothing"}; Linux ${release()}`;
  return { name, works: true, reason, faults: [...netnsCapabilities(sandbox, host)] };
}

/** What the hands on processes need, as far as it decides which faults there are. */
function onProcesses(tools: readonly Finding[]): HostFindings {
  const works = (name: string) => tools.some((tool) => tool.name === name && tool.works);
  const place = { version: 1, folder: "" } as const;
  return {
    cgroups: {
      ...(works("cgroup cpu") && { cpu: place }),
      ...(works("cgroup memory") && { memory: place }),
      ...(works("cgroup freezer") && { freezer: place }),
    },
    faketime: works("libfaketime") ? "libfaketime" : undefined,
    limits: works("prlimit"),
  };
}

function umlReport(uml: NamespaceProbes["uml"]): EnvironmentReport {
  if ("lacks" in uml) return refused("uml", uml.lacks, uml.remedy);
  const { sandbox, why } = sandboxFrom(uml, "as asked");
  if (sandbox === undefined) return refused("uml", why, UML_REMEDY);
  const reason = `boots; iptables-${sandbox.backend}, delay by ${sandbox.mechanism ?? "nothing"}`;
  return { name: "uml", works: true, reason, faults: [...netnsCapabilities(sandbox)] };
}

function withFaults(report: EnvironmentReport, faults: ReadonlySet<FaultKind>): EnvironmentReport {
  return report.works ? { ...report, faults: [...faults] } : report;
}

/** It works where its tools do; which faults it can make shows on its hosts. */
function toolReport(
  name: string,
  needs: readonly string[],
  tools: readonly Finding[],
): EnvironmentReport {
  const found = needs.map((need) => tools.find((tool) => tool.name === need) ?? notTried(need));
  const missing = found.find((tool) => !tool.works);
  if (missing !== undefined) {
    return refused(name, `${missing.name}: ${missing.reason}`, missing.remedy);
  }
  return { name, works: true, reason: found.map(({ reason }) => reason).join("; "), faults: [] };
}

/** Nothing of the machine plays a part in it. */
function simReport(): EnvironmentReport {
  const reason = "replicas in one thread, in virtual time";
  return { name: "sim", works: true, reason, faults: [...SIM_CAPABILITIES] };
}

function refused(name: string, reason: string, remedy: string | undefined): EnvironmentReport {
  return { name, works: false, reason, ...(remedy !== undefined && { remedy }), faults: [] };
}

function notTried(name: string): Finding {
  return { name, works: false, reason: "not tried" };
}
