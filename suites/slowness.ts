// Environments in which everything takes longer, so that the same suite asks for what they can give: longer
// time-outs and faults, a lighter load. Correctness is judged alike everywhere.

import { PROTOCOL_DEFAULTS } from "../node/core/config.js";

/** How many times slower a node is than elsewhere; every system call is a detour in User-Mode Linux. */
const SLOWNESS: ReadonlyMap<string, number> = new Map([["uml", 6]]);
const TIMES = ["viewTimeoutMs", "viewTimeoutMsMax", "statusIntervalMs"] as const;

/** At least 1. */
export function slownessOf(environment: string): number {
  return SLOWNESS.get(environment) ?? 1;
}

/** The protocol's overrides for nodes that are so many times slower; unchanged where they are not. */
export function slowedProtocol(
  protocol: Readonly<Record<string, number>>,
  slowness: number,
): Readonly<Record<string, number>> {
  if (slowness === 1) return protocol;
  const times = TIMES.map((name) => [name, (protocol[name] ?? PROTOCOL_DEFAULTS[name]) * slowness]);
  return { ...protocol, ...Object.fromEntries(times) };
}
