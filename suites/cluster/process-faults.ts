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
import type { Deed, DownHand, EndOfProcess, NodeHand, PauseHand } from "./node-hand.js";
import type { ClusterProcesses } from "./processes.js";

const VERBS: ReadonlyMap<FaultKind, string> = new Map<FaultKind, string>([
  ["kill", "killed"],
  ["pause", "stopped"],
  ["freeze", "froze"],
]);

type Measured = Map<string, number | string>;
type Active = {
  fault: ResolvedFault;
  appliedMs: number;
  /** Nodes that were seen dead or stopped. */
  landed: Set<NodeName>;
  measured: Measured;
  /** By what hands did it, where that differs from node to node. */
  mechanisms: Set<string>;
  /** What a hand did to a node, in words. */
  said: Map<NodeName, string>;
};

type Hands = {
  /** Whatever wakes a process that is to stand still, or must follow it into its next life. */
  hands: readonly NodeHand[];
  downHands: readonly DownHand[];
  pauseHands: readonly PauseHand[];
};

export class ProcessFaults {
  readonly kinds: ReadonlySet<FaultKind>;
  readonly #cluster: ClusterProcesses;
  readonly #hands: Hands;
  readonly #active = new Map<string, Active>();

  constructor(cluster: ClusterProcesses, hands: Hands) {
    this.#cluster = cluster;
    this.#hands = hands;
    const ofHands = [...hands.downHands, ...hands.pauseHands].flatMap(({ kinds }) => [...kinds]);
    this.kinds = new Set<FaultKind>(["kill", "pause", ...ofHands]);
  }

