// The bank's operations and answers, read from the values of a history as history.ts lists them.

import type { Operation } from "../operations.js";

export type BankOperation =
  | { kind: "open"; account: string }
  | { kind: "deposit"; account: string; amount: number }
  | { kind: "withdraw"; account: string; amount: number }
  | { kind: "move"; from: string; to: string; amount: number }
  | { kind: "balance"; account: string }
  | { kind: "statement"; account: string; limit: number }
  /** Asked with fields that no operation may have: the bank must refuse it, for whatever reason. */
  | { kind: "malformed" };

/** What a completion said. Absent fields said nothing and constrain nothing. */
export type BankAnswer =
  | {
      kind: "ok";
      balance?: number;
      toBalance?: number;
      entryCount?: number;
      amounts?: readonly number[];
    }
  | { kind: "refused"; refusal: string };

export const REFUSALS: ReadonlySet<string> = new Set([
  "no-such-account",
  "account-exists",
  "insufficient-funds",
  "overflow",
  "same-account",
  "bad-amount",
  "bad-operation",
]);

/** Entries that one statement may ask for. */
const STATEMENT_LIMIT_MAX = 64;

const WRITES: ReadonlySet<string> = new Set(["open", "deposit", "withdraw", "move"]);
const MALFORMED: BankOperation = { kind: "malformed" };
const READS: ReadonlySet<string> = new Set(["balance", "statement"]);

export function isWrite(f: string): boolean {
  return WRITES.has(f);
}

export function isRead(f: string): boolean {
  return READS.has(f);
}

/** Whether the ledger itself answered that it would not do this (and not the client, or nobody). */
export function isRefused(operation: Operation): boolean {
  return (
    operation.outcome === "fail" &&
    operation.seq !== undefined &&
    REFUSALS.has(operation.completion?.error ?? "")
  );
}

/** Undefined where `f` is no function of the bank. */
export function bankOperation(f: string, value: unknown): BankOperation | undefined {
  const account = fieldOf(value, "account");
  const amount = fieldOf(value, "amount");
  switch (f) {
    case "open":
      return isText(account) ? { kind: f, account } : MALFORMED;
    case "deposit":
    case "withdraw":
      if (!isText(account)) return MALFORMED;
      return isAmount(amount) ? { kind: f, account, amount } : MALFORMED;
    case "move": {
      const from = fieldOf(value, "from");
      const to = fieldOf(value, "to");
      if (!isText(from) || !isText(to)) return MALFORMED;
      if (!isAmount(amount)) return MALFORMED;
      return from === to ? MALFORMED : { kind: f, from, to, amount };
    }
    case "balance":
      return isText(account) ? { kind: f, account } : MALFORMED;
    case "statement": {
      const limit = fieldOf(value, "limit");
      if (!isText(account) || !isAmount(limit) || limit > STATEMENT_LIMIT_MAX) return MALFORMED;
      return { kind: f, account, limit };
    }
    default:
      return undefined;
  }
}

/**
 * What the completion of a finished operation said; undefined where it said nothing about the bank
 * (a fail that never reached it); text where the answer cannot be understood.
 */
export function bankAnswer(operation: Operation): BankAnswer | string | undefined {
  const { completion, f } = operation;
  if (operation.outcome === "fail") {
    const refusal = completion?.error ?? "";
    return REFUSALS.has(refusal) && operation.seq !== undefined
      ? { kind: "refused", refusal }
      : undefined;
  }
  if (f === "open") return { kind: "ok" };
  const value = completion?.value;
  const name = f === "move" ? "fromBalance" : "balance";
  const secondName = f === "move" ? "toBalance" : f === "statement" ? "entryCount" : undefined;
  const balance = fieldOf(value, name);
  const second = secondName === undefined ? undefined : fieldOf(value, secondName);
  // Banks elsewhere acknowledge a write without naming a balance; that says less, but no nonsense.
  if (isWrite(f) && balance === undefined && second === undefined) return { kind: "ok" };
  if (!isInteger(balance)) return `${name} is missing or no integer`;
  if (secondName === undefined) return { kind: "ok", balance };
  if (!isInteger(second)) return `${secondName} is missing or no integer`;
  if (f === "move") return { kind: "ok", balance, toBalance: second };
  const amounts = fieldOf(value, "amounts");
  if (!Array.isArray(amounts) || !amounts.every(isInteger)) return "amounts is no list of integers";
  return { kind: "ok", balance, entryCount: second, amounts };
}

/** The accounts an operation names. */
export function accountsOf(operation: BankOperation): readonly string[] {
  if (operation.kind === "malformed") return [];
  if (operation.kind === "move") return [operation.from, operation.to];
  return [operation.account];
}

/** A field of a value that may be anything; its own only, whatever its name. */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isAmount(value: unknown): value is number {
  return isInteger(value) && value > 0;
}

function isInteger(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}
