// A simulation in words: what was set up, what went wrong when, and what came of it.

import { describeIntent } from "../../nemesis/describe.js";
import type { Scenario } from "./scenario.js";
import type { SimResult } from "./simulate.js";

export function describeScenario({ scenario, faults, stats }: SimResult): string[] {
  const { seed, replicas, sessions, clientProcesses, accounts, operations } = scenario;
  const load = `${operations} operations of ${sessions} sessions on ${accounts} accounts`;
  const lines = [
    `swarm seed ${seed}: ${replicas} replicas, ${clientProcesses} client processes, ${load}`,
    `  protocol: ${numbers(scenario.protocol) || "defaults"}; ${scenario.signatures} signatures`,
    `  weather: ${weatherLine(scenario)}; datagrams to ${scenario.datagramBytesMax} bytes`,
  ];
  if (scenario.faulty.length > 0) lines.push(`  may lie or forget: ${scenario.faulty.join(", ")}`);
  for (const record of faults) {
    const at = `${(record.time / 1e6).toFixed(1).padStart(9)} ms`;
    if (record.type === "stop") {
      const { evidence } = record;
      lines.push(`  ${at}  ${record.faultId} ends: ${evidence.summary}`);
      continue;
    }
    const { id, intent, nodes } = record.fault;
    lines.push(`  ${at}  ${id} begins: ${describeIntent(intent)} → ${nodes.join(",")}`);
  }
  const seconds = (stats.simulatedMs / 1_000).toFixed(3);
  lines.push(
    `  ${seconds} s simulated: ${stats.operations} operations, ${stats.datagrams} datagrams, ` +
      `seq ${stats.executedSeq}, view ${stats.viewMax}`,
  );
  return lines;
}

function weatherLine({ weather }: Scenario): string {
  const { latencyUsMin, latencyUsMean, ...percents } = weather;
  const bad = Object.entries(percents).flatMap(([name, percent]) =>
    percent > 0 ? [`${name.replace("Percent", "")} ${percent} %`] : [],
  );
  return [`${latencyUsMin}+${latencyUsMean} µs`, ...bad].join(", ");
}

function numbers(values: object): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}
