// The rules of the bank: what each operation does to the books, and when it is refused. Pure: the
// books are an interface, and nothing is posted before every check has passed.
//
// Checks are made in this order, and the first that fails names the refusal:
// bad-amount, same-account, account-exists / no-such-account, insufficient-funds, overflow.

import type { Operation } from "./operation.js";
import type { Refusal, Result } from "./result.js";
import { type Account, CASH, type Entry, type EntryKind } from "./store.js";

/** The request an entry is the trace of; its index and seq are for the books to know. */
export type Origin = { client: number; timestamp: number };

export interface Books {
  account(id: string): Account | undefined;
  addAccount(id: string, name: string, address: string): Account;
  entry(index: number): Entry;
  /** Appends an entry and moves `amount` from `debit` to `credit`. */
  post(origin: Origin, kind: EntryKind, debit: Account, credit: Account, amount: number): void;
}

/** Executes one operation; undefined is what the codec makes of malformed bytes. Never throws. */
export function execute(books: Books, operation: Operation | undefined, origin: Origin): Result {
  if (operation === undefined) return refused("bad-operation");
  switch (operation.kind) {
    case "open":
      return open(books, operation, origin);
    case "deposit":
      return deposit(books, operation, origin);
    case "withdraw":
      return withdraw(books, operation, origin);
    case "move":
      return move(books, operation, origin);
    case "balance":
      return balance(books, operation);
    case "statement":
      return statement(books, operation);
    default:
      return operation satisfies never;
  }
}

type Of<Kind extends Operation["kind"]> = Extract<Operation, { kind: Kind }>;

function open(books: Books, operation: Of<"open">, origin: Origin): Result {
  if (books.account(operation.account) !== undefined) return refused("account-exists");
  const account = books.addAccount(operation.account, operation.name, operation.address);
  // The entry moves nothing; it ties the account to the request that opened it.
  books.post(origin, "open", cashOf(books), account, 0);
  return { kind: "opened" };
}

function deposit(books: Books, operation: Of<"deposit">, origin: Origin): Result {
  const { amount } = operation;
  if (!isAmount(amount)) return refused("bad-amount");
  const account = books.account(operation.account);
  if (account === undefined) return refused("no-such-account");
  const cash = cashOf(books);
  if (!Number.isSafeInteger(account.balance + amount)) return refused("overflow");
  // Cash is minus the sum of all accounts: it overflows where their sum would.
  if (!Number.isSafeInteger(cash.balance - amount)) return refused("overflow");
  books.post(origin, "deposit", cash, account, amount);
  return { kind: "balance", balance: account.balance };
}

function withdraw(books: Books, operation: Of<"withdraw">, origin: Origin): Result {
  const { amount } = operation;
  if (!isAmount(amount)) return refused("bad-amount");
  const account = books.account(operation.account);
  if (account === undefined) return refused("no-such-account");
  if (account.balance < amount) return refused("insufficient-funds");
  books.post(origin, "withdraw", account, cashOf(books), amount);
  return { kind: "balance", balance: account.balance };
}

function move(books: Books, operation: Of<"move">, origin: Origin): Result {
  const { amount } = operation;
  if (!isAmount(amount)) return refused("bad-amount");
  if (operation.from === operation.to) return refused("same-account");
  const from = books.account(operation.from);
  const to = books.account(operation.to);
  if (from === undefined || to === undefined) return refused("no-such-account");
  if (from.balance < amount) return refused("insufficient-funds");
  if (!Number.isSafeInteger(to.balance + amount)) return refused("overflow");
  books.post(origin, "move", from, to, amount);
  return { kind: "moved", fromBalance: from.balance, toBalance: to.balance };
}

function balance(books: Books, operation: Of<"balance">): Result {
  const account = books.account(operation.account);
  if (account === undefined) return refused("no-such-account");
  return { kind: "balance", balance: account.balance };
}

function statement(books: Books, operation: Of<"statement">): Result {
  const account = books.account(operation.account);
  if (account === undefined) return refused("no-such-account");
  const amounts: number[] = [];
  let index = account.lastEntry;
  while (index >= 0 && amounts.length < operation.limit) {
    const entry = books.entry(index);
    const debited = entry.debit === account.id;
    amounts.push(debited ? -entry.amount : entry.amount);
    index = debited ? entry.debitPrevious : entry.creditPrevious;
  }
  amounts.reverse();
  return { kind: "statement", balance: account.balance, entryCount: account.entryCount, amounts };
}

function refused(refusal: Refusal): Result {
  return { kind: "refused", refusal };
}

function isAmount(amount: number): boolean {
  return Number.isSafeInteger(amount) && amount > 0;
}

function cashOf(books: Books): Account {
  return books.account(CASH) ?? books.addAccount(CASH, "", "");
}
