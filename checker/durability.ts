// What was acknowledged is kept, exactly once, in every correct replica's ledger; and the ledgers
// hold nothing that nobody asked for.

import { accountsOf, type BankOperation, bankOperation, isWrite } from "./bank-operation.js";
import { counted, cut, describe } from "./describe.js";
import { identity } from "./ledger-index.js";
import { CASH } from "./ledger-replay.js";
import type { Operation } from "./operations.js";
import type { LedgerDump, LedgerEntry, RunRecord } from "./run-record.js";
import type { CheckResult } from "./verdict.js";

const EXAMPLES_MAX = 8;

type Requests = {
  /** Writes that carry an identity. */
  known: ReadonlyMap<string, Operation>;
  /** Writes of unknown outcome without one: how often each posting may stand in a ledger. */
  anonymous: ReadonlyMap<string, number>;
  problems: string[];
  /** Acknowledged writes, to be found in each ledger. */
  acknowledged: readonly Operation[];
};

export function durability(operations: readonly Operation[], record: RunRecord): CheckResult {
  const requests = requestsOf(operations);
  const { acknowledged, problems } = requests;
  const broken = record.ledgers.flatMap((dump) => compare(dump, requests, record));
  const figures = {
    acknowledged: acknowledged.length,
    ledgers: record.ledgers.length,
    violations: broken.length,
  };
  if (broken.length > 0) {
    const explanation = cut(broken, EXAMPLES_MAX);
    return { valid: false, summary: broken[0] ?? "", figures, explanation };
  }
  if (record.ledgers.length === 0) {
    return { valid: "unknown", summary: "no ledger was collected", figures };
  }
  const missing = record.correctReplicas.filter(
    (node) => !record.ledgers.some((dump) => dump.node === node),
  );
  if (missing.length > 0) {
    problems.push(`the ledger of ${missing.join(", ")} is missing; the others keep everything`);
  }
  if (acknowledged.length === 0) problems.push("no write was acknowledged");
  if (problems.length > 0) {
    const explanation = cut(problems, EXAMPLES_MAX);
    return { valid: "unknown", summary: problems[0] ?? "", figures, explanation };
  }
  const summary = `each of ${counted(acknowledged.length, "acknowledged write")} stands exactly once in ${counted(record.ledgers.length, "ledger")}, and nothing else does`;
  return { valid: true, summary, figures };
}

function requestsOf(operations: readonly Operation[]): Requests {
  const known = new Map<string, Operation>();
  const anonymous = new Map<string, number>();
  const problems: string[] = [];
  const acknowledged: Operation[] = [];
  for (const operation of operations) {
    const { client, timestamp, outcome } = operation;
    if (!isWrite(operation.f)) continue;
    const posting = postingOf(operation);
    if (client !== undefined && timestamp !== undefined) {
      const key = identity(client, timestamp);
      const other = known.get(key);
      if (other !== undefined) {
        problems.push(
          `two operations carry client ${client} timestamp ${timestamp}: ${describe(operation)}`,
        );
      }
      known.set(key, operation);
      if (outcome === "ok") acknowledged.push(operation);
    } else if (outcome === "ok") {
      problems.push(`client and timestamp are not known of ${describe(operation)}`);
      if (posting !== undefined) anonymous.set(posting, (anonymous.get(posting) ?? 0) + 1);
    } else if (outcome === "info" && posting !== undefined) {
      anonymous.set(posting, (anonymous.get(posting) ?? 0) + 1);
    }
  }
  return { known, anonymous, problems, acknowledged };
}

/** What one ledger breaks, one line each. */
function compare(dump: LedgerDump, requests: Requests, record: RunRecord): string[] {
  const broken: string[] = [];
  const found = new Map<string, LedgerEntry>();
  const anonymous = new Map(requests.anonymous);
  for (const entry of dump.entries) {
    const key = identity(entry.client, entry.timestamp);
    const first = found.get(key);
    if (first !== undefined) {
      broken.push(`${dump.node} applied one request twice: ${shown(first)}, and ${shown(entry)}`);
      continue;
    }
    found.set(key, entry);
    const operation = requests.known.get(key);
    if (operation !== undefined) {
      const wrong = contradiction(operation, entry);
      if (wrong !== undefined)
        broken.push(`${dump.node}, ${shown(entry)}, ${wrong} ${describe(operation)}`);
      continue;
    }
    const posting = postingOfEntry(entry);
    const left = anonymous.get(posting) ?? 0;
    if (left === 0) broken.push(`${dump.node} holds what nobody asked for: ${shown(entry)}`);
    else anonymous.set(posting, left - 1);
  }
  const behind = record.quiescence?.reached === false ? `, which came to seq ${dump.seq}` : "";
  for (const operation of requests.acknowledged) {
    if (found.has(identity(operation.client ?? -1, operation.timestamp ?? -1))) continue;
    broken.push(
      `acknowledged, but not in the ledger of ${dump.node}${behind}: ${describe(operation)}`,
    );
  }
  return broken;
}

/** How an entry contradicts the operation that asked for it. */
function contradiction(operation: Operation, entry: LedgerEntry): string | undefined {
  if (operation.outcome === "fail") return "stands for an operation that failed:";
  if (postingOf(operation) !== postingOfEntry(entry)) return "is not what was asked for:";
  if (operation.outcome === "ok" && operation.seq !== undefined && operation.seq !== entry.seq) {
    return "has another seq than the reply to";
  }
  return undefined;
}

/** "move A B 5", for operation and entry alike; undefined where the bank must refuse it. */
function postingOf(operation: Operation): string | undefined {
  const asked = bankOperation(operation.f, operation.value);
  if (asked === undefined || !("account" in asked || "from" in asked)) return undefined;
  const [debit, credit] = partiesOf(asked);
  return [asked.kind, debit, credit, "amount" in asked ? asked.amount : 0].join(" ");
}

function partiesOf(asked: BankOperation): readonly [string, string] {
  const [first = "", second = ""] = accountsOf(asked);
  if (asked.kind === "move") return [first, second];
  return asked.kind === "withdraw" ? [first, CASH] : [CASH, first];
}

function postingOfEntry({ kind, debit, credit, amount }: LedgerEntry): string {
  return [kind, debit, credit, amount].join(" ");
}

function shown({
  index,
  seq,
  kind,
  amount,
  debit,
  credit,
  client,
  timestamp,
}: LedgerEntry): string {
  return `entry ${index} (${kind} ${amount} from ${debit} to ${credit}, seq ${seq}, client ${client} timestamp ${timestamp})`;
}
