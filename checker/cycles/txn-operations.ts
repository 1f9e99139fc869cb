// Transactions from the operations of a history file: values are lists of micro-ops, as Jepsen writes
// them: [["append" 5 1] ["r" 6 [2 3]]], or [["w" 5 1] ["r" 6 nil]].

import { HistoryError } from "../history-error.js";
import { NEVER, type Operation } from "../operations.js";
import {
  type MicroOp,
  NO_RETURN,
  type Transaction,
  type Transactions,
  transactionsOf,
} from "./transactions.js";

export type TransactionKind = "list-append" | "rw-register";

const WRITES = { "list-append": "append", "rw-register": "w" } as const;

const FUNCTIONS = ["r", "append", "w"] as const;

/** Throws HistoryError where a value is no transaction of the kind; `where` stands before its message. */
export function transactionsOfOperations(
  operations: readonly Operation[],
  kind: TransactionKind,
  where: (operation: Operation) => string = ({ invocation }) => `op ${invocation.index}: `,
): Transactions {
  const transactions = operations.map((operation): Transaction => {
    const { outcome, process, call, ret, invocation, completion } = operation;
    const told = outcome === "ok" ? (completion?.value ?? operation.value) : operation.value;
    const microOps = microOpsOf(told, kind);
    if (typeof microOps === "string") {
      throw new HistoryError("history-bad-op", `${where(operation)}${microOps}`);
    }
    const index = invocation.index;
    return { outcome, process, call, ret: ret === NEVER ? NO_RETURN : ret, index, microOps };
  });
  return transactionsOf(transactions, kind);
}

/** The micro-ops, or what is wrong with them. */
function microOpsOf(value: unknown, kind: TransactionKind): MicroOp[] | string {
  if (!Array.isArray(value)) return "the value of a transaction is a list of micro-ops";
  const parsed: MicroOp[] = [];
  const list: readonly unknown[] = value;
  for (const each of list) {
    if (!Array.isArray(each) || each.length < 2) return "a micro-op is [f key value]";
    const [f, key, written]: readonly unknown[] = each;
    const name = FUNCTIONS.find((known) => f === known || f === `:${known}`);
    if (name === undefined || (name !== "r" && name !== WRITES[kind])) {
      return `a micro-op of ${kind} is "r" or "${WRITES[kind]}", not ${JSON.stringify(f)}`;
    }
    if (name === "r" && kind === "list-append" && !isList(written)) {
      return "a read of list-append shows a list, or nil";
    }
    parsed.push([name, key, written]);
  }
  return parsed;
}

function isList(value: unknown): boolean {
  return value === null || value === undefined || Array.isArray(value);
}
