// Ledger entries by the request that caused them.

import type { LedgerDump } from "../run-record.js";

/** Guards: a request is its client session and its timestamp, which a session uses once. */
export class ByRequest<T> {
  readonly #clients = new Map<number, Map<number, T>>();
  /** Those of the client that was asked for last: mostly the next one is the same. */
  #client = Number.NaN;
  #timestamps: Map<number, T> | undefined;

  get(client: number, timestamp: number): T | undefined {
    return this.#of(client)?.get(timestamp);
  }

  set(client: number, timestamp: number, value: T): void {
    let timestamps = this.#of(client);
    if (timestamps === undefined) {
      timestamps = new Map();
      this.#clients.set(client, timestamps);
      this.#timestamps = timestamps;
    }
    timestamps.set(timestamp, value);
  }

  #of(client: number): Map<number, T> | undefined {
    if (client !== this.#client) {
      this.#client = client;
      this.#timestamps = this.#clients.get(client);
    }
    return this.#timestamps;
  }
}

/** Whether two ledgers have the same entries, field by field. */
export function sameEntries(one: LedgerDump, other: LedgerDump): boolean {
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
