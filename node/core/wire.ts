// The canonical binary encoding of messages and log records: one tag byte, then fields at fixed
// offsets, big-endian; lists with their length in front. One message has one encoding, and whatever
// is not that encoding (trailing bytes, an id out of range, an unsafe integer) decodes to undefined.
// Decoding checks sizes before it allocates and never throws; decoded byte fields share memory with
// the bytes given. Encoding asserts: an unencodable message is an error of our own.

import { Reader, Writer } from "./cursor.js";
import { sha256 } from "./digest.js";
import type { LogRecord } from "./log.js";
import type {
  Checkpoint,
  Commit,
  Digest,
  Message,
  MessageKind,
  NewView,
  Prepare,
  Request,
  Seq,
  View,
  ViewChange,
} from "./messages.js";
import {
  readCheckpoint,
  readData,
  readFetch,
  readNewView,
  readPrePrepare,
  readReply,
  readStatus,
  readViewChange,
  readVote,
  writeCheckpoint,
  writeData,
  writeFetch,
  writeNewViewUnsigned,
  writePrePrepare,
  writeReply,
  writeStatus,
  writeViewChangeUnsigned,
  writeVote,
} from "./wire-messages.js";
import {
  readCertificate,
  readCommitCertificate,
  readProof,
  readRequest,
  readRequests,
  writeCertificate,
  writeCommitCertificate,
  writeProof,
  writeRequest,
  writeRequests,
  writeSignature,
} from "./wire-parts.js";

/** The first byte of a message's encoding. */
export const TAGS = {
  request: 1,
  reply: 2,
  "pre-prepare": 3,
  prepare: 4,
  commit: 5,
  checkpoint: 6,
  "view-change": 7,
  "new-view": 8,
  status: 9,
  fetch: 10,
  data: 11,
  "checkpoint-proof": 12,
  "commit-certificate": 13,
} as const satisfies Record<MessageKind, number>;

const RECORD_TAGS = {
  view: 1,
  "pre-prepare": 2,
  prepared: 3,
  checkpoint: 4,
  stable: 5,
  "view-change": 6,
  "new-view": 7,
  committed: 8,
  rejoin: 9,
  abstained: 10,
  "votes-logged": 11,
} as const satisfies Record<LogRecord["kind"], number>;

/** The least a view-change takes: its fixed fields with nothing proved. */
const VIEW_CHANGE_BYTES_MIN = 84;

/** What a signature is asked to cover: the fields that are signed, without the signature. */
export type Signable =
  | { kind: "pre-prepare"; view: View; seq: Seq; digest: Digest }
  | Omit<Prepare, "signature">
  | Omit<Commit, "signature">
  | Omit<Checkpoint, "signature">
  | Omit<ViewChange, "signature">
  | Omit<NewView, "signature">;

export function encodeMessage(message: Message): Uint8Array {
  const writer = new Writer();
  writer.u8(TAGS[message.kind]);
  writeBody(writer, message);
  return writer.finish();
}

/** Undefined where the bytes are not the encoding of a message. */
export function decodeMessage(bytes: Uint8Array): Message | undefined {
  const reader = new Reader(bytes);
  const message = readBody(reader, reader.u8());
  return reader.complete ? message : undefined;
}

/** The batch as a fetch carries it. */
export function encodeBatch(requests: readonly Request[]): Uint8Array {
  const writer = new Writer();
  writeRequests(writer, requests);
  return writer.finish();
}

export function decodeBatch(bytes: Uint8Array): readonly Request[] | undefined {
  const reader = new Reader(bytes);
  const requests = readRequests(reader);
  return reader.complete ? requests : undefined;
}

/**
 * What a signature covers: cluster, kind, view, seq, digest, replica; for a view-change and a new-view
 * the digest of all that they carry. Nothing signed for one purpose can be shown for another.
 */
export function signedBytes(cluster: string, message: Signable): Uint8Array {
  const carried = carriedDigest(message); // before the writer: writers share their scratch
  const writer = new Writer();
  writer.cluster(cluster);
  writer.u8(TAGS[message.kind]);
  switch (message.kind) {
    case "pre-prepare":
      writer.integer(message.view);
      writer.integer(message.seq);
      writer.digest(message.digest);
      break;
    case "prepare":
    case "commit":
      writer.integer(message.view);
      writer.integer(message.seq);
      writer.digest(message.digest);
      writer.u8(message.replica);
      break;
    case "checkpoint":
      writer.integer(message.seq);
      writer.digest(message.digest);
      writer.u8(message.replica);
      break;
    case "view-change":
    case "new-view":
      writer.integer(message.view);
      writer.u8(message.replica);
      writer.digest(carried);
      break;
    default:
      message satisfies never;
  }
  return writer.finish();
}

function carriedDigest(message: Signable): Digest {
  if (message.kind !== "view-change" && message.kind !== "new-view") return "";
  const writer = new Writer();
  if (message.kind === "view-change") writeViewChangeUnsigned(writer, message);
  else writeNewViewUnsigned(writer, message);
  return sha256(writer.finish());
}

/** What a client authenticates: cluster, kind, session, timestamp, operation. */
export function requestBytes(
  cluster: string,
  request: Pick<Request, "client" | "timestamp" | "operation">,
): Uint8Array {
  const writer = new Writer();
  writer.cluster(cluster);
  writer.u8(TAGS.request);
  writer.u32(request.client);
  writer.integer(request.timestamp);
  writer.raw(request.operation);
  return writer.finish();
}

