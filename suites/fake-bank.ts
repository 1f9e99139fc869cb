// A bank in memory for tests: what a correct cluster's ledger does, and ways to do it wrong.

import { createHash } from "node:crypto";
import type { LedgerAccount, LedgerDump, LedgerEntry } from "../checker/run-record.js";
import type { ClientAnswer, ClientCall } from "../node/runtime/client-call.js";

/** What is wrong with the fake. Each is broken once, at the operation numbered `FAULTY_AT`. */
export type Flaw =
  | "none"
  /** A deposit is acknowledged and forgotten. */
  | "lost-write"
  /** A deposit is applied twice. */
  | "duplicated-write"
  /** A balance is answered from an earlier state. */
  | "stale-read"
  /** One replica's ledger misses an entry at the end. */
  | "divergent-ledger"
  /** A replica dies by itself. */
  | "exit"
  /** Nothing is answered after the first fault was healed. */
  | "stuck";

export const FAULTY_AT = 60;
export type Bank = {
  seq: number;
  accounts: Map<string, LedgerAccount>;
  entries: LedgerEntry[];
  /** Balances as they were some writes ago. */
  old: Map<string, number>;
};

export function createBank(): Bank {
  return { seq: 0, accounts: new Map(), entries: [], old: new Map() };
}

export type Outcome = Pick<ClientAnswer, "type" | "value"> & { error?: string; seq?: number };

export function unanswered(): Outcome {
  return { type: "info", value: undefined, error: "time-out" };
}

/** The field of a call's value, as the kind of thing the operation wants there. */
function text(call: ClientCall, key: string): string {
  return String(fieldOf(call, key));
}

function amountOf(call: ClientCall): number {
  return Number(fieldOf(call, "amount"));
}

function fieldOf(call: ClientCall, key: string): unknown {
  const { value } = call;
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

export function execute(bank: Bank, call: ClientCall, client: number, timestamp: number): Outcome {
  bank.seq += 1;
  const seq = bank.seq;
  const fail = (error: string): Outcome => ({ type: "fail", value: call.value, error, seq });
  const post = (kind: LedgerEntry["kind"], debit: string, credit: string, amount: number) => {
    const index = bank.entries.length;
    bank.entries.push({ index, seq, client, timestamp, kind, debit, credit, amount });
  };
  const fields = typeof call.value === "object" && call.value !== null ? call.value : {};
  const ok = (more: Record<string, unknown>): Outcome => ({
    type: "ok",
    value: { ...fields, ...more },
    seq,
  });
  const id = text(call, call.f === "move" ? "from" : "account");
  const account = bank.accounts.get(id);
  if (call.f === "open") {
    if (account !== undefined) return fail("account-exists");
    bank.accounts.set(id, {
      id,
      name: text(call, "name"),
      address: text(call, "address"),
      balance: 0,
    });
    post("open", "@cash", id, 0);
    return ok({});
  }
  const amount = amountOf(call);
  const isWrite = call.f !== "balance" && call.f !== "statement";
  if (isWrite && !(Number.isSafeInteger(amount) && amount > 0)) return fail("bad-amount");
  if (call.f === "move" && text(call, "to") === id) return fail("same-account");
  if (account === undefined) return fail("no-such-account");
  if (isWrite) bank.old.set(id, account.balance);
  switch (call.f) {
    case "deposit":
      if (!Number.isSafeInteger(account.balance + amount)) return fail("overflow");
      account.balance += amount;
      post("deposit", "@cash", id, amount);
      return ok({ balance: account.balance });
    case "withdraw":
      if (account.balance < amount) return fail("insufficient-funds");
      account.balance -= amount;
      post("withdraw", id, "@cash", amount);
      return ok({ balance: account.balance });
    case "move": {
      const to = bank.accounts.get(text(call, "to"));
      if (to === undefined) return fail("no-such-account");
      if (account.balance < amount) return fail("insufficient-funds");
      account.balance -= amount;
      to.balance += amount;
      post("move", id, to.id, amount);
      return ok({ fromBalance: account.balance, toBalance: to.balance });
    }
    case "balance":
      return ok({ balance: account.balance });
    default: {
      const own = bank.entries.filter(
        (entry) => entry.kind !== "open" && (entry.debit === id || entry.credit === id),
      );
      const signed = own.map((entry) => (entry.credit === id ? entry.amount : -entry.amount));
      const amounts = signed.slice(-Number(fieldOf(call, "limit")));
      return ok({ balance: account.balance, entryCount: own.length, amounts });
    }
  }
}

/** Forgets or repeats the last deposit. */
export function breakOnce(bank: Bank, flaw: Flaw): void {
  const last = bank.entries.findLast((entry) => entry.kind === "deposit");
  const account = last === undefined ? undefined : bank.accounts.get(last.credit);
  if (last === undefined || account === undefined) return;
  if (flaw === "lost-write") {
    account.balance -= last.amount;
    bank.entries = bank.entries.filter((entry) => entry !== last);
    for (const [index, entry] of bank.entries.entries()) entry.index = index;
  } else if (flaw === "duplicated-write") {
    account.balance += last.amount;
    bank.entries.push({ ...last, index: bank.entries.length });
  }
}

export function staleAnswer(
  bank: Bank,
  call: ClientCall,
  answer: Outcome,
  flaw: Flaw,
  number: number,
) {
  if (flaw !== "stale-read" || number < FAULTY_AT || call.f !== "balance") return undefined;
  const account = text(call, "account");
  const balance = bank.old.get(account);
  if (answer.type !== "ok" || balance === undefined) return undefined;
  return { ...answer, value: { account, balance } };
}

export function digestOf(bank: Bank): string {
  const accounts = [...bank.accounts.values()];
  return createHash("sha256")
    .update(JSON.stringify([accounts, bank.entries.length]))
    .digest("hex");
}

export function dumpOf(bank: Bank, node: string, short: boolean): LedgerDump {
  const own = [...bank.accounts.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const total = own.reduce((sum, { balance }) => sum + balance, 0);
  const accounts = [{ id: "@cash", name: "", address: "", balance: -total }, ...own];
  const entries = short ? bank.entries.slice(0, -1) : bank.entries;
  const digest = short ? "0".repeat(64) : digestOf(bank);
  return { node, seq: bank.seq, digest, chain: "", accounts, entries, sessions: [] };
}
