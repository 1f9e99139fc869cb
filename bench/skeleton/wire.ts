// The skeleton's messages: fixed offsets, big endian, one after the other in a datagram.
//
//   request      kind 1 · session 2 · timestamp 4 · debit 2 · credit 2 · amount 4
//   pre-prepare  kind 1 · seq 4 · digest 32 · signature 64 · count 2 · request…
//   prepare      kind 1 · seq 4 · digest 32 · signature 64; a commit alike
//   reply        kind 1 · session 2 · timestamp 4 · seq 4 · applied 1
//
// A digest is SHA-256 over the bytes of the batch's requests, kept as 32 latin1 characters. A signature is
// over kind, seq and digest; zeros where nobody signs. The view never changes, so no message names it.

import { hash } from "node:crypto";
import { SIGNATURE_BYTES } from "../../node/core/keyring.js";

export const F = 1;
export const REPLICAS = 3 * F + 1;
export const PRIMARY = 0;
/** The principal after the replicas. */
export const CLIENT = 3 * F + 1;
/** The account from which deposits come. */
export const CASH = 0xffff;

export const REQUEST = 1;
export const PRE_PREPARE = 2;
export const PREPARE = 3;
export const COMMIT = 4;
export const REPLY = 5;

const REQUEST_BYTES = 15;
const DIGEST_BYTES = 32;
const SIGNED_BYTES = 5 + DIGEST_BYTES;
const VOTE_BYTES = SIGNED_BYTES + SIGNATURE_BYTES;
const PRE_PREPARE_HEAD_BYTES = VOTE_BYTES + 2;
const REPLY_BYTES = 12;

/** Accounts by number, CASH among them; `amount` below 2^32. */
export type Transfer = { debit: number; credit: number; amount: number };
/** `timestamp` counts the operations of a session. */
export type Request = Transfer & { session: number; timestamp: number };
export type Reply = { session: number; timestamp: number; seq: number; applied: boolean };

/** The messages in these bytes, as parts of them. Throws at a kind that is none. */
export function* messagesIn(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + bytesOf(bytes, at);
    yield bytes.subarray(at, end);
    at = end;
  }
}

function bytesOf(bytes: Buffer, at: number): number {
  const kind = bytes[at];
  switch (kind) {
    case REQUEST:
      return REQUEST_BYTES;
    case PRE_PREPARE:
      return PRE_PREPARE_HEAD_BYTES + REQUEST_BYTES * bytes.readUInt16BE(at + VOTE_BYTES);
    case PREPARE:
    case COMMIT:
      return VOTE_BYTES;
    case REPLY:
      return REPLY_BYTES;
    default:
      throw new Error(`skeleton: no message of kind ${kind}`);
  }
}

export function encodeRequest(request: Request): Buffer {
  const bytes = Buffer.allocUnsafe(REQUEST_BYTES);
  bytes.writeUInt8(REQUEST, 0);
  bytes.writeUInt16BE(request.session, 1);
  bytes.writeUInt32BE(request.timestamp, 3);
  bytes.writeUInt16BE(request.debit, 7);
  bytes.writeUInt16BE(request.credit, 9);
  bytes.writeUInt32BE(request.amount, 11);
  return bytes;
}

export function decodeRequest(bytes: Buffer): Request {
  return {
    session: bytes.readUInt16BE(1),
    timestamp: bytes.readUInt32BE(3),
    debit: bytes.readUInt16BE(7),
    credit: bytes.readUInt16BE(9),
    amount: bytes.readUInt32BE(11),
  };
}

/** The signature of the bytes given, or undefined for none. */
export type Sign = ((bytes: Buffer) => Uint8Array) | undefined;

export function encodePrePrepare(seq: number, digest: string, batch: Buffer, sign: Sign): Buffer {
  const head = Buffer.alloc(PRE_PREPARE_HEAD_BYTES);
  writeVote(head, PRE_PREPARE, seq, digest, sign);
  head.writeUInt16BE(batch.length / REQUEST_BYTES, VOTE_BYTES);
  return Buffer.concat([head, batch]);
}

/** The requests of a pre-prepare, encoded. */
export function batchOf(prePrepare: Buffer): Buffer {
  return prePrepare.subarray(PRE_PREPARE_HEAD_BYTES);
}

export function batchDigest(batch: Buffer): string {
  return hash("sha256", batch, "binary");
}

export function encodeVote(kind: number, seq: number, digest: string, sign: Sign): Buffer {
  const bytes = Buffer.alloc(VOTE_BYTES);
  writeVote(bytes, kind, seq, digest, sign);
  return bytes;
}

function writeVote(bytes: Buffer, kind: number, seq: number, digest: string, sign: Sign): void {
  bytes.writeUInt8(kind, 0);
  bytes.writeUInt32BE(seq, 1);
  bytes.write(digest, 5, "latin1");
  if (sign !== undefined) bytes.set(sign(signedPartOf(bytes)), SIGNED_BYTES);
}

/** Of a pre-prepare, a prepare or a commit: what its signature is over. */
export function signedPartOf(message: Buffer): Buffer {
  return message.subarray(0, SIGNED_BYTES);
}

/** Of a pre-prepare, a prepare or a commit. */
export function signatureOf(message: Buffer): Buffer {
  return message.subarray(SIGNED_BYTES, VOTE_BYTES);
}

/** Of a pre-prepare, a prepare or a commit. */
export function seqOf(message: Buffer): number {
  return message.readUInt32BE(1);
}

/** Of a pre-prepare, a prepare or a commit. */
export function digestOf(message: Buffer): string {
  return message.toString("latin1", 5, SIGNED_BYTES);
}

export function encodeReply(reply: Reply): Buffer {
  const bytes = Buffer.allocUnsafe(REPLY_BYTES);
  bytes.writeUInt8(REPLY, 0);
  bytes.writeUInt16BE(reply.session, 1);
  bytes.writeUInt32BE(reply.timestamp, 3);
  bytes.writeUInt32BE(reply.seq, 7);
  bytes.writeUInt8(reply.applied ? 1 : 0, 11);
  return bytes;
}

export function decodeReply(bytes: Buffer): Reply {
  return {
    session: bytes.readUInt16BE(1),
    timestamp: bytes.readUInt32BE(3),
    seq: bytes.readUInt32BE(7),
    applied: bytes.readUInt8(11) === 1,
  };
}
