// What the replicas say of themselves while a run goes on: their view, whether they are alone in
// being dead, and whether they have come to rest in one state.

import type { NodeName } from "../nemesis/faults.js";
import type { Environment, NodeStatus } from "./cluster/environment.js";

export type Sample = { time: number; node: NodeName; view: number; seq: number; rssBytes: number };

/** The highest view that any replica serves or asks for; undefined where none answers. */
export function viewOf(statuses: readonly NodeStatus[]): number | undefined {
  const views = statuses.flatMap(({ status }) => (status === undefined ? [] : [status.view]));
  return views.length === 0 ? undefined : Math.max(...views);
}

/** The primary of the newest view that f+1 replicas have entered: at least one of them is correct. */
export function primaryOf(
  statuses: readonly NodeStatus[],
  replicas: readonly NodeName[],
): NodeName | undefined {
  const f = Math.floor((replicas.length - 1) / 3);
  const active = statuses
    .flatMap(({ status }) => (status?.viewActive === true ? [status.view] : []))
    .sort((a, b) => b - a);
  const view = active[f];
  return view === undefined ? undefined : replicas[view % replicas.length];
}

/** The first of these that has executed least; undefined where none is behind the others. */
export function laggardOf(known: readonly { node: NodeName; seq: number }[]): NodeName | undefined {
  const newest = Math.max(...known.map(({ seq }) => seq));
  const oldest = Math.min(...known.map(({ seq }) => seq));
  return oldest < newest ? known.find(({ seq }) => seq === oldest)?.node : undefined;
}

export function samplesOf(time: number, statuses: readonly NodeStatus[]): Sample[] {
  return statuses.flatMap(({ node, status }) =>
    status === undefined
      ? []
      : [{ time, node, view: status.view, seq: status.executedSeq, rssBytes: status.rssBytes }],
  );
}

/** Why these replicas are not at rest in one state; undefined where they are. */
export function unrest(
  statuses: readonly NodeStatus[],
  correct: readonly NodeName[],
): string | undefined {
  const known = new Map<NodeName, { seq: number; digest: string }>();
  for (const { node, status } of statuses) {
    if (status !== undefined) known.set(node, { seq: status.executedSeq, digest: status.digest });
  }
  const silent = correct.filter((node) => !known.has(node));
  if (silent.length > 0) return `no answer from ${silent.join(", ")}`;
  const states = correct.map((node) => ({ node, ...known.get(node) }));
  const first = states[0];
  if (states.every((state) => state.seq === first?.seq && state.digest === first?.digest)) {
    return undefined;
  }
  return states
    .map(({ node, seq, digest }) => `${node} at seq ${seq} with ${(digest ?? "").slice(0, 8)}`)
    .join(", ");
}

/** Waits until all correct replicas report one seq and digest, twice in a row, or gives up. */
export async function quiesce(
  environment: Environment,
  correct: readonly NodeName[],
  deadlineMs: number,
): Promise<{ reached: boolean; detail: string }> {
  const { time } = environment;
  const end = time.nowMs() + deadlineMs;
  let settled: string | undefined;
  for (;;) {
    const statuses = await environment.observe();
    const why = unrest(statuses, correct);
    const state = statuses.find((candidate) => candidate.node === correct[0])?.status;
    const detail = why ?? `seq ${state?.executedSeq}, digest ${state?.digest}`;
    if (why === undefined && settled === detail) return { reached: true, detail };
    settled = why === undefined ? detail : undefined;
    if (time.nowMs() >= end) {
      return { reached: false, detail: why ?? `${detail}, but not at rest` };
    }
    await time.sleep(50);
  }
}
