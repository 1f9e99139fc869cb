// What a simulation has met: message kinds, effects, events of the protocol, and the rare states that a
// run should "sometimes" reach. A swarm that never meets one is blind to the bugs behind it.

import type { CoreEvent } from "../../node/core/step.js";

export type CoverageCounts = Readonly<Record<string, number>>;

export class Coverage {
  readonly #counts = new Map<string, number>();

  message(kind: string): void {
    this.#add(`message ${kind}`);
  }

  effect(what: string): void {
    this.#add(`effect ${what}`);
  }

  event(event: CoreEvent): void {
    switch (event.kind) {
      case "ignored":
        this.#add(`ignored ${event.message} ${event.reason}`);
        break;
      case "view-change-started":
        this.#add(`event ${event.kind} ${event.reason}`);
        break;
      default:
        this.#add(`event ${event.kind}`);
    }
  }

  /** A point that a swarm should reach now and then. */
  sometimes(what: string): void {
    this.#add(`sometimes ${what}`);
  }

  fault(kind: string): void {
    this.#add(`fault ${kind}`);
  }

  get counts(): CoverageCounts {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #add(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}
