// Money is neither made nor lost: in each final ledger the entries replay to the accounts' balances,
// none is ever negative, and all together are what was deposited less what was withdrawn. What
// clients read at a seq is what the ledger had at that seq.

import { counted, cut, describe } from "../describe.js";
import type { Operation } from "../operations.js";
import type { LedgerDump, RunRecord } from "../run-record.js";
import type { CheckResult } from "../verdict.js";
import { fieldOf, isRead } from "./bank-operation.js";
import { longest, sameEntries } from "./ledger-index.js";
import { CASH, eachSide, type LedgerReplay, replayEntries } from "./ledger-replay.js";

const EXAMPLES_MAX = 8;

export function conservation(operations: readonly Operation[], record: RunRecord): CheckResult {
  const { ledgers } = record;
  const reference = longest(ledgers);
  if (reference === undefined) return { valid: "unknown", summary: "no ledger was collected" };
  const replayed = replayEntries(reference);
  // Those that are like the longest one make what it makes; what they break is said with their names.
  const isAlike = (dump: LedgerDump) =>
    replayed.broken.length === 0 && sameEntries(reference, dump);
  const broken = ledgers.flatMap((dump) => {
    return accountsDiffer(dump, isAlike(dump) ? replayed : replayEntries(dump));
  });
  const reads = readsOf(operations);
  const contradicted = contradictedReads(reads, reference);
  const { deposits, withdrawals } = replayed;
  const total = sum(reference);
  const figures: Record<string, number> = {
    ledgers: ledgers.length,
    deposits: Number(deposits),
    withdrawals: Number(withdrawals),
    total,
    "reads compared": reads.length,
  };
  if (broken.length + contradicted.length > 0) {
    const summary =
      broken[0] ??
      `the ledger of ${reference.node} contradicts ${counted(contradicted.length, "read")}`;
    const explanation = cut([...broken, ...contradicted], EXAMPLES_MAX);
    return { valid: false, summary, figures, explanation };
  }
  if (reference.entries.length === 0) {
    return { valid: "unknown", summary: "no money was moved: the ledgers are empty", figures };
  }
  const kept = `${deposits} deposited less ${withdrawals} withdrawn is the total, ${total}`;
  const compared = `${counted(reads.length, "read")} agree with it`;
  const summary = `in ${counted(ledgers.length, "ledger")} ${kept}; ${compared}`;
  return { valid: true, summary, figures };
}

/** How a dump's accounts differ from what its entries make of them. */
function accountsDiffer(dump: LedgerDump, replay: LedgerReplay): string[] {
  const { balances, deposits, withdrawals } = replay;
  const broken = [...replay.broken];
  const found = new Map(dump.accounts.map(({ id, balance }) => [id, balance]));
  if (found.size !== dump.accounts.length) broken.push(`${dump.node}: an account is there twice`);
  for (const account of new Set([...balances.keys(), ...found.keys()])) {
    if (account === CASH) continue;
    const [made, kept] = [balances.get(account), found.get(account)];
    if (made === kept) continue;
    const [has, make] = [kept ?? "no row", made ?? "no such account"];
    broken.push(`${dump.node}: account ${account} has ${has}, but its entries make ${make}`);
  }
  const total = sum(dump);
  const made = deposits - withdrawals;
  if (!Number.isSafeInteger(total) || BigInt(total) !== made) {
    broken.push(`${dump.node}: all balances together are ${total}, but ${made} was put in`);
  }
  const cash = found.get(CASH);
  if (cash !== undefined && cash + total !== 0) {
    broken.push(`${dump.node}: @cash has ${cash}, but all others together have ${total}`);
  }
  return broken;
}

function sum({ accounts }: LedgerDump): number {
  return accounts.reduce((total, { id, balance }) => total + (id === CASH ? 0 : balance), 0);
}

type Read = { operation: Operation; account: string; balance: number; seq: number };

/** Reads that name an account, a balance and a seq. */
function readsOf(operations: readonly Operation[]): Read[] {
  return operations.flatMap((operation) => {
    const { outcome, f, seq, completion } = operation;
    if (outcome !== "ok" || !isRead(f) || seq === undefined) return [];
    const answer = completion?.value;
    const [account, balance] = [fieldOf(answer, "account"), fieldOf(answer, "balance")];
    if (typeof account !== "string" || typeof balance !== "number") return [];
    return [{ operation, account, balance, seq }];
  });
}

/**
 * Reads that no moment of their seq explains, by the ledger's entries: one line each. A seq holds a
 * batch, so the balance at its start is as good as that after any of its entries.
 */
function contradictedReads(
  reads: readonly Read[],
  { node, entries, seq: end }: LedgerDump,
): string[] {
  const contradicted: string[] = [];
  const balances = new Map<string, number>();
  const bySeq = [...reads].sort((a, b) => a.seq - b.seq);
  let position = 0;
  for (let start = 0; start < bySeq.length; ) {
    const seq = bySeq[start]?.seq ?? 0;
    let next = start;
    while (bySeq[next]?.seq === seq) next += 1;
    const batch = bySeq.slice(start, next);
    start = next;
    // A read beyond the dump's end cannot be compared with it.
    if (seq > end) break;
    const apply = (whileSeq: (entrySeq: number) => boolean, onChange: () => void) => {
      for (let entry = entries[position]; entry !== undefined && whileSeq(entry.seq); ) {
        eachSide(entry, (account, change) =>
          balances.set(account, (balances.get(account) ?? 0) + change),
        );
        onChange();
        position += 1;
        entry = entries[position];
      }
    };
    apply(
      (entrySeq) => entrySeq < seq,
      () => undefined,
    );
    const possible = new Map(batch.map(({ account }) => [account, new Set<number>()]));
    const note = () => {
      for (const [account, values] of possible) values.add(balances.get(account) ?? Number.NaN);
    };
    note();
    apply((entrySeq) => entrySeq === seq, note);
    for (const { operation, account, balance } of batch) {
      const values = possible.get(account) ?? new Set();
      if (values.has(balance)) continue;
      const had = [...values]
        .map((value) => (Number.isNaN(value) ? "no account" : value))
        .join(" or ");
      contradicted.push(
        `${node} had ${had} in ${account} at seq ${seq}, not ${balance}: ${describe(operation)}`,
      );
    }
  }
  return contradicted;
}
