// Who waits for what, where nothing goes on: for the verdict of a hang.

import { nameOf } from "./names.js";
import type { World } from "./world.js";

export function describeWait(world: World, waiting: readonly string[]): string[] {
  const replicas = world.replicas.map(({ id, replica, ended, paused }) => {
    const name = nameOf(id);
    if (ended !== undefined) {
      return `${name} has ended (${ended.how === "exit" ? ended.message : ended.how})`;
    }
    if (replica === undefined) return `${name} starts`;
    const { view, viewActive, executedSeq, stable, viewTimer, transfer, rejoin } = replica;
    const words = [
      `${name}: view ${view}${viewActive ? "" : " (asked for)"}`,
      `executed ${executedSeq}, stable ${stable.seq}`,
      viewTimer.waitsFor === "nothing" ? "waits for nothing" : `waits for a ${viewTimer.waitsFor}`,
      `${replica.waiting.size} requests wait`,
    ];
    if (transfer !== undefined) words.push(`fetches the state of seq ${transfer.seq}`);
    if (rejoin !== undefined) words.push(`silent until seq ${rejoin.seq}`);
    if (replica.diverged) words.push("diverged");
    if (paused) words.push("paused");
    return words.join(", ");
  });
  return [...waiting.map((who) => `${who} has no answer`), ...replicas];
}