  async apply(fault: ResolvedFault): Promise<void> {
    const before = this.#states();
    const seen = { landed: new Set<NodeName>(), measured: new Map(), said: new Map() };
    const active: Active = { fault, appliedMs: nowMs(), mechanisms: new Set(), ...seen };
    const hand = this.#downHand(fault);
    for (const node of fault.nodes) {
      const pid = this.#cluster.process(node).handle?.pid;
      active.measured.set(`${node}.pid`, pid ?? "none");
      await hand?.begin?.(fault, this.#cluster.host(node));
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
    const ended = await this.#endToChange(active);
    await this.#changeWhileDown(active);
    const after = this.#states();
    const anew = ended.flatMap((node) => startAnew(node, after));
    await this.#perform([...processActions(before, after), ...anew], active);
    const mechanism = [...active.mechanisms].sort().join("; ");
    return evidenceOf(active, mechanism || this.#mechanism(active.fault));
  }

  holdsDown(node: NodeName): boolean {
    return this.#states().get(node)?.state === "down";
  }

  /** For the end of the run: a process that stands still cannot end. */
  async resumeAll(): Promise<void> {
    for (const { fault } of this.#active.values()) {
      for (const node of fault.nodes) await this.#resume(node);
    }
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

  async #act({ node, action }: ProcessAction, active: Active): Promise<void> {
    const { measured } = active;
    switch (action) {
      case "kill":
        await this.#letGo(node);
        await this.#end(node, active);
        return;
      case "pause":
        await this.#letGo(node);
        await this.#pause(node, active);
        return;
      case "resume":
        measured.set(`${node}.resumed`, await this.#resume(node));
        await this.#takeHold(node);
        return;
      case "restart": {
        const restart = await this.#cluster.restart(node);
        if ("error" in restart) {
          measured.set(`${node}.restart`, `failed: ${restart.error}`);
          return;
        }
        measured.set(`${node}.newPid`, restart.pid);
        measured.set(`${node}.readyMs`, restart.readyMs);
        await this.#takeHold(node);
        return;
      }
      default:
        return action satisfies never;
    }
  }

  /** Nodes that ran until now and must not while they are changed. */
  async #endToChange(active: Active): Promise<NodeName[]> {
    const { fault } = active;
    if (this.#downHand(fault)?.endsWhenHealed?.(fault) !== true) return [];
    const running = fault.nodes.filter((node) => this.#cluster.process(node).handle !== undefined);
    for (const node of running) await this.#act({ node, action: "kill" }, active);
    return running;
  }

  #downHand({ intent }: ResolvedFault): DownHand | undefined {
    return this.#hands.downHands.find(({ kinds }) => kinds.has(intent.kind));
  }

  async #end(node: NodeName, active: Active): Promise<void> {
    const { fault, measured, landed } = active;
    const hand = this.#downHand(fault);
    if (hand?.bringDown !== undefined) {
      await this.#thaw(node);
      const host = this.#cluster.host(node);
      const deed = await hand.bringDown(fault, host, this.#endOf(node, measured));
      note(node, deed, active);
      return;
    }
    // What is frozen dies when it thaws; the signal is there before.
    const [exit] = await Promise.all([this.#cluster.process(node).kill(), this.#thaw(node)]);
    measured.set(`${node}.exit`, exit?.how ?? "was not running");
    if (exit?.how === "SIGKILL") landed.add(node);
  }

  async #pause(node: NodeName, active: Active): Promise<void> {
    const { fault, measured, landed } = active;
    const hand = this.#hands.pauseHands.find(({ kinds }) => kinds.has(fault.intent.kind));
    if (hand !== undefined) {
      const deed = await hand.pause(this.#cluster.host(node));
      note(node, deed, active);
      return;
    }
    const seen = await this.#cluster.process(node).pause();
    measured.set(`${node}.state`, seen?.state ?? "was not running");
    if (seen?.reached === true) landed.add(node);
  }

  /** However it was stopped: the fault that is healed last need not be the one that stopped it. */
  async #resume(node: NodeName): Promise<string> {
    await this.#thaw(node);
    return (await this.#cluster.process(node).resume())?.state ?? "was not running";
  }

  async #thaw(node: NodeName): Promise<void> {
    for (const hand of this.#hands.pauseHands) await hand.resume(this.#cluster.host(node));
  }

  async #letGo(node: NodeName): Promise<void> {
    for (const hand of this.#hands.hands) await hand.letGo?.(this.#cluster.host(node));
  }

  async #takeHold(node: NodeName): Promise<void> {
    for (const hand of this.#hands.hands) await hand.takeHold?.(this.#cluster.host(node));
  }

  #mechanism({ intent: { kind } }: ResolvedFault): string {
    if (kind === "kill") return "SIGKILL";
    if (kind === "pause") return "SIGSTOP";
    const { downHands, pauseHands } = this.#hands;
    return [...downHands, ...pauseHands].find(({ kinds }) => kinds.has(kind))?.mechanism ?? kind;
  }

  /** What the fault changes before its nodes come back; what it cannot change has not landed. */
  async #changeWhileDown(active: Active): Promise<void> {
    const { fault } = active;
    const hand = this.#downHand(fault);
    if (hand?.beforeRestart === undefined) return;
    for (const node of fault.nodes) {
      const deed = await hand.beforeRestart(fault, this.#cluster.host(node));
      note(node, deed, active);
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
function note(node: NodeName, deed: Deed, { measured, landed, said, mechanisms }: Active) {
  if (deed.mechanism !== undefined) mechanisms.add(deed.mechanism);
  if (deed.did !== undefined) said.set(node, deed.did);
  if (deed.landed) landed.add(node);
  else landed.delete(node);
  for (const [name, value] of Object.entries(deed.measured)) measured.set(`${node}.${name}`, value);
}

/** A node that was ended to be changed runs again, where no other fault holds it. */
function startAnew(node: NodeName, after: ProcessStates): ProcessAction[] {
  const state = after.get(node)?.state ?? "running";
  if (state === "down") return [];
  const restart = { node, action: "restart" } as const;
  return state === "paused" ? [restart, { node, action: "pause" }] : [restart];
}

function evidenceOf({ fault, landed, measured, said }: Active, mechanism: string): Evidence {
  const done = fault.nodes.filter((node) => landed.has(node));
  const names = done.map((node) => `${node} (pid ${measured.get(`${node}.pid`)})`).join(", ");
  const missed = fault.nodes.filter((node) => !landed.has(node));
  const failed = fault.nodes.filter((node) => measured.has(`${node}.restart`));
  const parts = [
    done.length > 0 ? `${VERBS.get(fault.intent.kind) ?? "ended"} ${names}` : "",
    ...[...said].map(([node, did]) => `${node}: ${did}`),
    missed.length > 0 ? `no effect on ${missed.join(", ")}` : "",
    failed.length > 0 ? `${failed.join(", ")} did not come back` : "",
  ].filter((part) => part !== "");
  return {
    faultId: fault.id,
    landed: fault.nodes.length > 0 && missed.length === 0,
    summary: parts.join("; ") || "named no node",
    mechanism,
    measured: Object.fromEntries(measured),
  };
}
