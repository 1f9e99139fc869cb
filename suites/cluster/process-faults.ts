// Kill and pause on the processes of a cluster, composed with those already active, and what was
// seen of them: pids, exits, states in /proc. Which node must change how is decided in nemesis.

import type { Evidence, NodeName, ResolvedFault } from "../../nemesis/faults.js";
import {
  composeProcesses,
  type ProcessAction,
  type ProcessStates,
  processActions,
} from "../../nemesis/processes.js";
import { nowMs } from "./deadline.js";
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
  readonly #cluster: ClusterProcesses;
  readonly #active = new Map<string, Active>();

  constructor(cluster: ClusterProcesses) {
    this.#cluster = cluster;
  }

  has(faultId: string): boolean {
    return this.#active.has(faultId);
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

  async #act({ node, action }: ProcessAction, { measured, landed }: Active): Promise<void> {
    const process = this.#cluster.process(node);
    switch (action) {
      case "kill": {
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
