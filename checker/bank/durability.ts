// What was acknowledged is kept, exactly once, in every correct replica's ledger; and the ledgers
// hold nothing that nobody asked for.

import { counted, cut, describe } from "../describe.js";
import type { Operation } from "../operations.js";
import type { LedgerDump, LedgerEntry, RunRecord } from "../run-record.js";
import type { CheckResult } from "../verdict.js";
import { bankOperation, isWrite } from "./bank-operation.js";
import { ByRequest, sameEntries } from "./ledger-index.js";
import { CASH } from "./ledger-replay.js";

const EXAMPLES_MAX = 8;

/** What a write asks a ledger to hold. */
type Posting = Pick<LedgerEntry, "kind" | "debit" | "credit" | "amount">;

/** A write, and its posting; undefined where the bank must refuse it. */
type Request = { operation: Operation; posting: Posting | undefined };

type Requests = {
  /** Writes that carry an identity. */
  known: ByRequest<Request>;
  /** Writes of unknown outcome without one: how often each posting may stand in a ledger. */
  anonymous: ReadonlyMap<string, number>;
  problems: string[];
  /** Acknowledged writes, to be found in each ledger. */
  acknowledged: readonly Operation[];
};

export function durability(operations: readonly Operation[], record: RunRecord): CheckResult {
  const requests = requestsOf(operations);
  const { acknowledged, problems } = requests;
  const broken: string[] = [];
  let faultless: LedgerDump | undefined;
  for (const dump of record.ledgers) {
    // What holds of one ledger holds of those that are like it.
    if (faultless !== undefined && sameEntries(faultless, dump)) continue;
    const wrong = compare(dump, requests, record);
    broken.push(...wrong);
    if (wrong.length === 0) faultless = dump;
  }
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
  const writes = counted(acknowledged.length, "acknowledged write");
  const ledgers = counted(record.ledgers.length, "ledger");
  const summary = `each of ${writes} stands exactly once in ${ledgers}, and nothing else does`;
  return { valid: true, summary, figures };
}

function requestsOf(operations: readonly Operation[]): Requests {
  const known = new ByRequest<Request>(operations.length);
  const anonymous = new Map<string, number>();
  const problems: string[] = [];
  const acknowledged: Operation[] = [];
  for (const operation of operations) {
    const { client, timestamp, outcome } = operation;
    if (!isWrite(operation.f)) continue;
    const posting = postingOf(operation);
    if (client !== undefined && timestamp !== undefined) {
      if (known.get(client, timestamp) !== undefined) {
        const identity = `client ${client} timestamp ${timestamp}`;
        problems.push(`two operations carry ${identity}: ${describe(operation)}`);
      }
      known.set(client, timestamp, { operation, posting });
      if (outcome === "ok") acknowledged.push(operation);
      continue;
    }
    if (outcome === "ok") {
      problems.push(`client and timestamp are not known of ${describe(operation)}`);
    }
    if (outcome === "fail" || posting === undefined) continue;
    const key = keyOf(posting);
    anonymous.set(key, (anonymous.get(key) ?? 0) + 1);
  }
  return { known, anonymous, problems, acknowledged };
}

/** What one ledger breaks, one line each. */
function compare(dump: LedgerDump, requests: Requests, record: RunRecord): string[] {
  const broken: string[] = [];
  const found = new ByRequest<LedgerEntry>(dump.entries.length);
  const anonymous = new Map(requests.anonymous);
  for (const entry of dump.entries) {
    const { client, timestamp } = entry;
    const first = found.get(client, timestamp);
    if (first !== undefined) {
      broken.push(`${dump.node} applied one request twice: ${shown(first)}, and ${shown(entry)}`);
      continue;
    }
    found.set(client, timestamp, entry);
    const request = requests.known.get(client, timestamp);
    if (request !== undefined) {
      const wrong = contradiction(request, entry);
      if (wrong === undefined) continue;
      broken.push(`${dump.node}, ${shown(entry)}, ${wrong} ${describe(request.operation)}`);
      continue;
    }
    const key = keyOf(entry);
    const left = anonymous.get(key) ?? 0;
    if (left === 0) broken.push(`${dump.node} holds what nobody asked for: ${shown(entry)}`);
    else anonymous.set(key, left - 1);
  }
  const behind = record.quiescence?.reached === false ? `, which came to seq ${dump.seq}` : "";
  for (const operation of requests.acknowledged) {
    if (found.get(operation.client ?? -1, operation.timestamp ?? -1) !== undefined) continue;
    broken.push(
      `acknowledged, but not in the ledger of ${dump.node}${behind}: ${describe(operation)}`,
    );
  }
  return broken;
}

/** How an entry contradicts the operation that asked for it. */
function contradiction({ operation, posting }: Request, entry: LedgerEntry): string | undefined {
  if (operation.outcome === "fail") return "stands for an operation that failed:";
  const same =
    posting !== undefined &&
    posting.kind === entry.kind &&
    posting.debit === entry.debit &&
    posting.credit === entry.credit &&
    posting.amount === entry.amount;
  if (!same) return "is not what was asked for:";
  if (operation.outcome === "ok" && operation.seq !== undefined && operation.seq !== entry.seq) {
    return "has another seq than the reply to";
  }
  return undefined;
}

function postingOf({ f, value }: Operation): Posting | undefined {
  const asked = bankOperation(f, value);
  switch (asked?.kind) {
    case "open":
      return { kind: asked.kind, debit: CASH, credit: asked.account, amount: 0 };
    case "deposit":
      return { kind: asked.kind, debit: CASH, credit: asked.account, amount: asked.amount };
    case "withdraw":
      return { kind: asked.kind, debit: asked.account, credit: CASH, amount: asked.amount };
    case "move":
      return { kind: asked.kind, debit: asked.from, credit: asked.to, amount: asked.amount };
    default:
      return undefined;
  }
}

function keyOf({ kind, debit, credit, amount }: Posting): string {
  return [kind, debit, credit, amount].join(" ");
}

function shown(entry: LedgerEntry): string {
  const { index, seq, kind, amount, debit, credit, client, timestamp } = entry;
  const identity = `client ${client} timestamp ${timestamp}`;
  return `entry ${index} (${kind} ${amount} from ${debit} to ${credit}, seq ${seq}, ${identity})`;
}
