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
  const fields = fieldsOf(value);
  const account = fields.get("account");
  const amount = fields.get("amount");
  switch (f) {
    case "open":
      return isText(account) ? { kind: f, account } : MALFORMED;
    case "deposit":
    case "withdraw":
      if (!isText(account)) return MALFORMED;
      return isAmount(amount) ? { kind: f, account, amount } : MALFORMED;
    case "move": {
      const from = fields.get("from");
      const to = fields.get("to");
      if (!isText(from) || !isText(to)) return MALFORMED;
      if (!isAmount(amount)) return MALFORMED;
      return from === to ? MALFORMED : { kind: f, from, to, amount };
    }
    case "balance":
      return isText(account) ? { kind: f, account } : MALFORMED;
    case "statement": {
      const limit = fields.get("limit");
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
  const fields = fieldsOf(completion?.value);
  const numbers = f === "move" ? ["fromBalance", "toBalance"] : ["balance"];
  if (f === "statement") numbers.push("entryCount");
  if (f === "open") return { kind: "ok" };
  const [balance, second] = numbers.map((name) => fields.get(name));
  // Banks elsewhere acknowledge a write without naming a balance; that says less, but no nonsense.
  if (isWrite(f) && balance === undefined && second === undefined) return { kind: "ok" };
  if (!isInteger(balance)) return `${numbers[0]} is missing or no integer`;
  if (f !== "move" && f !== "statement") return { kind: "ok", balance };
  if (!isInteger(second)) return `${numbers[1]} is missing or no integer`;
  if (f === "move") return { kind: "ok", balance, toBalance: second };
  const amounts = fields.get("amounts");
  if (!Array.isArray(amounts) || !amounts.every(isInteger)) return "amounts is no list of integers";
  return { kind: "ok", balance, entryCount: second, amounts };
}

/** The accounts an operation names. */
export function accountsOf(operation: BankOperation): readonly string[] {
  if (operation.kind === "malformed") return [];
  if (operation.kind === "move") return [operation.from, operation.to];
  return [operation.account];
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
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
