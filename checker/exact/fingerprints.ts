// The configurations that a search has been in: a set of 64-bit fingerprints, eight bytes each.
// Two configurations share a fingerprint with odds of 2^-64; among ten million, that any two of them
// do has odds of about one in 400,000, and only an "invalid" can be wrong by it.

/** Guards: no fingerprint is stored twice, and the table is never more than half full. */
export class FingerprintSet {
  #table = new Int32Array(2 * 128);
  #mask = 127;
  #count = 0;

  get bytes(): number {
    return 4 * this.#table.length;
  }

  clear(): void {
    if (this.#count === 0) return;
    this.#table = new Int32Array(2 * 128);
    this.#mask = 127;
    this.#count = 0;
  }

  /** True where the fingerprint is new. Amortized constant. */
  add(low: number, high: number): boolean {
    const table = this.#table;
    const first = low | 0;
    // A pair of zeros marks an empty slot.
    const second = (low | high) === 0 ? 1 : high | 0;
    let at = first & this.#mask;
    for (;;) {
      const there = table[2 * at];
      const beside = table[2 * at + 1];
      if (there === first && beside === second) return false;
      if (there === 0 && beside === 0) break;
      at = (at + 1) & this.#mask;
    }
    table[2 * at] = first;
    table[2 * at + 1] = second;
    this.#count += 1;
    if (2 * this.#count > this.#mask) this.#grow();
    return true;
  }

  #grow(): void {
    const old = this.#table;
    const mask = 4 * (this.#mask + 1) - 1;
    const table = new Int32Array(2 * (mask + 1));
    for (let index = 0; index < old.length; index += 2) {
      const first = old[index] ?? 0;
      const second = old[index + 1] ?? 0;
      if (first === 0 && second === 0) continue;
      let at = first & mask;
      while (table[2 * at] !== 0 || table[2 * at + 1] !== 0) at = (at + 1) & mask;
      table[2 * at] = first;
      table[2 * at + 1] = second;
    }
    this.#table = table;
    this.#mask = mask;
  }
}

/** A well-mixed 32-bit integer of two. */
export function mix(value: number, salt: number): number {
  let mixed = Math.imul(value + 0x9e3779b1, salt);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
