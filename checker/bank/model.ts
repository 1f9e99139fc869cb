// The bank as history.ts specifies it: what each operation does and may answer. Written from that
// text alone and sharing nothing with the ledger, whose mistakes it would otherwise repeat.

import type { BankAnswer, BankOperation } from "./bank-operation.js";

export type Account = {
  /** Minor units, 0 to BALANCE_MAX. */
  balance: number;
  /** Signed amounts of its deposits, withdrawals and moves, oldest first. */
  amounts: number[];
};

/** The whole state, by account. */
export type Bank = Map<string, Account>;

export const BALANCE_MAX = Number.MAX_SAFE_INTEGER;

/**
 * Performs an operation that the bank accepts; returns false, and changes nothing, where it must
 * refuse it. Reads are accepted where the account exists.
 */
export function perform(bank: Bank, operation: BankOperation): boolean {
  switch (operation.kind) {
    case "open":
      if (bank.has(operation.account)) return false;
      bank.set(operation.account, { balance: 0, amounts: [] });
      return true;
    case "deposit":
      return post(bank.get(operation.account), operation.amount);
    case "withdraw":
      return post(bank.get(operation.account), -operation.amount);
    case "move": {
      const to = bank.get(operation.to);
      if (to === undefined || to.balance > BALANCE_MAX - operation.amount) return false;
      if (!post(bank.get(operation.from), -operation.amount)) return false;
      return post(to, operation.amount);
    }
    case "balance":
    case "statement":
      return bank.has(operation.account);
    case "malformed":
      return false;
    default:
      return operation satisfies never;
  }
}

/** Takes back the operation that was performed last. */
export function undo(bank: Bank, operation: BankOperation): void {
  switch (operation.kind) {
    case "open":
      bank.delete(operation.account);
      break;
    case "deposit":
    case "withdraw":
      unpost(bank.get(operation.account));
      break;
    case "move":
      unpost(bank.get(operation.to));
      unpost(bank.get(operation.from));
      break;
    case "balance":
    case "statement":
    case "malformed":
      break;
    default:
      operation satisfies never;
  }
}

/** Whether the bank, just after it performed the operation, answers this. */
export function answers(bank: Bank, operation: BankOperation, answer: BankAnswer): boolean {
  if (answer.kind === "refused") return false;
  switch (operation.kind) {
    case "open":
      return true;
    case "deposit":
    case "withdraw":
    case "balance":
      return holds(bank.get(operation.account), answer.balance);
    case "move":
      return (
        holds(bank.get(operation.from), answer.balance) &&
        holds(bank.get(operation.to), answer.toBalance)
      );
    case "statement": {
      const account = bank.get(operation.account);
      if (account === undefined || !holds(account, answer.balance)) return false;
      const { entryCount, amounts } = answer;
      if (entryCount !== undefined && entryCount !== account.amounts.length) return false;
      return amounts === undefined || isTail(amounts, account.amounts, operation.limit);
    }
    case "malformed":
      return false;
    default:
      return operation satisfies never;
  }
}

/**
 * Whether the bank, as it is, may refuse the operation for this reason. Where several reasons hold
 * at once, each of them may be given: their precedence is not specified.
 */
export function refuses(bank: Bank, operation: BankOperation, refusal: string): boolean {
  if (operation.kind === "malformed") return true;
  const [source, target] = parties(operation);
  switch (refusal) {
    case "no-such-account":
      if (operation.kind === "open") return false;
      return [source, target].some((name) => name !== undefined && !bank.has(name));
    case "account-exists":
      return operation.kind === "open" && bank.has(operation.account);
    case "insufficient-funds": {
      if (operation.kind !== "withdraw" && operation.kind !== "move") return false;
      const account = bank.get(source ?? "");
      return account !== undefined && account.balance < operation.amount;
    }
    case "overflow": {
      if (operation.kind !== "deposit" && operation.kind !== "move") return false;
      const account = bank.get(target ?? "");
      if (account === undefined) return false;
      // The cash that a deposit adds to is the sum of all balances.
      const sum = operation.kind === "deposit" ? total(bank) : account.balance;
      return sum > BALANCE_MAX - operation.amount;
    }
    default:
      // The other reasons are given for malformed operations only.
      return false;
  }
}

function total(bank: Bank): number {
  let sum = 0;
  for (const { balance } of bank.values()) sum += balance;
  return sum;
}

/** The account an operation takes from (or only looks at), and the one it gives to. */
function parties(operation: Exclude<BankOperation, { kind: "malformed" }>) {
  if (operation.kind === "move") return [operation.from, operation.to];
  if (operation.kind === "deposit") return [undefined, operation.account];
  return [operation.account, undefined];
}

function post(account: Account | undefined, amount: number): boolean {
  if (account === undefined) return false;
  const balance = account.balance + amount;
  if (balance < 0 || balance > BALANCE_MAX) return false;
  account.balance = balance;
  account.amounts.push(amount);
  return true;
}

function unpost(account: Account | undefined): void {
  const amount = account?.amounts.pop();
  if (account !== undefined && amount !== undefined) account.balance -= amount;
}

function holds(account: Account | undefined, balance: number | undefined): boolean {
  return account !== undefined && (balance === undefined || account.balance === balance);
}

/** Whether `amounts` are the newest `limit` of `all`. */
function isTail(amounts: readonly number[], all: readonly number[], limit: number): boolean {
  const start = Math.max(0, all.length - limit);
  if (amounts.length !== all.length - start) return false;
  return amounts.every((amount, index) => amount === all[start + index]);
}
