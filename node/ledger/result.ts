// What the ledger answers, and its one binary form: a tag byte, then 8 bytes for each number.
// The codes of a refusal are the `error` of a failed op in the history.

import { ByteReader, ByteWriter } from "./bytes.js";
import { STATEMENT_LIMIT_MAX } from "./operation.js";

/** In the order of their numbers on the wire. */
const REFUSALS = [
  "bad-operation",
  "bad-amount",
  "same-account",
  "no-such-account",
  "account-exists",
  "insufficient-funds",
  "overflow",
] as const;

/** Why an operation was not executed. It then changed nothing but its session. */
export type Refusal = (typeof REFUSALS)[number];

export type Result =
  | { kind: "opened" }
  /** Of a deposit, a withdrawal or a balance query: the account's balance afterwards. */
  | { kind: "balance"; balance: number }
  | { kind: "moved"; fromBalance: number; toBalance: number }
  /**
   * `entryCount` counts the deposits, withdrawals and moves of the account (its opening moves no
   * money and is not among them); `amounts` are the newest of them, signed, oldest first.
   */
  | { kind: "statement"; balance: number; entryCount: number; amounts: readonly number[] }
  | { kind: "refused"; refusal: Refusal };

const TAGS = { opened: 1, balance: 2, moved: 3, statement: 4, refused: 5 } as const;

/** Throws RangeError where a number is no safe integer. */
export function encodeResult(result: Result): Uint8Array {
  const out = new ByteWriter(32);
  out.u8(TAGS[result.kind]);
  switch (result.kind) {
    case "opened":
      break;
    case "balance":
      out.integer(result.balance);
      break;
    case "moved":
      out.integer(result.fromBalance);
      out.integer(result.toBalance);
      break;
    case "statement":
      out.integer(result.balance);
      out.integer(result.entryCount);
      out.u8(result.amounts.length);
      for (const amount of result.amounts) out.integer(amount);
      break;
    case "refused":
      out.u8(REFUSALS.indexOf(result.refusal));
      break;
    default:
      result satisfies never;
  }
  return out.bytes();
}

/** Undefined where the bytes are no result; never throws. */
export function decodeResult(bytes: Uint8Array): Result | undefined {
  const reader = new ByteReader(bytes);
  const result = readResult(reader);
  return reader.atEnd ? result : undefined;
}

function readResult(reader: ByteReader): Result | undefined {
  switch (reader.u8()) {
    case TAGS.opened:
      return { kind: "opened" };
    case TAGS.balance:
      return { kind: "balance", balance: reader.integer() };
    case TAGS.moved: {
      const fromBalance = reader.integer();
      return { kind: "moved", fromBalance, toBalance: reader.integer() };
    }
    case TAGS.statement: {
      const balance = reader.integer();
      const entryCount = reader.integer();
      const amountCount = reader.u8();
      if (amountCount > STATEMENT_LIMIT_MAX || amountCount > entryCount) reader.fail();
      const amounts = Array.from({ length: amountCount }, () => reader.integer());
      return { kind: "statement", balance, entryCount, amounts };
    }
    case TAGS.refused: {
      const refusal = REFUSALS[reader.u8()];
      return refusal === undefined ? undefined : { kind: "refused", refusal };
    }
    default:
      return undefined;
  }
}
