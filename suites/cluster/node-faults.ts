// Faults under which a node's process goes on, done by the hands of an environment. Where such a fault
// ends a process all the same, which a full disk may, the node is started again when the fault is healed.

import type { Evidence, FaultKind, NodeName, ResolvedFault } from "../../nemesis/faults.js";
import type { NodeHand, NodeHost } from "./node-hand.js";
import type { ClusterProcesses } from "./processes.js";

/** A process that has met an error is gone by then, and one that answers has not met it. */
const ANSWER_MS_MAX = 5_000;

type Active = { fault: ResolvedFault; hand: NodeHand };

export class NodeFaults {
  readonly kinds: ReadonlySet<FaultKind>;
  readonly #cluster: ClusterProcesses;
  readonly #hands: readonly NodeHand[];
  readonly #active = new Map<string, Active>();

  constructor(cluster: ClusterProcesses, hands: readonly NodeHand[]) {
    this.#cluster = cluster;
    this.#hands = hands;
    this.kinds = new Set(hands.flatMap(({ kinds }) => [...kinds]));
  }

  has(faultId: string): boolean {
    return this.#active.has(faultId);
  }

  /** Throws where it cannot be applied; nothing of it stays then. */
  async apply(fault: ResolvedFault): Promise<void> {
    const hand = this.#hands.find(({ kinds }) => kinds.has(fault.intent.kind));
    if (hand === undefined) throw new Error(`no hand does ${fault.intent.kind}`);
    const mayEnd = hand.mayEnd?.(fault) === true;
    for (const node of mayEnd ? fault.nodes : []) this.#cluster.process(node).allowEnd(fault.id);
    try {
      await hand.apply(fault, this.#hostsOf(fault));
      this.#active.set(fault.id, { fault, hand });
    } catch (error) {
      for (const node of fault.nodes) this.#cluster.process(node).forbidEnd(fault.id);
      throw error;
    }
  }

  /** `heldDown`: by other faults; such a node is not started here. */
  async heal(faultId: string, heldDown: (node: NodeName) => boolean): Promise<Evidence> {
    const active = this.#active.get(faultId);
    if (active === undefined) throw new Error(`fault ${faultId} is not active`);
    const { fault, hand } = active;
    this.#active.delete(faultId);
    const evidence = await hand.heal(fault, this.#hostsOf(fault));
    if (hand.mayEnd?.(fault) !== true) return evidence;
    const ends = await Promise.all(
      fault.nodes.map(async (node) => ({
        node,
        came: await this.#comeBack(fault, node, heldDown),
      })),
    );
    const back = ends.filter(({ came }) => came !== undefined);
    if (back.length === 0) return evidence;
    const measured = Object.fromEntries(
      back.map(({ node, came }) => [`${node}.restart`, `${came}`]),
    );
    const names = back.map(({ node }) => node).join(", ");
    return {
      ...evidence,
      summary: `${evidence.summary}; ${names} ended of it and was started again`,
      measured: { ...evidence.measured, ...measured },
    };
  }

  /** Takes back what would keep a process from ending; for the end of the run. */
  async letGoOfAll(): Promise<void> {
    for (const { fault, hand } of this.#active.values()) {
      for (const host of this.#hostsOf(fault)) await hand.letGo?.(host);
    }
  }

  /** Starts a node again that ended of the fault; says when it was ready, or why not. */
  async #comeBack(
    { id }: ResolvedFault,
    node: NodeName,
    heldDown: (node: NodeName) => boolean,
  ): Promise<string | undefined> {
    const process = this.#cluster.process(node);
    if (process.handle !== undefined) {
      await this.#cluster.host(node).ask({ op: "status" }, ANSWER_MS_MAX);
    }
    process.forbidEnd(id);
    if (process.handle !== undefined || heldDown(node) || process.mayEnd) return undefined;
    const restart = await this.#cluster.restart(node);
    if ("error" in restart) return `failed: ${restart.error}`;
    for (const hand of this.#hands) await hand.takeHold?.(this.#cluster.host(node));
    return `ready after ${restart.readyMs} ms`;
  }

  #hostsOf({ nodes }: ResolvedFault): NodeHost[] {
    return nodes.map((node) => this.#cluster.host(node));
  }
}
