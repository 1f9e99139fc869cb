// Which environments work on this machine, why not where they do not, and what faults each can make here.

import { release } from "node:os";
import type { FaultKind } from "../../nemesis/faults.js";
import type { Finding, Probe } from "../../nemesis/host/probe.js";
import { capabilitiesOf } from "../cluster/capabilities.js";
import { sandboxFrom } from "../cluster/choose.js";
import type { HostFindings } from "../cluster/host-hands.js";
import { localCapabilities } from "../cluster/local.js";
import { SIM_CAPABILITIES } from "../cluster/sim.js";
import { UML_REMEDY } from "../cluster/uml-parts.js";
import type { Lacking, Machines, Probes } from "./probes.js";

export type EnvironmentReport = {
  /** As --env takes it; "netns (root)" and "netns (rootless)" are one there. */
  name: string;
  /** Shown to work. */
  works: boolean;
  /** Nobody has looked. */
  untried?: true;
  /** Mechanisms where it works, else why it does not. One line. */
  reason: string;
  remedy?: string;
  /** Faults that it can make here; empty where it does not work. */
  faults: readonly FaultKind[];
};

/** All environments that this build has, in the order of people's interest. */
export function environmentReports(
  { root, rootless, hands, uml, docker, vagrant, ssh }: Probes,
  tools: readonly Finding[],
): readonly EnvironmentReport[] {
  const netns = (name: string, found: Probe | undefined, asked: Probe | undefined) =>
    netnsReport(name, { found, asked, hands }, tools);
  return [
    netns("netns (root)", root?.mode === "root" ? root : undefined, root),
    netns("netns (rootless)", rootless.mode && rootless, rootless),
    umlReport(uml),
    localReport(hands, tools),
    simReport(),
    machinesReport("docker", docker, ["docker"], tools),
    machinesReport("vagrant", vagrant, ["vagrant"], tools),
    machinesReport("ssh", ssh, ["ssh"], tools),
  ];
}

function netnsReport(
  name: string,
  {
    found,
    asked,
    hands,
  }: { found: Probe | undefined; asked: Probe | undefined; hands: HostFindings },
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
  const host = { ...hands, ...(sandbox.mode === "rootless" && { cgroups: {} }) };
  const reason = `iptables-${backend}, delay by ${mechanism ?? "nothing"}; Linux ${release()}`;
  return { name, works: true, reason, faults: [...capabilitiesOf(sandbox, host)] };
}

function umlReport(uml: Probes["uml"]): EnvironmentReport {
  if ("lacks" in uml) return lacking("uml", uml);
  const { sandbox, why } = sandboxFrom(uml.namespaces, "as asked");
  if (sandbox === undefined) return refused("uml", why, UML_REMEDY);
  const reason = `boots; iptables-${sandbox.backend}, delay by ${sandbox.mechanism ?? "nothing"}`;
  return { name: "uml", works: true, reason, faults: [...capabilitiesOf(sandbox, uml.hands)] };
}

function localReport(hands: HostFindings, tools: readonly Finding[]): EnvironmentReport {
  const needs = ["UDP on loopback", "SQLite addon"];
  const report = missingTool("local", needs, tools);
  if (report !== undefined) return report;
  const faults = [...localCapabilities(hands)];
  return { name: "local", works: true, reason: "UDP on loopback, SQLite addon", faults };
}

/** Of machines that were looked at; those are reached by tools of this one. */
function machinesReport(
  name: string,
  found: Machines | Lacking,
  needs: readonly string[],
  tools: readonly Finding[],
): EnvironmentReport {
  const report = missingTool(name, needs, tools);
  if (report !== undefined) return report;
  if ("lacks" in found) return lacking(name, found);
  return { name, works: true, reason: found.line, faults: [...found.capabilities] };
}

function missingTool(
  name: string,
  needs: readonly string[],
  tools: readonly Finding[],
): EnvironmentReport | undefined {
  const found = needs.map((need) => tools.find((tool) => tool.name === need) ?? notTried(need));
  const missing = found.find((tool) => !tool.works);
  return missing && refused(name, `${missing.name}: ${missing.reason}`, missing.remedy);
}

/** Nothing of the machine plays a part in it. */
function simReport(): EnvironmentReport {
  const reason = "replicas in one thread, in virtual time";
  return { name: "sim", works: true, reason, faults: [...SIM_CAPABILITIES] };
}

function lacking(name: string, { lacks, remedy, untried }: Lacking): EnvironmentReport {
  return { ...refused(name, lacks, remedy), ...(untried && { untried }) };
}

function refused(name: string, reason: string, remedy: string | undefined): EnvironmentReport {
  return { name, works: false, reason, ...(remedy !== undefined && { remedy }), faults: [] };
}

function notTried(name: string): Finding {
  return { name, works: false, reason: "not tried" };
}
