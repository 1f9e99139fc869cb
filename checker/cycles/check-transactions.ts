// The door for histories from anywhere: transactions over lists or registers, judged against a
// consistency model.

import type { Operation } from "../operations.js";
import { checkListAppend } from "./list-append.js";
import type { RegisterAssumptions } from "./register-versions.js";
import { checkRwRegister } from "./rw-register.js";
import { type TransactionKind, transactionsOfOperations } from "./txn-operations.js";
import type { CyclesOptions, CyclesResult } from "./verdict.js";

export type TransactionOptions = CyclesOptions &
  RegisterAssumptions & {
    /** Names the place of an operation in messages: "history.edn:12: ". */
    where?: (operation: Operation) => string;
  };

/**
 * Throws HistoryError where a value is no transaction of the kind, and Error where the consistency
 * model is not known (`modelNamed` tells). Writes to one key must be unique: otherwise unknown.
 */
export function checkTransactions(
  operations: readonly Operation[],
  kind: TransactionKind,
  options: TransactionOptions = {},
): CyclesResult {
  const transactions = transactionsOfOperations(operations, kind, options.where);
  switch (kind) {
    case "list-append":
      return checkListAppend(transactions, options);
    case "rw-register":
      return checkRwRegister(transactions, options);
    default:
      return kind satisfies never;
  }
}
