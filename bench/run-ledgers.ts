// The ledgers that the replicas of a simulated bank would have at the end of its run: an entry for each
// write that was acknowledged, in the order of the seqs.

import type { HistoryOp } from "../checker/history.js";
import type { LedgerDump, LedgerEntry } from "../checker/run-record.js";

const CASH = "@cash";

/** One for each node, all alike. For histories without operations of unknown outcome. */
export function ledgersOf(history: readonly HistoryOp[], nodes: readonly string[]): LedgerDump[] {
  const entries = entriesOf(history);
  const balances = new Map<string, number>();
  for (const { debit, credit, amount } of entries) {
    if (debit !== CASH) balances.set(debit, (balances.get(debit) ?? 0) - amount);
    if (credit !== CASH) balances.set(credit, (balances.get(credit) ?? 0) + amount);
  }
  const accounts = [...balances].map(([id, balance]) => {
    return { id, name: id, address: "Street", balance };
  });
  const seq = entries.at(-1)?.seq ?? 0;
  const alike = { seq, digest: "d", chain: "c", accounts, sessions: [] };
  return nodes.map((node) => ({ node, ...alike, entries }));
}

function entriesOf(history: readonly HistoryOp[]): LedgerEntry[] {
  const writes = history.flatMap(({ type, f, seq, client, timestamp, value }) => {
    if (type !== "ok" || f === "balance" || f === "statement") return [];
    return [{ f, seq: seq ?? 0, client: client ?? 0, timestamp: timestamp ?? 0, value }];
  });
  writes.sort((a, b) => a.seq - b.seq);
  return writes.map(({ f, value, ...request }, index) => {
    const { account = "", from = "", to = "", amount = 0 } = Object(value);
    const sides = {
      open: { debit: CASH, credit: account, amount: 0 },
      deposit: { debit: CASH, credit: account, amount },
      withdraw: { debit: account, credit: CASH, amount },
      move: { debit: from, credit: to, amount },
    };
    const kind = f === "open" || f === "deposit" || f === "withdraw" ? f : "move";
    return { index, ...request, kind, ...sides[kind] };
  });
}
