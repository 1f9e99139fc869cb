// Freezes a process with the freezer of control groups: unlike SIGSTOP it asks nothing of the process, and
// neither parent nor debugger hears of it.

import type { NodeName } from "../../nemesis/faults.js";
import { type CgroupPlace, read, set } from "../../nemesis/host/cgroup.js";
import { type Confinement, confine, setFree } from "./confinement.js";
import { waitUntil } from "./deadline.js";
import type { Deed, NodeHost, PauseHand } from "./node-hand.js";

const FREEZE_MS_MAX = 5_000;

/** `place`: where groups with a freezer can be made. */
export function freezeHand(place: CgroupPlace): PauseHand {
  const held = new Map<NodeName, Confinement>();
  const v1 = place.version === 1;
  const isFrozen = async ({ shell }: NodeHost, group: Confinement): Promise<boolean> => {
    const state = await read(shell, group, v1 ? "freezer.state" : "cgroup.events");
    return v1 ? state.trim() === "FROZEN" : /^frozen 1$/m.test(state);
  };
  return {
    kinds: new Set(["freeze"]),
    mechanism: `freezer of cgroup v${place.version}`,
    async pause(host): Promise<Deed> {
      const { shell, node, pid } = host;
      if (pid === undefined) return { landed: false, measured: { state: "was not running" } };
      const group = await confine(host, place, `${pid}-freezer-${node}`, pid, []);
      held.set(node, group);
      await set(shell, group, v1 ? ["freezer.state", "FROZEN"] : ["cgroup.freeze", "1"]);
      const landed = await waitUntil(() => isFrozen(host, group), FREEZE_MS_MAX);
      return { landed, measured: { state: landed ? "frozen" : "not frozen in time" } };
    },
    async resume({ node, shell }): Promise<void> {
      const group = held.get(node);
      if (group === undefined) return;
      await set(shell, group, v1 ? ["freezer.state", "THAWED"] : ["cgroup.freeze", "0"]);
      held.delete(node);
      await setFree(shell, group);
    },
    async close() {
      if (held.size > 0) throw new Error(`still frozen: ${[...held.keys()].join(", ")}`);
    },
  };
}
