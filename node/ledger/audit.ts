// Whether a ledger's file still says what was written to it. SQLite checks the shape of its pages and
// not what stands in them: a flipped bit in a row is another row. So everything that follows from the
// entries is computed again: the chain, the digests of pages, each balance. Names, addresses and cached
// replies follow from nothing here; where one of them rotted, the next checkpoint's digest shows it.

import { CHAIN_START, LedgerState } from "./state.js";
import { type Account, type Block, CASH, type Entry, type Stored } from "./store.js";

/** What an account must look like by its entries so far. */
type Standing = Pick<Account, "balance" | "entryCount" | "lastEntry">;

/**
 * Says what does not fit, in one line; undefined where all does. `entries` and `blocks` ascending, all of
 * them; each entry is looked at once.
 */
export function auditRows(
  stored: Stored,
  blocks: readonly Block[],
  entries: Iterable<Entry>,
): string | undefined {
  const nothing = { accounts: [], sessions: [], entryCount: 0, pageDigests: [], seq: 0 };
  const state = new LedgerState({ entries: () => [] }, { ...nothing, chain: CHAIN_START });
  const standings = new Map<string, Standing>();
  let blockCount = 0;
  let pageCount = 0;
  let entryCount = 0;
  const endBlock = (): string | undefined => {
    state.endBlock();
    const changes = state.takeChanges();
    for (const { seq, firstEntry, entryCount: count, chain } of changes?.blocks ?? []) {
      const block = blocks[blockCount++];
      const same = block?.seq === seq && block.firstEntry === firstEntry;
      if (!same || block.entryCount !== count || block.chain !== chain) {
        return `the block of seq ${seq} is not that of its entries`;
      }
    }
    for (const { index, digest } of changes?.pages ?? []) {
      if (stored.pageDigests[pageCount++] !== digest) {
        return `page ${index} of the entries has another digest`;
      }
    }
    return undefined;
  };
  for (const entry of entries) {
    if (entry.seq !== state.seq) {
      const wrong = endBlock();
      if (wrong !== undefined) return wrong;
      if (!(entry.seq > state.seq))
        return `entry ${entry.index} is of an earlier seq than the last`;
      state.beginBlock(entry.seq);
    }
    if (entry.index !== entryCount++) return `entry ${entryCount - 1} is missing`;
    if (!isPosted(standings, entry))
      return `entry ${entry.index} does not follow on those before it`;
    state.record(entry);
  }
  const wrong = endBlock();
  if (wrong !== undefined) return wrong;
  if (blockCount !== blocks.length) return "a block has no entries";
  if (pageCount !== stored.pageDigests.length) return "a page has no entries";
  if (state.seq > stored.seq) return `entries reach seq ${state.seq}, the ledger seq ${stored.seq}`;
  return wrongAccount(stored.accounts, standings);
}

/** Posts the entry; false where the entries before it say otherwise. */
function isPosted(standings: Map<string, Standing>, entry: Entry): boolean {
  const { index, kind, debit, credit, amount, debitPrevious, creditPrevious } = entry;
  if (!Number.isSafeInteger(amount) || amount < 0) return false;
  const sides = [
    { id: debit, change: -amount, previous: debitPrevious },
    { id: credit, change: amount, previous: creditPrevious },
  ];
  for (const { id, change, previous } of sides) {
    const standing = standings.get(id) ?? { balance: 0, entryCount: 0, lastEntry: -1 };
    if (standing.lastEntry !== previous) return false;
    standing.balance += change;
    if (kind !== "open" && id !== CASH) {
      standing.entryCount += 1;
      standing.lastEntry = index;
    }
    standings.set(id, standing);
  }
  return true;
}

function wrongAccount(
  accounts: readonly Account[],
  standings: ReadonlyMap<string, Standing>,
): string | undefined {
  if (accounts.length !== standings.size) {
    return `${accounts.length} accounts, where the entries know ${standings.size}`;
  }
  for (const { id, balance, entryCount, lastEntry } of accounts) {
    const standing = standings.get(id);
    const same = standing?.balance === balance && standing.entryCount === entryCount;
    if (!same || standing.lastEntry !== lastEntry) {
      return `the account ${JSON.stringify(id)} is not what its entries say`;
    }
  }
  return undefined;
}
