// Lists of integers that grow without an object for each: what graphs of millions of edges are made of.

export class IntList {
  #values: Int32Array;
  #length = 0;

  constructor(capacity = 1_024) {
    this.#values = new Int32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) this.#grow();
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  at(index: number): number {
    return this.#values[index] ?? 0;
  }

  /** A list of the first ones. */
  first(length: number): IntList {
    const list = new IntList(length);
    for (let index = 0; index < length; index++) list.push(this.at(index));
    return list;
  }

  /** What was pushed so far; shares memory with the list until it grows. */
  view(): Int32Array {
    return this.#values.subarray(0, this.#length);
  }

  #grow(): void {
    const larger = new Int32Array(Math.max(16, this.#values.length * 2));
    larger.set(this.#values);
    this.#values = larger;
  }
}
