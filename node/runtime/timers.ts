// The replica's timers. A timer that fires is not delivered at once but marked due, for the driver
// to take after the datagrams that the same turn of the event loop brings: a replica that was busy
// or stopped must see what its peers said before it concludes that they said nothing.

export type Clock = {
  /** Milliseconds that never run backwards. */
  now(): number;
  /** Calls back after a delay; gives the function that prevents it. `name` is for onlookers. */
  after(delayMs: number, callback: () => void, name?: string): () => void;
  /** Calls back once everything that has come by now is in. */
  soon(callback: () => void): void;
};

export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, callback) {
    const handle = setTimeout(callback, delayMs);
    return () => clearTimeout(handle);
  },
  soon: (callback) => void setImmediate(callback),
};

type Armed = { dueMs: number; delayMs: number; rearmed: boolean; stop: () => void };

export class Timers<Name extends string> {
  readonly #clock: Clock;
  readonly #wake: () => void;
  readonly #armed = new Map<Name, Armed>();
  readonly #due = new Set<Name>();

  /** `wake` asks the driver to call `takeDue` once this turn's datagrams are in. */
  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  set(name: Name, delayMs: number): void {
    this.cancel(name);
    this.#arm(name, delayMs, { rearmed: false });
  }

  cancel(name: Name): void {
    this.#armed.get(name)?.stop();
    this.#armed.delete(name);
    this.#due.delete(name);
  }

  cancelAll(): void {
    for (const name of [...this.#armed.keys(), ...this.#due]) this.cancel(name);
  }

  /** Takes one due timer; one that was set or cancelled since is not due any more. */
  takeDue(): Name | undefined {
    for (const name of this.#due) {
      this.#due.delete(name);
      return name;
    }
    return undefined;
  }

  #arm(name: Name, delayMs: number, { rearmed }: { rearmed: boolean }): void {
    const dueMs = this.#clock.now() + delayMs;
    const stop = this.#clock.after(delayMs, () => this.#fired(name), name);
    this.#armed.set(name, { dueMs, delayMs, rearmed, stop });
  }

  #fired(name: Name): void {
    const armed = this.#armed.get(name);
    if (armed === undefined) return;
    this.#armed.delete(name);
    const lateMs = this.#clock.now() - armed.dueMs;
    // So late that this process did not run meanwhile: the time measures nobody's silence. Once
    // only: on a machine that is always this late, a timer must fire all the same.
    if (lateMs > armed.delayMs && !armed.rearmed) {
      this.#arm(name, armed.delayMs, { rearmed: true });
      return;
    }
    this.#due.add(name);
    this.#wake();
  }
}
