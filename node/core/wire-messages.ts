// The bodies of the messages, field by field in the order they are written. The tag that stands in
// front of a body is wire.ts's.

import type { Reader, Writer } from "./cursor.js";
import type {
  Checkpoint,
  Commit,
  Data,
  Digest,
  Fetch,
  NewView,
  PrePrepare,
  Prepare,
  Reply,
  Seq,
  Signature,
  Status,
  ViewChange,
} from "./messages.js";
import {
  readCertificates,
  readProof,
  readRequests,
  writeCertificate,
  writeProof,
  writeRequests,
  writeSignature,
} from "./wire-parts.js";

const FETCHABLES = ["batch", "view-change", "state"] as const;

const DIGEST_BYTES = 32;
const SIGNATURE_BYTES = 64;

export function writeReply(writer: Writer, reply: Reply): void {
  writer.integer(reply.view);
  writer.u32(reply.client);
  writer.integer(reply.timestamp);
  writer.u8(reply.replica);
  writer.integer(reply.seq);
  writer.u32(reply.result.length);
  writer.raw(reply.result);
}

export function readReply(reader: Reader): Reply {
  const view = reader.integer();
  const client = reader.u32();
  const timestamp = reader.integer();
  const replica = reader.u8();
  const seq = reader.integer();
  const result = reader.raw(reader.u32());
  return { kind: "reply", view, client, timestamp, replica, seq, result };
}

export function writePrePrepare(writer: Writer, message: PrePrepare): void {
  writer.integer(message.view);
  writer.integer(message.seq);
  writer.digest(message.digest);
  writeSignature(writer, message.signature);
  writeRequests(writer, message.requests);
}

export function readPrePrepare(reader: Reader): PrePrepare {
  const view = reader.integer();
  const seq = reader.integer();
  const digest = reader.digest();
  const signature = reader.signature();
  const requests = readRequests(reader);
  return { kind: "pre-prepare", view, seq, digest, signature, requests };
}

export function writeVote(writer: Writer, vote: Prepare | Commit): void {
  writer.integer(vote.view);
  writer.integer(vote.seq);
  writer.digest(vote.digest);
  writer.u8(vote.replica);
  writeSignature(writer, vote.signature);
}

export function readVote(reader: Reader, kind: "prepare" | "commit"): Prepare | Commit {
  const view = reader.integer();
  const seq = reader.integer();
  const digest = reader.digest();
  const replica = reader.u8();
  const signature = reader.signature();
  return { kind, view, seq, digest, replica, signature };
}

export function writeCheckpoint(writer: Writer, checkpoint: Checkpoint): void {
  writer.integer(checkpoint.seq);
  writer.digest(checkpoint.digest);
  writer.u8(checkpoint.replica);
  writeSignature(writer, checkpoint.signature);
}

export function readCheckpoint(reader: Reader): Checkpoint {
  const seq = reader.integer();
  const digest = reader.digest();
  const replica = reader.u8();
  const signature = reader.signature();
  return { kind: "checkpoint", seq, digest, replica, signature };
}

export function writeViewChangeUnsigned(
  writer: Writer,
  message: Omit<ViewChange, "signature">,
): void {
  writer.integer(message.view);
  writer.u8(message.replica);
  writer.integer(message.stableSeq);
  writeProof(writer, message.stableProof);
  writer.u16(message.prepared.length);
  for (const certificate of message.prepared) writeCertificate(writer, certificate);
}

export function readViewChange(reader: Reader): ViewChange {
  const view = reader.integer();
  const replica = reader.u8();
  const stableSeq = reader.integer();
  const stableProof = readProof(reader);
  const prepared = readCertificates(reader);
  const signature = reader.signature();
  return { kind: "view-change", view, replica, stableSeq, stableProof, prepared, signature };
}

export function writeNewViewUnsigned(writer: Writer, message: Omit<NewView, "signature">): void {
  writer.integer(message.view);
  writer.u8(message.replica);
  writer.u16(message.viewChanges.length);
  for (const entry of message.viewChanges) {
    writer.u8(entry.replica);
    writer.digest(entry.digest);
  }
  writer.u16(message.prePrepares.length);
  for (const entry of message.prePrepares) {
    writer.integer(entry.seq);
    writer.digest(entry.digest);
    writeSignature(writer, entry.signature);
  }
}

export function readNewView(reader: Reader): NewView {
  const view = reader.integer();
  const replica = reader.u8();
  const viewChanges: { replica: number; digest: Digest }[] = [];
  const viewChangeCount = reader.count(1 + DIGEST_BYTES);
  for (let index = 0; index < viewChangeCount; index++) {
    viewChanges.push({ replica: reader.u8(), digest: reader.digest() });
  }
  const prePrepares: { seq: Seq; digest: Digest; signature: Signature }[] = [];
  const prePrepareCount = reader.count(8 + DIGEST_BYTES + SIGNATURE_BYTES);
  for (let index = 0; index < prePrepareCount; index++) {
    const seq = reader.integer();
    const digest = reader.digest();
    prePrepares.push({ seq, digest, signature: reader.signature() });
  }
  const signature = reader.signature();
  return { kind: "new-view", view, replica, viewChanges, prePrepares, signature };
}

export function writeStatus(writer: Writer, status: Status): void {
  writer.u8(status.replica);
  writer.integer(status.view);
  writer.u8(status.viewActive ? 1 : 0);
  writer.integer(status.stableSeq);
  writer.integer(status.executedSeq);
  writer.u16(status.slots.length);
  writer.raw(status.slots);
  writer.u8(status.viewChangesHeld.length);
  writer.raw(status.viewChangesHeld);
}

export function readStatus(reader: Reader): Status {
  const replica = reader.u8();
  const view = reader.integer();
  const active = reader.u8();
  reader.require(active <= 1);
  const stableSeq = reader.integer();
  const executedSeq = reader.integer();
  const slots = reader.raw(reader.u16());
  const viewChangesHeld = reader.raw(reader.u8());
  const viewActive = active === 1;
  return {
    kind: "status",
    replica,
    view,
    viewActive,
    stableSeq,
    executedSeq,
    slots,
    viewChangesHeld,
  };
}

export function writeFetch(writer: Writer, fetch: Fetch): void {
  writer.u8(fetch.replica);
  writer.u8(FETCHABLES.indexOf(fetch.what));
  writer.u16(fetch.digests.length);
  for (const digest of fetch.digests) writer.digest(digest);
}

function readFetchable(reader: Reader): Fetch["what"] {
  const what = FETCHABLES[reader.u8()];
  reader.require(what !== undefined);
  return what ?? "batch";
}

export function readFetch(reader: Reader): Fetch {
  const replica = reader.u8();
  const what = readFetchable(reader);
  const digests: Digest[] = [];
  const count = reader.count(DIGEST_BYTES);
  for (let index = 0; index < count; index++) digests.push(reader.digest());
  return { kind: "fetch", replica, what, digests };
}

export function writeData(writer: Writer, data: Data): void {
  writer.u8(data.replica);
  writer.u8(FETCHABLES.indexOf(data.what));
  writer.u32(data.bytes.length);
  writer.raw(data.bytes);
}

export function readData(reader: Reader): Data {
  const replica = reader.u8();
  const what = readFetchable(reader);
  return { kind: "data", replica, what, bytes: reader.raw(reader.u32()) };
}
