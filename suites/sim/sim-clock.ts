// A node's own clock: it runs at a rate of its own, can jump ahead, and can stand. Its timers follow it.

import type { Clock } from "../../node/runtime/timers.js";
import type { EventQueue, Planned } from "./event-queue.js";

type Armed = { dueMs: number; callback: () => void; planned: Planned | undefined };

/** Why the event loop calls: a timer fired, or it turns. */
export type Turn = "timer" | "soon";
export type RunTurn = (callback: () => void, why: Turn) => void;

export class SimClock implements Clock {
  readonly #queue: EventQueue;
  /** Runs a callback as the node: later where the node is paused, never where it has ended. */
  readonly #turn: RunTurn;
  /** The moment in simulated time at which the node is: it may be busy beyond the present event. */
  readonly #cursorUs: () => number;
  readonly #armed = new Set<Armed>();
  /** How many processes have ended: what one of them left to do, the next does not. */
  #ends = 0;
  /** Sees every timer that is set. */
  onAfter: ((delayMs: number, name: string | undefined) => void) | undefined;
  #rate = 1;
  #strobe: Planned | undefined;
  #baseUs = 0;
  #baseMs = 0;

  constructor(queue: EventQueue, turn: RunTurn, cursorUs: () => number = () => queue.nowUs) {
    this.#queue = queue;
    this.#turn = turn;
    this.#cursorUs = cursorUs;
  }

  now(): number {
    return this.#baseMs + ((this.#cursorUs() - this.#baseUs) / 1_000) * this.#rate;
  }

  after(delayMs: number, callback: () => void, name?: string): () => void {
    this.onAfter?.(delayMs, name);
    const armed: Armed = { dueMs: this.now() + delayMs, callback, planned: undefined };
    this.#armed.add(armed);
    this.#plan(armed);
    return () => {
      if (armed.planned !== undefined) this.#queue.cancel(armed.planned);
      this.#armed.delete(armed);
    };
  }

  soon(callback: () => void): void {
    const ends = this.#ends;
    this.#queue.at(this.#cursorUs(), () => {
      if (ends === this.#ends) this.#turn(callback, "soon");
    });
  }

  /** From now on `rate` times as fast as time itself, after a jump of `jumpMs`. */
  set(rate: number, jumpMs: number): void {
    if (this.#strobe !== undefined) this.#queue.cancel(this.#strobe);
    this.#strobe = undefined;
    this.#turnTo(rate, jumpMs);
  }

  /** Until the next `set` it runs twice as fast, stands, and so on, each for half of the period. */
  strobe(periodMs: number): void {
    this.set(2, 0);
    const flip = () => {
      this.#turnTo(2 - this.#rate, 0);
      this.#strobe = this.#queue.after((periodMs / 2) * 1_000, flip);
    };
    this.#strobe = this.#queue.after((periodMs / 2) * 1_000, flip);
  }

  #turnTo(rate: number, jumpMs: number): void {
    const now = this.now();
    this.#baseUs = this.#cursorUs();
    this.#baseMs = now + jumpMs;
    this.#rate = rate;
    for (const armed of this.#armed) {
      if (armed.planned !== undefined) this.#queue.cancel(armed.planned);
      this.#plan(armed);
    }
  }

  /** The process has ended: nothing that it planned happens. */
  cancelAll(): void {
    this.#ends += 1;
    for (const { planned } of this.#armed) if (planned !== undefined) this.#queue.cancel(planned);
    this.#armed.clear();
  }

  #plan(armed: Armed): void {
    armed.planned = undefined;
    if (this.#rate === 0) return; // It stands; `set` plans anew.
    const delayUs = ((armed.dueMs - this.now()) / this.#rate) * 1_000;
    armed.planned = this.#queue.at(this.#cursorUs() + Math.max(0, delayUs), () => {
      this.#armed.delete(armed);
      this.#turn(armed.callback, "timer");
    });
  }
}
