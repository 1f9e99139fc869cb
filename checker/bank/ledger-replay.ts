// A ledger's entries performed again, one by one: what they make of the accounts, and what is wrong.

import type { LedgerDump, LedgerEntry } from "../run-record.js";

/** The other side of deposits and withdrawals; minus the sum of all accounts. */
export const CASH = "@cash";

export type LedgerReplay = {
  /** By account, without @cash. */
  balances: ReadonlyMap<string, number>;
  /** Sums over the whole run, which no balance bounds. */
  deposits: bigint;
  withdrawals: bigint;
  /** Rules that the entries break, one line each. */
  broken: string[];
};

export function replayEntries({ node, entries }: LedgerDump): LedgerReplay {
  const balances = new Map<string, number>();
  const broken: string[] = [];
  let [deposits, withdrawals] = [0n, 0n];
  let seqLast = 0;
  for (const [position, entry] of entries.entries()) {
    const complain = (what: string) =>
      broken.push(`${node}: entry ${position} ${what}: ${shown(entry)}`);
    if (entry.index !== position) complain(`has index ${entry.index}`);
    if (entry.seq < seqLast) complain(`has a seq below the one before it, ${seqLast}`);
    seqLast = entry.seq;
    const shape = misshapen(entry);
    if (shape !== undefined) complain(shape);
    if (entry.kind === "open") {
      if (balances.has(entry.credit)) complain("opens an account that is open");
      else balances.set(entry.credit, 0);
    }
    const amount = Number.isSafeInteger(entry.amount) ? BigInt(entry.amount) : 0n;
    if (entry.kind === "deposit") deposits += amount;
    if (entry.kind === "withdraw") withdrawals += amount;
    eachSide(entry, (account, change) => {
      const balance = balances.get(account);
      if (balance === undefined) complain(`names ${account}, which is not open`);
      else {
        balances.set(account, balance + change);
        if (balance + change < 0) complain(`leaves ${account} at ${balance + change}`);
      }
    });
  }
  return { balances, deposits, withdrawals, broken };
}

/** Calls back with each account that an entry changes, and by how much; @cash is not among them. */
export function eachSide(
  { debit, credit, amount }: LedgerEntry,
  change: (account: string, by: number) => void,
): void {
  if (debit !== CASH) change(debit, -amount);
  if (credit !== CASH) change(credit, amount);
}

function misshapen({ kind, debit, credit, amount }: LedgerEntry): string | undefined {
  const whole = Number.isSafeInteger(amount);
  switch (kind) {
    case "open":
      if (amount !== 0) return "opens an account and moves money";
      return debit === CASH && credit !== CASH ? undefined : "has the wrong parties";
    case "deposit":
      if (!whole || amount <= 0) return "has no positive amount";
      return debit === CASH && credit !== CASH ? undefined : "has the wrong parties";
    case "withdraw":
      if (!whole || amount <= 0) return "has no positive amount";
      return debit !== CASH && credit === CASH ? undefined : "has the wrong parties";
    case "move":
      if (!whole || amount <= 0) return "has no positive amount";
      return debit !== CASH && credit !== CASH && debit !== credit
        ? undefined
        : "has the wrong parties";
    default:
      return `is of no known kind (${String(kind satisfies never)})`;
  }
}

function shown({ seq, kind, amount, debit, credit, client, timestamp }: LedgerEntry): string {
  const identity = `client ${client} timestamp ${timestamp}`;
  return `${kind} ${amount} from ${debit} to ${credit}, seq ${seq}, ${identity}`;
}
