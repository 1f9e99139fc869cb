// A fingerprint of each prefix of a ledger's entries: two ledgers hold the same first n entries where
// their fingerprints at n are equal, and the first difference is found by halving. 64 bits, so that
// two different prefixes pass for equal once in 2^64.

import { mix } from "../configurations.js";
import type { LedgerEntry } from "../run-record.js";

/** Index n is of the first n entries. */
export type Prefixes = { low: Int32Array; high: Int32Array };

const KINDS = { open: 1, deposit: 2, withdraw: 3, move: 4 };
const HIGH_SALT = 0x6c62272e;

/** Guards: the same account has the same number in all ledgers that pass through here. */
export class LedgerPrefixes {
  readonly #numbers = new Map<string, number>();

  of(entries: readonly LedgerEntry[]): Prefixes {
    const prefixes = {
      low: new Int32Array(entries.length + 1),
      high: new Int32Array(entries.length + 1),
    };
    let [low, high] = [0, 0];
    for (const [index, entry] of entries.entries()) {
      for (const field of this.#fields(entry)) {
        low = mix(field | 0, low);
        high = mix(Math.floor(field / 2 ** 32) ^ field, mix(high, HIGH_SALT));
      }
      prefixes.low[index + 1] = low;
      prefixes.high[index + 1] = high;
    }
    return prefixes;
  }

  #fields({ index, seq, client, timestamp, kind, debit, credit, amount }: LedgerEntry) {
    const [from, to] = [this.#number(debit), this.#number(credit)];
    return [index, seq, client, timestamp, KINDS[kind], from, to, amount];
  }

  #number(account: string): number {
    const known = this.#numbers.get(account);
    if (known !== undefined) return known;
    this.#numbers.set(account, this.#numbers.size + 1);
    return this.#numbers.size;
  }
}

/** The first index at which two ledgers hold different entries; undefined where none of both does. */
export function firstDivergence(a: Prefixes, b: Prefixes): number | undefined {
  const equal = (count: number) => a.low[count] === b.low[count] && a.high[count] === b.high[count];
  let differs = Math.min(a.low.length, b.low.length) - 1;
  if (equal(differs)) return undefined;
  let same = 0;
  while (same + 1 < differs) {
    const middle = (same + differs) >> 1;
    if (equal(middle)) same = middle;
    else differs = middle;
  }
  return same;
}
