// Looks at the replicas all through a run: samples for the report, the view for the progress line.

import type { Environment } from "./cluster/environment.js";
import { type Sample, samplesOf, viewOf } from "./observation.js";
import type { RunClock } from "./run-clock.js";

export type Watch = {
  readonly samples: readonly Sample[];
  /** The newest view seen. */
  readonly view: number | undefined;
  /** Looks once more and ends; again, it does nothing. */
  stop(): Promise<void>;
};

const INTERVAL_MS = 400;

export function watchReplicas(environment: Environment, clock: RunClock): Watch {
  const samples: Sample[] = [];
  const ended = new AbortController();
  let view: number | undefined;

  const look = async () => {
    const statuses = await environment.observe();
    samples.push(...samplesOf(clock.now(), statuses));
    view = viewOf(statuses) ?? view;
  };
  const looking = (async () => {
    while (!ended.signal.aborted) {
      await look();
      await environment.time.sleep(INTERVAL_MS, ended.signal);
    }
  })();
  // Whoever stops the watch learns of its failure there; until then it is not unhandled.
  looking.catch(() => ended.abort());

  let stopped: Promise<void> | undefined;
  return {
    samples,
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
