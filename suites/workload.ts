// The bank's operations, drawn from a seed: what a session asks next does not depend on time or on
// other sessions. Amounts are wide, so that the sum of any few of them names which they were, and
// far below the range of integers, so that no run overflows.

import type { Random } from "../nemesis/random.js";

/** One operation of the bank; fields as in checker/history.ts. */
export type BankOp = { f: string; value: Readonly<Record<string, string | number>> };

export type WorkloadOptions = {
  /** At least 1; with one, nothing moves. */
  accounts: number;
  /** Share of reads, 0..1. */
  readShare: number;
  /** Share of operations that the ledger ought to refuse, 0..1; taken from both halves. */
  refusedShare: number;
};

/** What deposits, withdrawals and moves carry: 1..2^32. 2^20 of them stay below 2^53. */
const AMOUNT_BITS = 32;
/** Opening deposits lie from 2^40 to 2^41, so that ordinary withdrawals rarely find too little. */
const OPENING_MIN = 2 ** 40;
/** Above what an account could hold in a run of a million operations. */
const OVERDRAFT_MIN = 2 ** 51;
/** What one statement may ask for at most. */
const STATEMENT_LIMIT_MAX = 64;
/** Most statements are short; some show all that happened to the account since the one before. */
const STATEMENT_LIMIT_SHORT = 8;

export function accountName(index: number): string {
  return `a${index}`;
}

/** Opens account `index` and puts its first money in; the two operations in order. */
export function openingOps(index: number, random: Random): readonly BankOp[] {
  const account = accountName(index);
  const amount = OPENING_MIN + random.int(OPENING_MIN);
  return [
    { f: "open", value: { account, name: `Customer ${index}`, address: `${index} Ledger Lane` } },
    { f: "deposit", value: { account, amount } },
  ];
}

export function readOp(account: string): BankOp {
  return { f: "balance", value: { account } };
}

/** An endless stream of operations; each call of the result draws the next one. */
export function bankOps(options: WorkloadOptions, random: Random): () => BankOp {
  const account = () => accountName(random.int(options.accounts));
  const amount = () => 1 + random.int(2 ** AMOUNT_BITS);
  return () => {
    const reads = random.chance(options.readShare);
    const refused = random.chance(options.refusedShare);
    if (refused) return reads ? readOp("nobody") : refusedWrite(account, random);
    if (reads) return ordinaryRead(account, random);
    const choice = random.int(5);
    if (choice < 2 && options.accounts > 1) {
      const [from, to] = twoAccounts(options.accounts, random);
      return { f: "move", value: { from, to, amount: amount() } };
    }
    if (choice === 2) return { f: "withdraw", value: { account: account(), amount: amount() } };
    return { f: "deposit", value: { account: account(), amount: amount() } };
  };
}

function ordinaryRead(account: () => string, random: Random): BankOp {
  if (random.chance(0.8)) return readOp(account());
  const limit = random.chance(0.5) ? STATEMENT_LIMIT_MAX : 1 + random.int(STATEMENT_LIMIT_SHORT);
  return { f: "statement", value: { account: account(), limit } };
}

/** What the rules of the bank forbid, one way or another. */
function refusedWrite(account: () => string, random: Random): BankOp {
  const amount = 1 + random.int(2 ** AMOUNT_BITS);
  switch (random.int(10)) {
    case 0:
      return { f: "deposit", value: { account: "nobody", amount } };
    case 1:
      return { f: "move", value: { from: account(), to: "nobody", amount } };
    case 2:
      return { f: "open", value: { account: account(), name: "Twice", address: "Nowhere" } };
    case 3:
      return { f: "withdraw", value: { account: account(), amount: OVERDRAFT_MIN + amount } };
    case 4: {
      const [from, to] = [account(), account()];
      return { f: "move", value: { from, to, amount: OVERDRAFT_MIN + amount } };
    }
    case 5: {
      const self = account();
      return { f: "move", value: { from: self, to: self, amount } };
    }
    case 6:
      return { f: "deposit", value: { account: account(), amount: Number.MAX_SAFE_INTEGER } };
    case 7:
      return { f: random.pick(["deposit", "withdraw"]), value: { account: account(), amount: 0 } };
    case 8:
      return { f: "withdraw", value: { account: account(), amount: -amount } };
    default: {
      const [from, to] = [account(), account()];
      return { f: "move", value: { from, to, amount: -amount } };
    }
  }
}

/** Two different accounts; `accounts` is at least 2. */
function twoAccounts(accounts: number, random: Random): [string, string] {
  const from = random.int(accounts);
  const to = (from + 1 + random.int(accounts - 1)) % accounts;
  return [accountName(from), accountName(to)];
}
