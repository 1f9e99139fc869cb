// The active process faults, composed: several faults may hold the same process, and a cure of one must
// not undo the other. A node is down while any kill holds it, otherwise paused while any pause does.

import type { FaultKind, NodeName, ResolvedFault } from "./faults.js";

export type ProcessState = "running" | "paused" | "down";

/** Nodes that do not run, with the faults that hold them. */
export type ProcessStates = ReadonlyMap<
  NodeName,
  { state: Exclude<ProcessState, "running">; causes: readonly string[] }
>;

/** What must be done to a node, in this order. */
export type ProcessAction = { node: NodeName; action: "kill" | "restart" | "pause" | "resume" };

/** Kinds of faults under which a process stands still and goes on later. */
export const PAUSING: ReadonlySet<FaultKind> = new Set<FaultKind>(["pause", "freeze"]);
const ENDING: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "kill",
  "terminate",
  "kill-at",
  "memory",
  "power-cut",
  "crash",
  "disk-damage",
]);

/** The state of every node that a kill or a pause holds. `causes` name the faults of that state. */
export function composeProcesses(faults: readonly ResolvedFault[]): ProcessStates {
  const states = new Map<NodeName, { state: "paused" | "down"; causes: string[] }>();
  for (const fault of faults) {
    const state = stateUnder(fault.intent.kind);
    if (state === undefined) continue;
    for (const node of fault.nodes) {
      const held = states.get(node);
      if (held === undefined || (held.state === "paused" && state === "down")) {
        states.set(node, { state, causes: [fault.id] });
      } else if (held.state === state) {
        held.causes.push(fault.id);
      }
    }
  }
  return states;
}

/**
 * The actions that lead from one composition to the next. A killed process is killed even while it is
 * stopped; one that a pause still holds is restarted first and then paused.
 */
export function processActions(before: ProcessStates, after: ProcessStates): ProcessAction[] {
  const actions: ProcessAction[] = [];
  for (const node of new Set([...before.keys(), ...after.keys()])) {
    const was = before.get(node)?.state ?? "running";
    const is = after.get(node)?.state ?? "running";
    if (was === is) continue;
    if (is === "down") actions.push({ node, action: "kill" });
    else if (was === "down") actions.push({ node, action: "restart" });
    else if (is === "running") actions.push({ node, action: "resume" });
    if (is === "paused") actions.push({ node, action: "pause" });
  }
  return actions;
}

/** What such a fault makes of a process; undefined where it leaves it running. */
export function stateUnder(kind: FaultKind): "paused" | "down" | undefined {
  if (PAUSING.has(kind)) return "paused";
  return ENDING.has(kind) ? "down" : undefined;
}
