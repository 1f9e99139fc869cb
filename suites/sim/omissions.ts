// Messages of chosen kinds that do not come through: the network at its unluckiest, which loses just what
// matters. Taken out before messages share datagrams, so that nothing else is lost with them.

import type { NodeName, ResolvedFault } from "../../nemesis/faults.js";
import type { PrincipalId } from "../../node/core/messages.js";
import { nameOf } from "./names.js";
import type { NodeBuild } from "./node-build.js";

export class Omissions {
  readonly #build: Pick<NodeBuild, "decodeMessage">;
  /** By fault id. */
  readonly #counts = new Map<string, number>();
  #active: readonly ResolvedFault[] = [];

  constructor(build: Pick<NodeBuild, "decodeMessage">) {
    this.#build = build;
  }

  apply(active: readonly ResolvedFault[]): void {
    this.#active = active.filter(({ intent }) => intent.kind === "omission");
  }

  /** How many messages a fault has taken. */
  countOf(faultId: string): number {
    return this.#counts.get(faultId) ?? 0;
  }

  /** What is left of these messages. */
  filter(
    from: PrincipalId,
    to: PrincipalId,
    messages: readonly Uint8Array[],
  ): readonly Uint8Array[] {
    if (this.#active.length === 0) return messages;
    const between = this.#active.filter((fault) => concerns(fault, nameOf(from), nameOf(to)));
    if (between.length === 0) return messages;
    return messages.filter((bytes) => {
      const kind = this.#build.decodeMessage(bytes)?.kind;
      const taker = between.find(({ intent }) => {
        return intent.kind === "omission" && kind !== undefined && intent.messages.includes(kind);
      });
      if (taker === undefined) return true;
      this.#counts.set(taker.id, this.countOf(taker.id) + 1);
      return false;
    });
  }
}

function concerns({ intent, nodes }: ResolvedFault, from: NodeName, to: NodeName): boolean {
  return intent.kind === "omission" && nodes.includes(intent.side === "in" ? to : from);
}
