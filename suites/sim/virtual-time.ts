// Virtual time for asynchronous code: whoever awaits a sleep or an answer of the simulation is woken by
// an event of it, and the next event waits until everybody who was woken has nothing left to do. So the
// same code gives the same run, whatever the machine's own clock does meanwhile.

import type { Time } from "../run-clock.js";
import type { EventQueue } from "./event-queue.js";

export class VirtualTime implements Time {
  readonly #queue: EventQueue;
  readonly #onError: (error: unknown) => void;
  /** Promises that only an event can settle. */
  #waiting = 0;
  #woken = false;
  #pumping = false;
  #stopped = false;

  /** `onError` is told what an event throws; time goes on. */
  constructor(queue: EventQueue, onError: (error: unknown) => void) {
    this.#queue = queue;
    this.#onError = onError;
  }

  nowMs(): number {
    return this.#queue.nowUs / 1_000;
  }

  monotonicNs(): bigint {
    return BigInt(this.#queue.nowUs) * 1_000n;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return this.settled((settle) => {
      const end = () => {
        this.#queue.cancel(planned);
        signal?.removeEventListener("abort", end);
        settle();
      };
      const planned = this.#queue.after(ms * 1_000, end);
      signal?.addEventListener("abort", end);
    });
  }

  /** A promise that an event settles, by calling what `begin` is given. */
  settled<T>(begin: (settle: (value: T) => void) => void): Promise<T> {
    return new Promise((resolve) => {
      let open = true;
      this.#waiting += 1;
      begin((value) => {
        if (!open) return;
        open = false;
        this.#waiting -= 1;
        this.#woken = true;
        resolve(value);
      });
      this.#pump();
    });
  }

  /** No further event runs. */
  stop(): void {
    this.#stopped = true;
  }

  /** In a turn of its own: by then whoever is awake has gone as far as they can. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#woken = false;
      while (!this.#woken && this.#waiting > 0 && !this.#stopped) {
        try {
          if (!this.#queue.step()) return;
        } catch (error) {
          this.#onError(error);
        }
      }
      if (this.#waiting > 0 && !this.#stopped) this.#pump();
    });
  }
}
