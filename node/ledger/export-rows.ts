// A ledger as those who judge it want it: plain rows, with chain and digest computed from them, so that
// a row that was tampered with shows.

import { hash } from "node:crypto";
import type { ClientId, Digest, Seq } from "../core/messages.js";
import type { AccountRow } from "./machine.js";
import { CHAIN_START, LedgerState } from "./state.js";
import { CASH, type Entry, type Stored } from "./store.js";

type ExportedEntry = Omit<Entry, "debitPrevious" | "creditPrevious">;

export type ExportedLedger = {
  seq: Seq;
  digest: Digest;
  chain: Digest;
  /** Without "@cash", whose balance is minus the sum of these; ascending by id. */
  accounts: readonly AccountRow[];
  entries: readonly ExportedEntry[];
  /** Ascending by client. */
  sessions: readonly {
    client: ClientId;
    timestamp: number;
    seq: Seq;
    /** SHA-256 of the cached result. */
    resultDigest: Digest;
  }[];
};

/** Recomputes digest and chain from the rows; `entries` ascending, all of them. */
export function exportRows(
  { seq, accounts, sessions }: Pick<Stored, "seq" | "accounts" | "sessions">,
  rows: Iterable<Entry>,
): ExportedLedger {
  const noEntries = { entryCount: 0, pageDigests: [], chain: CHAIN_START, seq: 0 };
  const state = new LedgerState({ entries: () => [] }, { accounts, sessions, ...noEntries });
  const entries: ExportedEntry[] = [];
  for (const entry of rows) {
    if (entry.seq !== state.seq) {
      state.endBlock();
      state.beginBlock(entry.seq);
    }
    state.record(entry);
    const { index, seq, client, timestamp, kind, debit, credit, amount } = entry;
    entries.push({ index, seq, client, timestamp, kind, debit, credit, amount });
  }
  state.endBlock();
  state.seq = seq;
  return {
    seq,
    digest: state.digest(),
    chain: state.chain,
    accounts: accounts
      .filter(({ id }) => id !== CASH)
      .map(({ id, name, address, balance }) => ({ id, name, address, balance }))
      .sort((left, right) => (left.id < right.id ? -1 : 1)),
    entries,
    sessions: sessions
      .map(({ client, reply: { timestamp, seq, result } }) => {
        return { client, timestamp, seq, resultDigest: hash("sha256", result, "hex") };
      })
      .sort((left, right) => left.client - right.client),
  };
}
