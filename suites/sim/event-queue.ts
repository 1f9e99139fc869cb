// Virtual time: what is to happen, in order of its moment and, at one moment, in order of its planning.
// Times are whole microseconds since the start of the simulation.

export type Planned = {
  readonly atUs: number;
  readonly order: number;
  run: (() => void) | undefined;
};

/** Guards: time never runs backwards, and ties break by the order of planning. */
export class EventQueue {
  readonly #heap: Planned[] = [];
  #order = 0;
  #nowUs = 0;
  /** Events that ran. */
  ran = 0;

  get nowUs(): number {
    return this.#nowUs;
  }

  /** Plans `run`; a moment in the past means now. Gives what `cancel` takes. */
  at(atUs: number, run: () => void): Planned {
    const planned = { atUs: Math.max(this.#nowUs, Math.round(atUs)), order: this.#order++, run };
    this.#heap.push(planned);
    this.#rise(this.#heap.length - 1);
    return planned;
  }

  after(delayUs: number, run: () => void): Planned {
    return this.at(this.#nowUs + Math.max(0, delayUs), run);
  }

  /** What was cancelled stays in line and does nothing. */
  cancel(planned: Planned): void {
    planned.run = undefined;
  }

  /** Runs the next event; false where none is planned. */
  step(): boolean {
    const next = this.#pop();
    if (next === undefined) return false;
    if (next.run === undefined) return true;
    this.#nowUs = next.atUs;
    this.ran += 1;
    next.run();
    return true;
  }

  /** The moment of the next event; undefined where none is planned. */
  get nextUs(): number | undefined {
    return this.#heap[0]?.atUs;
  }

  #rise(start: number): void {
    const heap = this.#heap;
    const item = heap[start];
    if (item === undefined) return;
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(item, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = item;
  }

  #pop(): Planned | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      let least = left;
      if (right !== undefined && isBefore(right, left)) {
        least = right;
        child += 1;
      }
      if (!isBefore(least, last)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
