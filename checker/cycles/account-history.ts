// The bank's history as transactions over lists, one for each account: deposits, withdrawals and moves
// append a signed amount to one or two of them; statements and balances read one.

import { bankAnswer, bankOperation } from "../bank/bank-operation.js";
import { NEVER, type Operation } from "../operations.js";
import { FAIL, INFO, NO_RETURN, OK, type Timetable } from "./transactions.js";

/** An append to an account. */
export type AccountWrite = {
  txn: number;
  amount: number;
  /** The balance that the reply told; undefined where there was no reply. */
  after: number | undefined;
};

export type StatementRead = {
  txn: number;
  balance: number;
  /** How many entries the account had. */
  entryCount: number;
  /** The newest of them, oldest first. */
  amounts: readonly number[];
};

export type BalanceRead = { txn: number; balance: number };

export type AccountHistory = {
  account: string;
  /** What was acknowledged, or may have taken effect. */
  writes: AccountWrite[];
  failed: AccountWrite[];
  statements: StatementRead[];
  balances: BalanceRead[];
};

export type BankTransactions = Timetable & {
  /** By transaction. */
  operations: readonly Operation[];
  accounts: readonly AccountHistory[];
};

/** `operations` in the order of their calls. What cannot be understood is left to other checks. */
export function bankTransactions(operations: readonly Operation[]): BankTransactions {
  const accounts = new Map<string, AccountHistory>();
  const of = (account: string): AccountHistory => {
    const known = accounts.get(account);
    if (known !== undefined) return known;
    const fresh = { account, writes: [], failed: [], statements: [], balances: [] };
    accounts.set(account, fresh);
    return fresh;
  };
  for (const [txn, operation] of operations.entries()) add(txn, operation, of);
  return { ...timetable(operations), operations, accounts: [...accounts.values()] };
}

function timetable(operations: readonly Operation[]): Timetable {
  const count = operations.length;
  const outcome = new Uint8Array(count);
  const process = new Int32Array(count);
  const call = new Int32Array(count);
  const ret = new Int32Array(count);
  const index = new Int32Array(count);
  for (const [txn, operation] of operations.entries()) {
    outcome[txn] = { ok: OK, info: INFO, fail: FAIL }[operation.outcome];
    process[txn] = operation.process;
    call[txn] = operation.call;
    ret[txn] = operation.ret === NEVER ? NO_RETURN : operation.ret;
    index[txn] = operation.invocation.index;
  }
  return { count, outcome, process, call, ret, index };
}

function add(txn: number, operation: Operation, of: (account: string) => AccountHistory): void {
  const asked = bankOperation(operation.f, operation.value);
  if (asked === undefined || asked.kind === "malformed" || asked.kind === "open") return;
  const ok = operation.outcome === "ok";
  const answer = ok ? bankAnswer(operation) : undefined;
  const said = typeof answer === "object" && answer.kind === "ok" ? answer : undefined;
  const write = (account: string, amount: number, after: number | undefined) => {
    const history = of(account);
    const list = operation.outcome === "fail" ? history.failed : history.writes;
    list.push({ txn, amount, after });
  };
  switch (asked.kind) {
    case "deposit":
      write(asked.account, asked.amount, said?.balance);
      break;
    case "withdraw":
      write(asked.account, -asked.amount, said?.balance);
      break;
    case "move":
      write(asked.from, -asked.amount, said?.balance);
      write(asked.to, asked.amount, said?.toBalance);
      break;
    case "balance":
      if (said?.balance === undefined) break;
      of(asked.account).balances.push({ txn, balance: said.balance });
      break;
    case "statement": {
      const { balance, entryCount, amounts } = said ?? {};
      if (balance === undefined || entryCount === undefined || amounts === undefined) break;
      of(asked.account).statements.push({ txn, balance, entryCount, amounts });
      break;
    }
    default:
      asked satisfies never;
  }
}
