// The parts that messages and log records share: requests, votes, proofs, certificates. Votes that a
// certificate gathers agree on view, seq and digest, so these are written once, and a certificate
// whose votes disagree has no encoding at all.

import assert from "node:assert";
import type { Reader, Writer } from "./cursor.js";
import {
  type Checkpoint,
  CLIENT_PRINCIPAL_MIN,
  type ClientId,
  type Commit,
  type CommitCertificate,
  type Digest,
  type PreparedCertificate,
  type Request,
  SESSIONS_PER_PRINCIPAL,
  type Seq,
  type View,
} from "./messages.js";

const MAC_BYTES = 16;
const SIGNATURE_BYTES = 64;
const CLIENT_MIN: ClientId = CLIENT_PRINCIPAL_MIN * SESSIONS_PER_PRINCIPAL;
const REQUEST_BYTES_MIN = 4 + 8 + 4 + 1 + SIGNATURE_BYTES;
const VOTE_BYTES = 1 + SIGNATURE_BYTES;
const CERTIFICATE_BYTES_MIN = 8 + 8 + 32 + SIGNATURE_BYTES + 2;

export function writeSignature(writer: Writer, signature: Uint8Array): void {
  assert(signature.length === SIGNATURE_BYTES, `a signature has ${signature.length} bytes`);
  writer.raw(signature);
}

export function writeRequest(writer: Writer, request: Request): void {
  const { operation, authenticator } = request;
  assert(authenticator.length % MAC_BYTES === 0, `authenticator of ${authenticator.length} bytes`);
  writer.u32(request.client);
  writer.integer(request.timestamp);
  writer.u32(operation.length);
  writer.u8(authenticator.length / MAC_BYTES);
  writer.raw(operation);
  writer.raw(authenticator);
  writeSignature(writer, request.signature);
}

export function readRequest(reader: Reader): Request {
  const client = reader.u32();
  reader.require(client >= CLIENT_MIN);
  const timestamp = reader.integer();
  const operationBytes = reader.u32();
  const macs = reader.u8();
  const operation = reader.raw(operationBytes);
  const authenticator = reader.raw(macs * MAC_BYTES);
  const signature = reader.signature();
  return { kind: "request", client, timestamp, operation, authenticator, signature };
}

export function writeRequests(writer: Writer, requests: readonly Request[]): void {
  writer.u16(requests.length);
  for (const request of requests) writeRequest(writer, request);
}

export function readRequests(reader: Reader): readonly Request[] {
  const count = reader.count(REQUEST_BYTES_MIN);
  const requests: Request[] = [];
  for (let index = 0; index < count && !reader.malformed; index++) {
    requests.push(readRequest(reader));
  }
  return requests;
}

type Vote = { replica: number; signature: Uint8Array };

function writeVotes(writer: Writer, votes: readonly Vote[]): void {
  writer.u16(votes.length);
  for (const vote of votes) {
    writer.u8(vote.replica);
    writeSignature(writer, vote.signature);
  }
}

function readVotes<V>(reader: Reader, vote: (replica: number, signature: Uint8Array) => V): V[] {
  const count = reader.count(VOTE_BYTES);
  const votes: V[] = [];
  for (let index = 0; index < count; index++) votes.push(vote(reader.u8(), reader.signature()));
  return votes;
}

type Slotted = { view?: View; seq: Seq; digest: Digest };

function assertAgree(votes: readonly Slotted[], { view, seq, digest }: Slotted): void {
  for (const vote of votes) {
    assert(
      vote.view === view && vote.seq === seq && vote.digest === digest,
      `a vote for (${vote.view}, ${vote.seq}) in a proof of (${view}, ${seq})`,
    );
  }
}

/** Checkpoints of one seq and digest. */
export function writeProof(writer: Writer, proof: readonly Checkpoint[]): void {
  const [first] = proof;
  writer.u8(first === undefined ? 0 : 1);
  if (first === undefined) return;
  assertAgree(proof, { seq: first.seq, digest: first.digest });
  writer.integer(first.seq);
  writer.digest(first.digest);
  writeVotes(writer, proof);
}

export function readProof(reader: Reader): readonly Checkpoint[] {
  const present = reader.u8();
  reader.require(present <= 1);
  if (present === 0) return [];
  const seq = reader.integer();
  const digest = reader.digest();
  const proof = readVotes<Checkpoint>(reader, (replica, signature) => ({
    kind: "checkpoint",
    seq,
    digest,
    replica,
    signature,
  }));
  reader.require(proof.length > 0); // an empty proof has one encoding, the other one
  return proof;
}

export function writeCertificate(writer: Writer, certificate: PreparedCertificate): void {
  assertAgree(certificate.prepares, certificate);
  writer.integer(certificate.view);
  writer.integer(certificate.seq);
  writer.digest(certificate.digest);
  writeSignature(writer, certificate.prePrepareSignature);
  writeVotes(writer, certificate.prepares);
}

export function readCertificate(reader: Reader): PreparedCertificate {
  const view = reader.integer();
  const seq = reader.integer();
  const digest = reader.digest();
  const prePrepareSignature = reader.signature();
  const prepares = readVotes(reader, (replica, signature) => ({
    kind: "prepare" as const,
    view,
    seq,
    digest,
    replica,
    signature,
  }));
  return { view, seq, digest, prePrepareSignature, prepares };
}

export function readCertificates(reader: Reader): readonly PreparedCertificate[] {
  const count = reader.count(CERTIFICATE_BYTES_MIN);
  const certificates: PreparedCertificate[] = [];
  for (let index = 0; index < count && !reader.malformed; index++) {
    certificates.push(readCertificate(reader));
  }
  return certificates;
}

export function writeCommitCertificate(writer: Writer, certificate: CommitCertificate): void {
  assertAgree(certificate.commits, certificate);
  writer.integer(certificate.view);
  writer.integer(certificate.seq);
  writer.digest(certificate.digest);
  writeVotes(writer, certificate.commits);
  writeRequests(writer, certificate.requests);
}

export function readCommitCertificate(reader: Reader): CommitCertificate {
  const view = reader.integer();
  const seq = reader.integer();
  const digest = reader.digest();
  const commits = readVotes<Commit>(reader, (replica, signature) => ({
    kind: "commit",
    view,
    seq,
    digest,
    replica,
    signature,
  }));
  const requests = readRequests(reader);
  return { kind: "commit-certificate", view, seq, digest, requests, commits };
}
