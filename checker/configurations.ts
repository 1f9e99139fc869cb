// The configurations that a search has been in: a set of 64-bit fingerprints, eight bytes each.
// Two different configurations share a fingerprint with probability 2^-64: for a search of a
// million, a wrong "seen before" has odds of about one in 10^7, and only an "invalid" can be wrong.

/** Guards: no fingerprint is stored twice, and the table is never more than half full. */
export class Configurations {
  #table = new Int32Array(2 * 64);
  #mask = 63;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** True where the fingerprint is new. Amortized constant. */
  add(low: number, high: number): boolean {
    // A pair of zeros marks an empty slot.
    const second = (low | high) === 0 ? 1 : high;
    const slot = this.#slot(low, second);
    if (this.#table[slot] !== 0 || this.#table[slot + 1] !== 0) return false;
    this.#table[slot] = low;
    this.#table[slot + 1] = second;
    this.#count += 1;
    if (2 * this.#count > this.#mask) this.#grow();
    return true;
  }

  /** Where the fingerprint stands, or the empty slot where it would. */
  #slot(low: number, high: number): number {
    const table = this.#table;
    for (let position = low & this.#mask; ; position = (position + 1) & this.#mask) {
      const first = table[2 * position];
      const second = table[2 * position + 1];
      if ((first === low && second === high) || (first === 0 && second === 0)) return 2 * position;
    }
  }

  #grow(): void {
    const old = this.#table;
    this.#mask = 4 * (this.#mask + 1) - 1;
    this.#table = new Int32Array(2 * (this.#mask + 1));
    for (let index = 0; index < old.length; index += 2) {
      const low = old[index] ?? 0;
      const high = old[index + 1] ?? 0;
      if (low === 0 && high === 0) continue;
      const slot = this.#slot(low, high);
      this.#table[slot] = low;
      this.#table[slot + 1] = high;
    }
  }
}

/** A well-mixed 32-bit integer of two. */
export function mix(value: number, salt: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x7feb352d) ^ Math.imul(salt, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
