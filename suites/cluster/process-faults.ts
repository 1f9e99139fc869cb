// Faults that end or stop the processes of a cluster, composed with those already active, and what was
// seen of them: pids, exits, states in /proc. Which node must change how is decided in nemesis.

import type { Evidence, FaultKind, NodeName, ResolvedFault } from "../../nemesis/faults.js";
import {
  composeProcesses,
  type ProcessAction,
  type ProcessStates,
  processActions,
} from "../../nemesis/processes.js";
import { nowMs } from "./deadline.js";
import type { Deed, DownHand, EndOfProcess } from "./node-hand.js";
import type { ClusterProcesses } from "./processes.js";

type Measured = Map<string, number | string>;
type Active = {
  fault: ResolvedFault;
  appliedMs: number;
  /** Nodes that were seen dead or stopped. */
  landed: Set<NodeName>;
  measured: Measured;
};

export class ProcessFaults {
  readonly kinds: ReadonlySet<FaultKind>;
  readonly #cluster: ClusterProcesses;
  readonly #downHands: readonly DownHand[];
  readonly #active = new Map<string, Active>();

  constructor(cluster: ClusterProcesses, downHands: readonly DownHand[]) {
    this.#cluster = cluster;
    this.#downHands = downHands;
    const ofHands = downHands.flatMap(({ kinds }) => [...kinds]);
    this.kinds = new Set<FaultKind>(["kill", "pause", ...ofHands]);
  }

  async apply(fault: ResolvedFault): Promise<void> {
    const before = this.#states();
    const active: Active = { fault, appliedMs: nowMs(), landed: new Set(), measured: new Map() };
    for (const node of fault.nodes) {
      const pid = this.#cluster.process(node).handle?.pid;
      active.measured.set(`${node}.pid`, pid ?? "none");
    }
    this.#active.set(fault.id, active);
    await this.#perform(processActions(before, this.#states()), active);
    this.#inherit(active);
  }

  /** Undoes what no other fault still asks for. Throws where the fault is not active. */
  async heal(faultId: string): Promise<Evidence> {
    const active = this.#active.get(faultId);
    if (active === undefined) throw new Error(`fault ${faultId} is not active`);
    const before = this.#states();
    this.#active.delete(faultId);
    active.measured.set("activeMs", Math.round(nowMs() - active.appliedMs));
    await this.#changeWhileDown(active);
    await this.#perform(processActions(before, this.#states()), active);
    return evidenceOf(active);
  }

  #states(): ProcessStates {
    return composeProcesses([...this.#active.values()].map(({ fault }) => fault));
  }

  /** A node's actions one after the other, the nodes at once: a power failure spares nobody. */
  async #perform(actions: readonly ProcessAction[], active: Active): Promise<void> {
    const byNode = new Map<NodeName, ProcessAction[]>();
    for (const action of actions) {
      byNode.set(action.node, [...(byNode.get(action.node) ?? []), action]);
    }
    await Promise.all(
      [...byNode.values()].map(async (steps) => {
        for (const step of steps) await this.#act(step, active);
      }),
    );
  }

  async #act({ node, action }: ProcessAction, { fault, measured, landed }: Active): Promise<void> {
    const process = this.#cluster.process(node);
    switch (action) {
      case "kill": {
        const { kind } = fault.intent;
        const hand = this.#downHands.find(({ kinds }) => kinds.has(kind));
        if (hand?.bringDown !== undefined) {
          const host = this.#cluster.host(node);
          const deed = await hand.bringDown(fault, host, this.#endOf(node, measured));
          note(node, deed, { measured, landed });
          return;
        }
        const exit = await process.kill();
        measured.set(`${node}.exit`, exit?.how ?? "was not running");
        if (exit?.how === "SIGKILL") landed.add(node);
        return;
      }
      case "pause": {
        const seen = await process.pause();
        measured.set(`${node}.state`, seen?.state ?? "was not running");
        if (seen?.reached === true) landed.add(node);
        return;
      }
      case "resume":
        measured.set(`${node}.resumed`, (await process.resume())?.state ?? "was not running");
        return;
      case "restart": {
        const restart = await this.#cluster.restart(node);
        if ("error" in restart) {
          measured.set(`${node}.restart`, `failed: ${restart.error}`);
          return;
        }
        measured.set(`${node}.newPid`, restart.pid);
        measured.set(`${node}.readyMs`, restart.readyMs);
        return;
      }
      default:
        return action satisfies never;
    }
  }

  /** What the fault changes before its nodes come back; what it cannot change has not landed. */
  async #changeWhileDown({ fault, landed, measured }: Active): Promise<void> {
    const hand = this.#downHands.find(({ kinds }) => kinds.has(fault.intent.kind));
    if (hand?.beforeRestart === undefined) return;
    for (const node of fault.nodes) {
      const deed = await hand.beforeRestart(fault, this.#cluster.host(node));
      note(node, deed, { measured, landed });
    }
  }

  #endOf(node: NodeName, measured: Measured): EndOfProcess {
    return async ({ signal, deadlineMs }) => {
      const exit = await this.#cluster.process(node).awaitEnd(deadlineMs, signal);
      measured.set(`${node}.exit`, exit?.how ?? "was not running, or killed at the deadline");
      return exit?.how;
    };
  }

  /** A node that another fault holds in this state already is held there by this one too. */
  #inherit({ fault, landed, measured }: Active): void {
    for (const node of fault.nodes) {
      if (landed.has(node)) continue;
      const holders = [...this.#active.values()].filter(
        (other) => other.fault.intent.kind === fault.intent.kind && other.landed.has(node),
      );
      const holder = holders[0];
      if (holder === undefined) continue;
      measured.set(`${node}.heldBy`, holder.fault.id);
      landed.add(node);
    }
  }
}

/** The last deed on a node says whether the fault landed there. */
function note(
  node: NodeName,
  deed: Deed,
  { measured, landed }: Pick<Active, "measured" | "landed">,
) {
  if (deed.landed) landed.add(node);
  else landed.delete(node);
  for (const [name, value] of Object.entries(deed.measured)) measured.set(`${node}.${name}`, value);
}

function evidenceOf({ fault, landed, measured }: Active): Evidence {
  const isKill = fault.intent.kind === "kill";
  const done = fault.nodes.filter((node) => landed.has(node));
  const names = done.map((node) => `${node} (pid ${measured.get(`${node}.pid`)})`).join(", ");
  const missed = fault.nodes.filter((node) => !landed.has(node));
  const failed = fault.nodes.filter((node) => measured.has(`${node}.restart`));
  const parts = [
    done.length > 0 ? `${isKill ? "killed" : "stopped"} ${names}` : "",
    missed.length > 0 ? `no effect on ${missed.join(", ")}` : "",
    failed.length > 0 ? `${failed.join(", ")} did not come back` : "",
  ].filter((part) => part !== "");
  return {
    faultId: fault.id,
    landed: fault.nodes.length > 0 && missed.length === 0,
    summary: parts.join("; ") || "named no node",
    mechanism: isKill ? "SIGKILL" : "SIGSTOP",
    measured: Object.fromEntries(measured),
  };
}
