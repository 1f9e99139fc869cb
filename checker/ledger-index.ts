// Ledger entries by the request that caused them.

import type { LedgerDump, LedgerEntry } from "./run-record.js";

/** A request's identity: a session executes each timestamp at most once. */
export function identity(client: number, timestamp: number): string {
  return `${client}:${timestamp}`;
}

/** The dump that got furthest; the first of several. Undefined where there is none. */
export function longest(ledgers: readonly LedgerDump[]): LedgerDump | undefined {
  let best: LedgerDump | undefined;
  for (const dump of ledgers) {
    if (best === undefined || dump.entries.length > best.entries.length) best = dump;
  }
  return best;
}

/** Entries by identity; where one occurs twice, the first. */
export function byIdentity(entries: readonly LedgerEntry[]): ReadonlyMap<string, LedgerEntry> {
  const found = new Map<string, LedgerEntry>();
  for (const entry of entries) {
    const key = identity(entry.client, entry.timestamp);
    if (!found.has(key)) found.set(key, entry);
  }
  return found;
}
