// Smaller histories that a linearizable history must also pass: what it looks like to someone who
// sees some accounts only. If such a view is not linearizable, the whole is not; never the reverse.

import type { BankOp } from "./bank-history.js";
import { accountsOf } from "./bank-operation.js";
import { concernsAllAccounts } from "./search.js";

/**
 * Accounts that some operation touches together, transitively; each group in order of first use.
 * What happens to one group says nothing about another.
 */
export function independentGroups(ops: readonly BankOp[]): string[][] {
  const groups = connectedAccounts(ops);
  return ops.some(concernsAllAccounts) ? [groups.flat()] : groups;
}

function connectedAccounts(ops: readonly BankOp[]): string[][] {
  const parent = new Map<string, string>();
  const root = (account: string): string => {
    let at = account;
    for (;;) {
      const next = parent.get(at) ?? at;
      if (next === at) return at;
      // Path halving keeps the chains short.
      parent.set(at, parent.get(next) ?? next);
      at = next;
    }
  };
  for (const { operation } of ops) {
    const [first, second] = accountsOf(operation);
    for (const account of [first, second]) {
      if (account !== undefined && !parent.has(account)) parent.set(account, account);
    }
    if (first !== undefined && second !== undefined) parent.set(root(second), root(first));
  }
  const groups = new Map<string, string[]>();
  for (const account of parent.keys()) {
    const group = groups.get(root(account)) ?? [];
    group.push(account);
    groups.set(root(account), group);
  }
  return [...groups.values()];
}

/** The history as `accounts` see it: a move to or from elsewhere is a deposit or a withdrawal. */
export function project(ops: readonly BankOp[], accounts: ReadonlySet<string>): BankOp[] {
  return ops.flatMap((op) => {
    const projected = projectOp(op, accounts);
    return projected === undefined ? [] : [projected];
  });
}

function projectOp(op: BankOp, accounts: ReadonlySet<string>): BankOp | undefined {
  const { operation, answer } = op;
  if (operation.kind !== "move") {
    if (!accountsOf(operation).every((account) => accounts.has(account))) return undefined;
    return concernsAllAccounts(op) ? undefined : op;
  }
  const { from, to, amount } = operation;
  const [seesFrom, seesTo] = [accounts.has(from), accounts.has(to)];
  if (seesFrom && seesTo) return op;
  if (!seesFrom && !seesTo) return undefined;
  const seen = seesFrom
    ? { kind: "withdraw" as const, account: from, amount }
    : { kind: "deposit" as const, account: to, amount };
  if (answer?.kind === "refused") {
    const judged = seesFrom ? "insufficient-funds" : "overflow";
    if (answer.refusal !== judged || !seesFrom) return undefined;
    return { ...op, operation: seen };
  }
  if (answer === undefined) return { ...op, operation: seen };
  const balance = seesFrom ? answer.balance : answer.toBalance;
  const projected =
    balance === undefined ? { kind: "ok" as const } : { kind: "ok" as const, balance };
  return { ...op, operation: seen, answer: projected };
}
