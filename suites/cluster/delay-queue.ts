// What waits on a slow link, in order of due time; equal due times leave in the order they came.
// A binary heap: O(log n) to push and to pop.

type Waiting<T> = { dueMs: number; index: number; value: T };

export class DelayQueue<T> {
  readonly #heap: Waiting<T>[] = [];
  #pushed = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the first is due; undefined while nothing waits. */
  get nextDueMs(): number | undefined {
    return this.#heap[0]?.dueMs;
  }

  push(dueMs: number, value: T): void {
    const item = { dueMs, index: this.#pushed++, value };
    const heap = this.#heap;
    let at = heap.length;
    heap.push(item);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || before(parent, item)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = item;
  }

  /** Takes the first that is due at `nowMs`; undefined where none is. */
  popDue(nowMs: number): T | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.dueMs > nowMs) return undefined;
    const last = this.#heap.pop();
    if (last !== undefined && last !== first) this.#sink(last);
    return first.value;
  }

  #sink(item: Waiting<T>): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      if (left === undefined) break;
      const child = right !== undefined && before(right, left) ? right : left;
      if (before(item, child)) break;
      heap[at] = child;
      at = child === left ? 2 * at + 1 : 2 * at + 2;
    }
    heap[at] = item;
  }
}

function before<T>(a: Waiting<T>, b: Waiting<T>): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.index < b.index);
}
