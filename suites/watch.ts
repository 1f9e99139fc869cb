// Looks at the replicas all through a run: samples for the report, the view for the progress line, and
// deaths that no fault explains.

import type { NodeName } from "../nemesis/faults.js";
import type { Environment, NodeStatus } from "./cluster/environment.js";
import type { FaultDriver } from "./fault-driver.js";
import { type Sample, samplesOf, viewOf } from "./observation.js";
import { type RunClock, sleep } from "./run-clock.js";

export type Watch = {
  readonly samples: readonly Sample[];
  readonly unexpectedExits: readonly { time: number; node: NodeName }[];
  /** The newest view seen. */
  readonly view: number | undefined;
  /** Looks once more and ends; again, it does nothing. */
  stop(): Promise<void>;
};

const INTERVAL_MS = 400;

export function watchReplicas(
  environment: Environment,
  driver: FaultDriver,
  clock: RunClock,
): Watch {
  const samples: Sample[] = [];
  const unexpectedExits: { time: number; node: NodeName }[] = [];
  const dead = new Set<NodeName>();
  const ended = new AbortController();
  let view: number | undefined;

  const look = async () => {
    const { changes, killed } = driver;
    const statuses = await environment.observe();
    const time = clock.now();
    samples.push(...samplesOf(time, statuses));
    view = viewOf(statuses) ?? view;
    // A fault that began or ended meanwhile may have made any of these deaths; the next look tells.
    if (driver.changes !== changes) return;
    for (const node of newlyDead(statuses, killed, dead)) unexpectedExits.push({ time, node });
  };
  const looking = (async () => {
    while (!ended.signal.aborted) {
      await look();
      await sleep(INTERVAL_MS, ended.signal);
    }
  })();
  // Whoever stops the watch learns of its failure there; until then it is not unhandled.
  looking.catch(() => ended.abort());

  let stopped: Promise<void> | undefined;
  return {
    samples,
    unexpectedExits,
    get view() {
      return view;
    },
    stop() {
      ended.abort();
      stopped ??= looking.then(look);
      return stopped;
    },
  };
}

/** Replicas dead now that no kill holds, each once until it lives again; updates `dead`. */
function newlyDead(
  statuses: readonly NodeStatus[],
  killed: ReadonlySet<NodeName>,
  dead: Set<NodeName>,
): NodeName[] {
  const found: NodeName[] = [];
  for (const { node, alive } of statuses) {
    if (alive || killed.has(node)) dead.delete(node);
    else if (!dead.has(node)) {
      dead.add(node);
      found.push(node);
    }
  }
  return found;
}
