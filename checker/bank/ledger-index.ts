// Ledger entries by the request that caused them.

import { int } from "../columns.js";
import { mix } from "../configurations.js";
import type { LedgerDump } from "../run-record.js";

/** Guards: a request is its client session and its timestamp, which a session uses once. */
export class ByRequest<T> {
  readonly #clients: number[] = [];
  readonly #timestamps: number[] = [];
  readonly #values: T[] = [];
  /** Positions in the columns, or -1: open addressing, at most half full. */
  #slots: Int32Array;

  /** Room for so many requests from the start spares work; more may come. */
  constructor(expected = 512) {
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * expected + 2))).fill(-1);
  }

  get(client: number, timestamp: number): T | undefined {
    return this.#values[int(this.#slots, this.#slotOf(client, timestamp))];
  }

  set(client: number, timestamp: number, value: T): void {
    const slot = this.#slotOf(client, timestamp);
    const known = int(this.#slots, slot);
    if (known >= 0) {
      this.#values[known] = value;
      return;
    }
    this.#slots[slot] = this.#values.push(value) - 1;
    this.#clients.push(client);
    this.#timestamps.push(timestamp);
    if (2 * this.#values.length > this.#slots.length) this.#grow();
  }

  /** The slot that holds the request, or the empty one that would. */
  #slotOf(client: number, timestamp: number): number {
    const mask = this.#slots.length - 1;
    let slot = mix(timestamp | 0, mix(client | 0, Math.floor(timestamp / 2 ** 32))) & mask;
    for (;;) {
      const known = int(this.#slots, slot);
      if (known < 0) return slot;
      if (this.#timestamps[known] === timestamp && this.#clients[known] === client) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    this.#slots = new Int32Array(2 * this.#slots.length).fill(-1);
    for (const [position, client] of this.#clients.entries()) {
      this.#slots[this.#slotOf(client, this.#timestamps[position] ?? 0)] = position;
    }
  }
}

/** Whether two ledgers have the same entries, field by field. */
export function sameEntries(one: LedgerDump, other: LedgerDump): boolean {
  if (one.entries === other.entries) return true;
  if (one.entries.length !== other.entries.length) return false;
  return one.entries.every((entry, index) => {
    const its = other.entries[index];
    return (
      its !== undefined &&
      entry.index === its.index &&
      entry.seq === its.seq &&
      entry.client === its.client &&
      entry.timestamp === its.timestamp &&
      entry.kind === its.kind &&
      entry.debit === its.debit &&
      entry.credit === its.credit &&
      entry.amount === its.amount
    );
  });
}

/** The dump that got furthest; the first of several. Undefined where there is none. */
export function longest(ledgers: readonly LedgerDump[]): LedgerDump | undefined {
  let best: LedgerDump | undefined;
  for (const dump of ledgers) {
    if (best === undefined || dump.entries.length > best.entries.length) best = dump;
  }
  return best;
}
