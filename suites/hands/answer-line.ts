// What became of an operation, for people, and the exit code it asks for.

import type { ClientAnswer } from "../../node/runtime/client-call.js";
import { field, isObject, type JsonObject, numberField } from "../cluster/json-lines.js";
import type { HandOperation } from "./hand-operation.js";

/** 0 done, 1 refused, 2 not known: the operation may yet be executed. */
export type Told = { line: string; exitCode: 0 | 1 | 2 };

const REFUSALS: Readonly<Record<string, string>> = {
  "no-such-account": "there is no such account",
  "account-exists": "the account exists already",
  "insufficient-funds": "the balance is too low",
  overflow: "the balance would pass what a number can hold",
  "same-account": "both accounts are the same",
  "bad-amount": "an amount is a positive whole number",
  "bad-operation": "the ledger knows no such operation",
};

export function tellAnswer(
  operation: HandOperation,
  answer: ClientAnswer,
  timeoutMs: number,
): Told {
  switch (answer.type) {
    case "ok": {
      const value = isObject(answer.value) ? answer.value : {};
      return { line: `${sentence(operation, value)}${at(answer)}`, exitCode: 0 };
    }
    case "fail": {
      const { error = "" } = answer;
      const why = REFUSALS[error];
      return {
        line: `refused: ${why === undefined ? error : `${why} (${error})`}${at(answer)}`,
        exitCode: 1,
      };
    }
    case "info": {
      const waited =
        answer.error === "timeout" ? `no answer within ${timeoutMs / 1000} s` : answer.error;
      return { line: `not known: ${waited}; ${aftermath(operation)}`, exitCode: 2 };
    }
    default:
      return answer.type satisfies never;
  }
}

function sentence({ f, value }: HandOperation, result: JsonObject): string {
  const number = (name: string) => numberField(result, name) ?? "?";
  switch (f) {
    case "balance":
      return `${value.account} has ${number("balance")}`;
    case "open":
      return `opened ${value.account}`;
    case "deposit":
      return `deposited ${value.amount} to ${value.account}, which has ${number("balance")}`;
    case "withdraw":
      return `withdrew ${value.amount} from ${value.account}, which has ${number("balance")}`;
    case "move":
      return (
        `moved ${value.amount} from ${value.from}, which has ${number("fromBalance")}, ` +
        `to ${value.to}, which has ${number("toBalance")}`
      );
    case "statement": {
      const amounts = field(result, "amounts");
      const signed = Array.isArray(amounts) ? amounts.map(signedAmount) : [];
      const count = number("entryCount");
      const newest = signed.length === 0 ? "" : `; newest last: ${signed.join(" ")}`;
      return `${value.account} has ${number("balance")} after ${count} ${count === 1 ? "movement" : "movements"}${newest}`;
    }
    default:
      return f satisfies never;
  }
}

function signedAmount(amount: unknown): string {
  return typeof amount === "number" && amount > 0 ? `+${amount}` : String(amount);
}

/** Where in the order of all operations it was executed. */
function at({ seq }: ClientAnswer): string {
  return seq === undefined ? "" : ` (seq ${seq})`;
}

function aftermath({ f }: HandOperation): string {
  return f === "balance" || f === "statement"
    ? "ask again"
    : "it may yet be executed: ask for the balance before you repeat it";
}
