// Which version of an account a balance is: the one after so many entries, where no other can be meant.

import { int } from "../columns.js";
import { mix } from "../configurations.js";
import type { AccountOrder } from "./account-order.js";

/** With more entries of unknown place than this, any balance could be one of theirs. */
const UNPLACED_MAX = 10;

/**
 * By balance: how many entries the account had; undefined where that is not certain. The versions
 * beyond the known ones are sums with any choice of the entries that have no place.
 */
export function balancePosition({
  order,
  sums,
  unplaced,
}: AccountOrder): (balance: number) => number | undefined {
  const versions = sums.slice(0, order.length + 1);
  const complete = versions.length === order.length + 1 && !versions.some(Number.isNaN);
  if (!complete || unplaced.length > UNPLACED_MAX) return () => undefined;
  const lengths = new ByBalance(versions.length + 2 ** unplaced.length);
  for (const [length, sum] of versions.entries()) {
    lengths.set(sum, lengths.has(sum) ? SEVERAL : length);
  }
  let beyond = [versions.at(-1) ?? 0];
  for (const { amount } of unplaced) beyond = beyond.flatMap((sum) => [sum, sum + amount]);
  // The first one is the last known version itself: no entry was chosen.
  for (const sum of beyond.slice(1)) lengths.set(sum, SEVERAL);
  return (balance) => {
    const length = lengths.get(balance);
    return length < 0 ? undefined : length;
  };
}

const NONE = -1;
const SEVERAL = -2;

/** A map from balances to lengths, in columns: a Map would make an object of each balance. */
class ByBalance {
  readonly #balances: Float64Array;
  readonly #lengths: Int32Array;

  /** Room for so many balances, and no more. */
  constructor(count: number) {
    const size = 2 ** Math.ceil(Math.log2(2 * count));
    this.#balances = new Float64Array(size);
    this.#lengths = new Int32Array(size).fill(NONE);
  }

  has(balance: number): boolean {
    return this.get(balance) !== NONE;
  }

  get(balance: number): number {
    return int(this.#lengths, this.#slotOf(balance));
  }

  set(balance: number, length: number): void {
    const slot = this.#slotOf(balance);
    this.#balances[slot] = balance;
    this.#lengths[slot] = length;
  }

  #slotOf(balance: number): number {
    const mask = this.#lengths.length - 1;
    let slot = mix(balance | 0, Math.floor(balance / 2 ** 32)) & mask;
    while (this.#lengths[slot] !== NONE && this.#balances[slot] !== balance) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }
}
