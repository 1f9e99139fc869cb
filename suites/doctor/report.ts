// What `ordeal doctor` found, as data, and as tables for people.

import type { Finding } from "../../nemesis/host/probe.js";
import { localShell } from "../../nemesis/host/shell.js";
import { layoutTable } from "../table-layout.js";
import { type EnvironmentReport, environmentReports } from "./environments.js";
import { meansOf } from "./faults.js";
import { type DoctorOptions, type Probes, probeAll } from "./probes.js";
import { probeTools, withRemedyThatHelps } from "./tools.js";

export type FaultReport = {
  kind: string;
  /** Environments that can make it here. */
  environments: readonly string[];
  /** By what it is made where processes are real; absent: not at all. */
  mechanism?: string;
  /** Why not, or why not by the best way. */
  reason?: string;
  /** The command that would enable the best way. */
  remedy?: string;
};

export type DoctorReport = {
  /** What a run takes without --env. */
  default: string;
  /** Whether that works here. */
  works: boolean;
  environments: readonly EnvironmentReport[];
  faults: readonly FaultReport[];
  findings: readonly Finding[];
};

/**
 * Tries everything on this machine, and on hosts that are known; up to half a minute, with User-Mode Linux
 * a few minutes. Nothing stays of it but the image for containers, where a docker daemon answers.
 */
export async function examine(options: DoctorOptions): Promise<DoctorReport> {
  const shell = localShell();
  const [probes, tools] = await Promise.all([probeAll(shell, options), probeTools(shell)]);
  return reportOf(probes, tools);
}

/** Pure. */
export function reportOf(probes: Probes, tools: readonly Finding[]): DoctorReport {
  const environments = environmentReports(probes, tools);
  const best = probes.root ?? probes.rootless;
  const findings = [...best.findings.map(withRemedyThatHelps), ...tools];
  // In the order in which a run without --env chooses.
  const chosen = environments.find(
    ({ name, works }) => works && (name.startsWith("netns") || name === "local"),
  );
  const kinds = [...new Set(environments.flatMap(({ faults }) => faults))];
  return {
    default: chosen?.name.split(" ")[0] ?? "none",
    works: chosen !== undefined,
    environments,
    faults: kinds.map((kind) => {
      const able = environments.filter(({ faults }) => faults.includes(kind));
      const names = able.map(({ name }) => name);
      const isReal = names.some((name) => name !== "sim");
      const means = isReal ? meansOf(kind, findings) : { reason: "simulated only" };
      return { kind, environments: names, ...means };
    }),
    findings,
  };
}

export function reportLines({ environments, faults, findings, ...report }: DoctorReport): string[] {
  const yes = (works: boolean) => (works ? "yes" : "no");
  const names = environments.filter(({ faults: any }) => any.length > 0).map(({ name }) => name);
  return [
    ...layoutTable(
      ["environment", "works", "how, or why not", "to enable"],
      environments.map(({ name, works, untried, reason, remedy }) => [
        name,
        untried ? "not tried" : yes(works),
        reason,
        remedy ?? "",
      ]),
    ),
    "",
    ...layoutTable(
      ["fault", ...names, "on this machine by", "not better because", "to enable"],
      faults.map(({ kind, environments: able, mechanism, reason, remedy }) => [
        kind,
        ...names.map((name) => yes(able.includes(name))),
        mechanism ?? "",
        reason ?? "",
        remedy ?? "",
      ]),
    ),
    "",
    ...layoutTable(
      ["tried", "works", "what was found", "to enable"],
      findings.map(({ name, works, reason, remedy }) => [name, yes(works), reason, remedy ?? ""]),
    ),
    "",
    report.works
      ? `a run without --env takes ${report.default}, which works here`
      : "a run without --env cannot work here",
  ];
}
