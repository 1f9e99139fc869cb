// Lets replicas lie: each is started with a liar inside (suites/liar/), which says on the control socket how
// many lies it has told.

import { join } from "node:path";
import type { Evidence, Lie, NodeName } from "../../nemesis/faults.js";
import { LIAR_VARIABLE } from "../../node/runtime/lying.js";
import { isObject, numberField } from "./json-lines.js";
import type { Launch, NodeHand, NodeHost } from "./node-hand.js";

const ANSWER_MS_MAX = 5_000;

type Active = { lie: Lie; percent: number; nodes: readonly NodeName[] };

export function liarHand(seed: number): NodeHand {
  const active = new Map<string, Active>();
  /** By fault and node: lies of this kind that this life of the replica had told before. */
  const before = new Map<string, { pid: number | undefined; told: number }>();

  /** Has the replica tell what all active faults ask for; undefined where it does not answer. */
  const adjust = async (host: NodeHost): Promise<((lie: Lie) => number) | undefined> => {
    const lies = [...active.values()].flatMap(({ lie, percent, nodes }) =>
      nodes.includes(host.node) ? [{ lie, percent }] : [],
    );
    const answer = await host.ask({ op: "lie", seed, lies }, ANSWER_MS_MAX);
    const told = answer?.["told"];
    return isObject(told) ? (lie) => numberField(told, lie) ?? 0 : undefined;
  };

  return {
    kinds: new Set(["lie"]),
    prepare: async () => undefined,
    launch: ({ ownBuild }): Launch => ({
      argvPrefix: [],
      variables: { [LIAR_VARIABLE]: join(ownBuild, "suites", "liar", "tongue.js") },
    }),
    async apply({ id, intent, nodes }, hosts) {
      if (intent.kind !== "lie") throw new Error(`${intent.kind} is no lie`);
      const { lie, percent } = intent;
      active.set(id, { lie, percent, nodes });
      for (const host of hosts) {
        const told = await adjust(host);
        before.set(`${id} ${host.node}`, { pid: host.pid, told: told?.(lie) ?? 0 });
      }
    },
    async heal({ id }, hosts): Promise<Evidence> {
      const fault = active.get(id);
      if (fault === undefined) throw new Error(`fault ${id} is not active`);
      active.delete(id);
      const measured: Record<string, number> = {};
      for (const host of hosts) {
        const key = `${id} ${host.node}`;
        const earlier = before.get(key);
        before.delete(key);
        const told = (await adjust(host))?.(fault.lie) ?? 0;
        // A new life has told what it has told; what the one before it did went with it.
        measured[`${host.node}.told`] =
          told - (earlier?.pid === host.pid ? (earlier?.told ?? 0) : 0);
      }
      const counts = Object.values(measured);
      return {
        faultId: id,
        landed: counts.length > 0 && counts.every((count) => count > 0),
        summary: hosts
          .map(({ node }) => `${node} told ${measured[`${node}.told`]} lies`)
          .join(", "),
        mechanism: "a filter on what the replica sends",
        measured,
      };
    },
    /** In its next life it begins honest. */
    async takeHold(host) {
      await adjust(host);
    },
    close: async () => undefined,
  };
}
