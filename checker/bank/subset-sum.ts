// Which of a few changes add up to a sum, exactly: by enumeration up to a dozen, beyond that by
// meeting in the middle (two sorted halves). Source: Horowitz & Sahni, JACM '74

import { float, int } from "../columns.js";

/** More candidates than this are not tried: two halves of 2^16 sums. */
export const CANDIDATES_MAX = 32;
const ENUMERATED_MAX = 12;

/** No subset, one, several, or more candidates than are tried. */
export type Answer = "none" | "one" | "several" | "too many";

/** A half's sums in order, and the subset behind each. */
type Half = { sums: Float64Array; masks: Int32Array };

/** Guards: after `solve` found a subset, `chosen` tells its members until the next one. */
export class SubsetSum {
  readonly changes = new Float64Array(CANDIDATES_MAX);
  readonly #sums = new Float64Array(1 << ENUMERATED_MAX);
  #low = 0;
  #high = 0;
  #split = 0;

  /**
   * Subsets of the first `count` changes that add up to `target`. Exact where no sum leaves the safe
   * integers; where one could, "too many".
   */
  solve(count: number, target: number): Answer {
    if (count > CANDIDATES_MAX) return "too many";
    let [least, most] = [0, 0];
    for (let index = 0; index < count; index++) {
      const change = float(this.changes, index);
      if (change < 0) least += change;
      else most += change;
    }
    if (most - least > Number.MAX_SAFE_INTEGER) return "too many";
    if (target < least || target > most) return "none";
    return count <= ENUMERATED_MAX ? this.#enumerate(count, target) : this.#meet(count, target);
  }

  /** Whether the change at `index` belongs to the subset found. */
  chosen(index: number): boolean {
    if (index < this.#split) return ((this.#low >> index) & 1) === 1;
    return ((this.#high >> (index - this.#split)) & 1) === 1;
  }

  #enumerate(count: number, target: number): Answer {
    const sums = this.#sums;
    let found = 0;
    this.#split = ENUMERATED_MAX;
    this.#low = 0;
    sums[0] = 0;
    if (target === 0) found = 1;
    for (let index = 0; index < count; index++) {
      const size = 1 << index;
      const change = float(this.changes, index);
      for (let mask = 0; mask < size; mask++) {
        const sum = float(sums, mask) + change;
        sums[size + mask] = sum;
        if (sum !== target) continue;
        found += 1;
        if (found === 1) this.#low = size + mask;
      }
    }
    return found === 0 ? "none" : found === 1 ? "one" : "several";
  }

  #meet(count: number, target: number): Answer {
    this.#split = count >> 1;
    const low = this.#half(0, this.#split);
    const high = this.#half(this.#split, count - this.#split);
    let up = 0;
    let down = high.sums.length - 1;
    let found = 0;
    while (up < low.sums.length && down >= 0 && found < 2) {
      const sum = float(low.sums, up) + float(high.sums, down);
      if (sum < target) up += 1;
      else if (sum > target) down -= 1;
      else {
        if (found === 0) {
          this.#low = int(low.masks, up);
          this.#high = int(high.masks, down);
        }
        found += run(low.sums, up, 1) * run(high.sums, down, -1);
        up += 1;
      }
    }
    return found === 0 ? "none" : found === 1 ? "one" : "several";
  }

  /** Sorted by construction: with each change, the sums so far are merged with themselves shifted. */
  #half(start: number, count: number): Half {
    let half: Half = { sums: new Float64Array(1), masks: new Int32Array(1) };
    for (let index = 0; index < count; index++) {
      const { sums, masks } = half;
      const change = float(this.changes, start + index);
      const size = sums.length;
      const merged = { sums: new Float64Array(2 * size), masks: new Int32Array(2 * size) };
      for (let without = 0, added = 0, next = 0; next < 2 * size; next++) {
        const plain = sums[without] ?? Number.POSITIVE_INFINITY;
        const shifted = (sums[added] ?? Number.POSITIVE_INFINITY) + change;
        if (plain <= shifted) {
          merged.sums[next] = plain;
          merged.masks[next] = int(masks, without);
          without += 1;
        } else {
          merged.sums[next] = shifted;
          merged.masks[next] = int(masks, added) | (1 << index);
          added += 1;
        }
      }
      half = merged;
    }
    return half;
  }
}

/** How many sums in a row are equal to that at `index`, going by `step`. */
function run(sums: Float64Array, index: number, step: 1 | -1): number {
  let end = index;
  while (sums[end] === sums[index] && end >= 0 && end < sums.length) end += step;
  return Math.abs(end - index);
}
