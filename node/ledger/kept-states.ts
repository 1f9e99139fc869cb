// The states that a store keeps, oldest first, from rows as they are now and as they were: what a start
// needs to make the snapshots again that another process had taken.

import { PAGE_ENTRIES } from "./nodes.js";
import type { Newer } from "./state.js";
import type { Account, KeptState, Present, Session, Stored } from "./store.js";

/** The oldest kept state whole (the present one where none is kept), and the way to the present. */
export function fromOldest(stored: Stored): { oldest: Present; steps: readonly Newer[] } {
  const accounts = new Map(stored.accounts.map((account) => [account.id, account]));
  const sessions = new Map(stored.sessions.map((session) => [session.client, session]));
  const steps: Newer[] = [];
  let newer: Pick<KeptState, "seq" | "chain" | "entryCount"> = stored;
  for (const kept of stored.kept.toReversed()) {
    const { seq, chain, entryCount } = newer;
    const changed = {
      accounts: rewind<string, Account>(accounts, kept.accounts),
      sessions: rewind<number, Session>(sessions, kept.sessions),
    };
    steps.unshift({ seq, chain, entryCount, ...changed });
    newer = kept;
  }
  const { seq, chain, entryCount } = newer;
  const oldest = {
    seq,
    chain,
    entryCount,
    accounts: [...accounts.values()],
    sessions: [...sessions.values()],
    pageDigests: stored.pageDigests.slice(0, Math.floor(entryCount / PAGE_ENTRIES)),
  };
  return { oldest, steps };
}

/** Takes rows back to what they were; returns those that this changed, as they came later. */
function rewind<Key, Row>(rows: Map<Key, Row>, before: ReadonlyMap<Key, Row | undefined>): Row[] {
  const later: Row[] = [];
  for (const [key, row] of before) {
    const now = rows.get(key);
    if (now !== undefined) later.push(now);
    if (row === undefined) rows.delete(key);
    else rows.set(key, row);
  }
  return later;
}
