// When correct replicas leave a view: how long they wait before, and on whose word. Seen from outside,
// by the timers that they set, the events that they tell and the view-changes that reach the wire.
// Source: Castro & Liskov, OSDI '99 §4.5.2 (liveness).

import type { ProtocolConfig } from "../../node/core/config.js";
import type { ReplicaId, View } from "../../node/core/messages.js";
import { weakQuorumOf } from "../../node/core/quorum.js";
import type { CoreEvent } from "../../node/core/step.js";
import { Violation } from "./violation.js";

type TimeoutConfig = Pick<ProtocolConfig, "n" | "viewTimeoutMs" | "viewTimeoutMsMax">;

export class ViewWatch {
  readonly #config: TimeoutConfig;
  /** View changes that each replica's process began since it last executed a request. */
  readonly #inARow: number[];
  /** The highest view that each replica has asked the others for. */
  readonly #asked: View[];
  readonly #isExcused: (id: ReplicaId) => boolean;

  constructor(config: TimeoutConfig, isExcused: (id: ReplicaId) => boolean) {
    this.#config = config;
    this.#isExcused = isExcused;
    this.#inARow = Array.from({ length: config.n }, () => 0);
    this.#asked = Array.from({ length: config.n }, () => 0);
  }

  /** A new process has no time-outs behind it. */
  onStart(id: ReplicaId): void {
    this.#inARow[id] = 0;
  }

  onViewChangeSent(id: ReplicaId, view: View): void {
    this.#asked[id] = Math.max(this.#asked[id] ?? 0, view);
  }

  onEvent(id: ReplicaId, event: CoreEvent): void {
    if (event.kind === "executed" && event.requestCount > 0) this.#inARow[id] = 0;
    if (event.kind !== "view-change-started") return;
    this.#inARow[id] = (this.#inARow[id] ?? 0) + 1;
    if (event.reason === "joined") this.#checkJoin(id, event.view);
  }

  /** Doubled with every view change after the first that nothing executed since, and capped. */
  onViewTimer(id: ReplicaId, delayMs: number): void {
    const { viewTimeoutMs, viewTimeoutMsMax } = this.#config;
    const doublings = Math.max(0, (this.#inARow[id] ?? 0) - 1);
    const least = Math.min(viewTimeoutMs * 2 ** doublings, viewTimeoutMsMax);
    if (delayMs >= least && delayMs <= viewTimeoutMsMax) return;
    const wanted = `${least} to ${viewTimeoutMsMax} ms after ${doublings + 1} view changes in a row`;
    throw new Violation("time-outs", `r${id} waits ${delayMs} ms, where it is ${wanted}`);
  }

  /** f+1 others must have asked for such a view; each of the faulty may have. */
  #checkJoin(id: ReplicaId, view: View): void {
    const askers = this.#asked.filter(
      (asked, other) => other !== id && (asked >= view || this.#isExcused(other)),
    );
    if (askers.length >= weakQuorumOf(this.#config.n)) return;
    const who = `at most ${askers.length} others ask for it or a later one`;
    throw new Violation("views", `r${id} joins view ${view}, and ${who}`);
  }
}
