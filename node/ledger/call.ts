// Between a client's call, as the history writes it ({f, value}), and the ledger's own types.

import { utf8 } from "./bytes.js";
import {
  ADDRESS_BYTES_MAX,
  isAccountId,
  NAME_BYTES_MAX,
  type Operation,
  STATEMENT_LIMIT_MAX,
} from "./operation.js";
import type { Refusal, Result } from "./result.js";

/** The operation a call means, or the refusal it would get: then there is nothing to send. */
export function operationOfCall(f: string, value: unknown): Operation | Refusal {
  const fields = new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
  const account = fields.get("account");
  const amount = fields.get("amount");
  switch (f) {
    case "open": {
      const name = fields.get("name") ?? "";
      const address = fields.get("address") ?? "";
      if (!isId(account) || !isText(name, NAME_BYTES_MAX)) return "bad-operation";
      if (!isText(address, ADDRESS_BYTES_MAX)) return "bad-operation";
      return { kind: "open", account, name, address };
    }
    case "deposit":
    case "withdraw":
      if (!isId(account)) return "bad-operation";
      return isAmount(amount) ? { kind: f, account, amount } : "bad-amount";
    case "move": {
      const from = fields.get("from");
      const to = fields.get("to");
      if (!isId(from) || !isId(to)) return "bad-operation";
      return isAmount(amount) ? { kind: "move", from, to, amount } : "bad-amount";
    }
    case "balance":
      return isId(account) ? { kind: "balance", account } : "bad-operation";
    case "statement": {
      const limit = fields.get("limit");
      if (!isId(account) || !Number.isInteger(limit)) return "bad-operation";
      if (typeof limit !== "number" || limit < 1 || limit > STATEMENT_LIMIT_MAX) {
        return "bad-operation";
      }
      return { kind: "statement", account, limit };
    }
    default:
      return "bad-operation";
  }
}

/**
 * The value of the op's ok completion: the call's fields and what the result adds. Undefined where
 * the result does not answer this operation (f+1 replicas never send that) or is a refusal.
 */
export function completionValue(
  operation: Operation,
  result: Result,
): Record<string, unknown> | undefined {
  const { kind, ...fields } = operation;
  switch (kind) {
    case "open":
      return result.kind === "opened" ? fields : undefined;
    case "deposit":
    case "withdraw":
    case "balance":
      return result.kind === "balance" ? { ...fields, balance: result.balance } : undefined;
    case "move":
      if (result.kind !== "moved") return undefined;
      return { ...fields, fromBalance: result.fromBalance, toBalance: result.toBalance };
    case "statement": {
      if (result.kind !== "statement") return undefined;
      const { balance, entryCount, amounts } = result;
      return { ...fields, balance, entryCount, amounts };
    }
    default:
      return kind satisfies never;
  }
}

function isId(value: unknown): value is string {
  return typeof value === "string" && isAccountId(value);
}

function isText(value: unknown, bytesMax: number): value is string {
  if (typeof value !== "string") return false;
  const bytes = utf8(value);
  return bytes !== undefined && bytes.length <= bytesMax;
}

/** Zero and negative amounts have an encoding: it is for the ledger to refuse them. */
function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}
