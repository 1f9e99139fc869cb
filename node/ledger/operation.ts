// What a client may ask of the ledger, and the one binary form of each operation.
//
//   open      01 id name address        balance    05 id
//   deposit   02 id amount              statement  06 id limit
//   withdraw  03 id amount              move       04 id id amount
//
// Text is a length byte and UTF-8, an amount is 8 bytes, a limit is one. Bytes that no operation has
// decode to undefined; the ledger answers those with the refusal "bad-operation".

import { ByteReader, ByteWriter } from "./bytes.js";

/** 1 to 32 characters of [A-Za-z0-9_.-]. "@cash" is therefore no account that a client can name. */
export type AccountId = string;

export type Operation =
  | { kind: "open"; account: AccountId; name: string; address: string }
  | { kind: "deposit"; account: AccountId; amount: number }
  | { kind: "withdraw"; account: AccountId; amount: number }
  | { kind: "move"; from: AccountId; to: AccountId; amount: number }
  | { kind: "balance"; account: AccountId }
  /** The newest `limit` postings, 1..STATEMENT_LIMIT_MAX. */
  | { kind: "statement"; account: AccountId; limit: number };

export const ACCOUNT_ID_BYTES_MAX = 32;
export const NAME_BYTES_MAX = 64;
export const ADDRESS_BYTES_MAX = 128;
export const STATEMENT_LIMIT_MAX = 64;

const ACCOUNT_ID = /^[A-Za-z0-9_.-]{1,32}$/;
const TAGS = { open: 1, deposit: 2, withdraw: 3, move: 4, balance: 5, statement: 6 } as const;

export function isAccountId(value: string): boolean {
  return ACCOUNT_ID.test(value);
}

/**
 * Throws RangeError where a field has no encoding: text too long, an amount that is no safe integer,
 * a limit that is no byte. Whether the ledger will accept the operation is not looked at.
 */
export function encodeOperation(operation: Operation): Uint8Array {
  const out = new ByteWriter(64);
  out.u8(TAGS[operation.kind]);
  switch (operation.kind) {
    case "open":
      out.text(operation.account);
      out.text(operation.name);
      out.text(operation.address);
      break;
    case "deposit":
    case "withdraw":
      out.text(operation.account);
      out.integer(operation.amount);
      break;
    case "move":
      out.text(operation.from);
      out.text(operation.to);
      out.integer(operation.amount);
      break;
    case "balance":
      out.text(operation.account);
      break;
    case "statement":
      if (!(operation.limit >= 0 && operation.limit <= 255 && Number.isInteger(operation.limit))) {
        throw new RangeError(`limit ${operation.limit} is not a byte`);
      }
      out.text(operation.account);
      out.u8(operation.limit);
      break;
    default:
      operation satisfies never;
  }
  return out.bytes();
}

/** Undefined where the bytes are no operation; never throws. Amounts may still be refused. */
export function decodeOperation(bytes: Uint8Array): Operation | undefined {
  const reader = new ByteReader(bytes);
  const operation = readOperation(reader);
  return reader.atEnd ? operation : undefined;
}

function readOperation(reader: ByteReader): Operation | undefined {
  switch (reader.u8()) {
    case TAGS.open: {
      const account = readAccountId(reader);
      const name = reader.text(NAME_BYTES_MAX);
      return { kind: "open", account, name, address: reader.text(ADDRESS_BYTES_MAX) };
    }
    case TAGS.deposit: {
      const account = readAccountId(reader);
      return { kind: "deposit", account, amount: reader.integer() };
    }
    case TAGS.withdraw: {
      const account = readAccountId(reader);
      return { kind: "withdraw", account, amount: reader.integer() };
    }
    case TAGS.move: {
      const from = readAccountId(reader);
      const to = readAccountId(reader);
      return { kind: "move", from, to, amount: reader.integer() };
    }
    case TAGS.balance:
      return { kind: "balance", account: readAccountId(reader) };
    case TAGS.statement: {
      const account = readAccountId(reader);
      const limit = reader.u8();
      if (limit < 1 || limit > STATEMENT_LIMIT_MAX) reader.fail();
      return { kind: "statement", account, limit };
    }
    default:
      return undefined;
  }
}

function readAccountId(reader: ByteReader): AccountId {
  const id = reader.text(ACCOUNT_ID_BYTES_MAX);
  if (!isAccountId(id)) reader.fail();
  return id;
}
