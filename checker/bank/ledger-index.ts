// Ledger entries by the request that caused them.

import type { LedgerDump } from "../run-record.js";

/** Guards: a request is its client session and its timestamp, which a session uses once. */
export class ByRequest<T> {
  readonly #clients = new Map<number, Map<number, T>>();

  get(client: number, timestamp: number): T | undefined {
    return this.#clients.get(client)?.get(timestamp);
  }

  set(client: number, timestamp: number, value: T): void {
    const timestamps = this.#clients.get(client) ?? new Map<number, T>();
    this.#clients.set(client, timestamps.set(timestamp, value));
  }
}

/** The dump that got furthest; the first of several. Undefined where there is none. */
export function longest(ledgers: readonly LedgerDump[]): LedgerDump | undefined {
  let best: LedgerDump | undefined;
  for (const dump of ledgers) {
    if (best === undefined || dump.entries.length > best.entries.length) best = dump;
  }
  return best;
}