function writeBody(writer: Writer, message: Message): void {
  switch (message.kind) {
    case "request":
      writeRequest(writer, message);
      break;
    case "reply":
      writeReply(writer, message);
      break;
    case "pre-prepare":
      writePrePrepare(writer, message);
      break;
    case "prepare":
    case "commit":
      writeVote(writer, message);
      break;
    case "checkpoint":
      writeCheckpoint(writer, message);
      break;
    case "view-change":
      writeViewChange(writer, message);
      break;
    case "new-view":
      writeNewViewUnsigned(writer, message);
      writeSignature(writer, message.signature);
      break;
    case "status":
      writeStatus(writer, message);
      break;
    case "fetch":
      writeFetch(writer, message);
      break;
    case "data":
      writeData(writer, message);
      break;
    case "checkpoint-proof":
      writer.u8(message.replica);
      writeProof(writer, message.checkpoints);
      break;
    case "commit-certificate":
      writeCommitCertificate(writer, message);
      break;
    default:
      message satisfies never;
  }
}

function readBody(reader: Reader, tag: number): Message | undefined {
  switch (tag) {
    case TAGS.request:
      return readRequest(reader);
    case TAGS.reply:
      return readReply(reader);
    case TAGS["pre-prepare"]:
      return readPrePrepare(reader);
    case TAGS.prepare:
      return readVote(reader, "prepare");
    case TAGS.commit:
      return readVote(reader, "commit");
    case TAGS.checkpoint:
      return readCheckpoint(reader);
    case TAGS["view-change"]:
      return readViewChange(reader);
    case TAGS["new-view"]:
      return readNewView(reader);
    case TAGS.status:
      return readStatus(reader);
    case TAGS.fetch:
      return readFetch(reader);
    case TAGS.data:
      return readData(reader);
    case TAGS["checkpoint-proof"]:
      return { kind: "checkpoint-proof", replica: reader.u8(), checkpoints: readProof(reader) };
    case TAGS["commit-certificate"]:
      return readCommitCertificate(reader);
    default:
      return undefined;
  }
}

function writeViewChange(writer: Writer, message: ViewChange): void {
  writeViewChangeUnsigned(writer, message);
  writeSignature(writer, message.signature);
}

export function encodeRecord(record: LogRecord): Uint8Array {
  const writer = new Writer();
  writer.u8(RECORD_TAGS[record.kind]);
  switch (record.kind) {
    case "view":
      writer.integer(record.view);
      writer.u8(record.active ? 1 : 0);
      break;
    case "pre-prepare":
    case "abstained":
      writePrePrepare(writer, record.message);
      break;
    case "votes-logged":
      writer.integer(record.view);
      writer.integer(record.forgottenSeq);
      break;
    case "prepared":
      writeCertificate(writer, record.certificate);
      break;
    case "checkpoint":
      writeCheckpoint(writer, record.message);
      break;
    case "stable":
      writeProof(writer, record.proof);
      break;
    case "view-change":
      writeViewChange(writer, record.message);
      break;
    case "new-view":
      writeNewViewUnsigned(writer, record.message);
      writeSignature(writer, record.message.signature);
      writer.u16(record.viewChanges.length);
      for (const viewChange of record.viewChanges) writeViewChange(writer, viewChange);
      break;
    case "committed":
      writeCommitCertificate(writer, record.certificate);
      break;
    case "rejoin":
      writer.integer(record.seq);
      break;
    default:
      record satisfies never;
  }
  return writer.finish();
}

/** Undefined where the bytes are not the encoding of a record. */
export function decodeRecord(bytes: Uint8Array): LogRecord | undefined {
  const reader = new Reader(bytes);
  const record = readRecord(reader, reader.u8());
  return reader.complete ? record : undefined;
}

function readRecord(reader: Reader, tag: number): LogRecord | undefined {
  switch (tag) {
    case RECORD_TAGS.view: {
      const view = reader.integer();
      const active = reader.u8();
      reader.require(active <= 1);
      return { kind: "view", view, active: active === 1 };
    }
    case RECORD_TAGS["pre-prepare"]:
      return { kind: "pre-prepare", message: readPrePrepare(reader) };
    case RECORD_TAGS.prepared:
      return { kind: "prepared", certificate: readCertificate(reader) };
    case RECORD_TAGS.checkpoint:
      return { kind: "checkpoint", message: readCheckpoint(reader) };
    case RECORD_TAGS.stable:
      return { kind: "stable", proof: readProof(reader) };
    case RECORD_TAGS["view-change"]:
      return { kind: "view-change", message: readViewChange(reader) };
    case RECORD_TAGS["new-view"]:
      return {
        kind: "new-view",
        message: readNewView(reader),
        viewChanges: readViewChanges(reader),
      };
    case RECORD_TAGS.committed:
      return { kind: "committed", certificate: readCommitCertificate(reader) };
    case RECORD_TAGS.abstained:
      return { kind: "abstained", message: readPrePrepare(reader) };
    case RECORD_TAGS["votes-logged"]:
      return { kind: "votes-logged", view: reader.integer(), forgottenSeq: reader.integer() };
    case RECORD_TAGS.rejoin:
      return { kind: "rejoin", seq: reader.integer() };
    default:
      return undefined;
  }
}

function readViewChanges(reader: Reader): readonly ViewChange[] {
  const count = reader.count(VIEW_CHANGE_BYTES_MIN);
  const viewChanges: ViewChange[] = [];
  for (let index = 0; index < count && !reader.malformed; index++) {
    viewChanges.push(readViewChange(reader));
  }
  return viewChanges;
}
