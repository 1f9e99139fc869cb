// The messages of PBFT as plain data, and the identifiers they carry.
// A signed message holds its signature beside its fields; what the signature covers is
// `signedBytes` of wire.ts. Every datagram between two principals also carries a MAC of the link
// (datagram.ts), so `from` is authenticated before the core sees a message.
// Source: Castro & Liskov, OSDI '99 §4, TOCS '02 §4.

/** Replica number, 0..n-1. */
export type ReplicaId = number;
/** Who holds keys: a replica (0..n-1), or a client process (256..65535). */
export type PrincipalId = number;
/** A client session: principal · 65536 + session index (0..65535). A safe integer below 2^32. */
export type ClientId = number;
/** View number, from 0; primary = view mod n. */
export type View = number;
/** PBFT sequence number, from 1; 0 is the empty state. */
export type Seq = number;
/** SHA-256 as 64 lowercase hexadecimal characters. */
export type Digest = string;
/** Ed25519, 64 bytes. */
export type Signature = Uint8Array;

/** The smallest principal that is a client. */
export const CLIENT_PRINCIPAL_MIN = 256;
/** Sessions a client process may host. */
export const SESSIONS_PER_PRINCIPAL = 65536;

/** The client process that hosts this session. */
export function principalOfClient(client: ClientId): PrincipalId {
  return Math.floor(client / SESSIONS_PER_PRINCIPAL);
}

export type Request = {
  kind: "request";
  client: ClientId;
  /** Grows with every request of the session; a safe integer. Decides exactly-once. */
  timestamp: number;
  /** Opaque to the core; the ledger's encoding. */
  operation: Uint8Array;
  /** One 16-byte MAC for each replica in order, over `requestBytes`. */
  authenticator: Uint8Array;
  /** The client's signature over `requestBytes`: the fallback where a MAC does not check. */
  signature: Signature;
};

export type Reply = {
  kind: "reply";
  view: View;
  client: ClientId;
  timestamp: number;
  replica: ReplicaId;
  /** The seq at which the request was executed. */
  seq: Seq;
  result: Uint8Array;
};

export type PrePrepare = {
  kind: "pre-prepare";
  view: View;
  seq: Seq;
  /** `batchDigest` of the requests. An empty batch is the null request. */
  digest: Digest;
  /** The primary of `view`; its signature covers view, seq and digest, not the bodies. */
  signature: Signature;
  /** The batch. */
  requests: readonly Request[];
};

export type Prepare = {
  kind: "prepare";
  view: View;
  seq: Seq;
  digest: Digest;
  replica: ReplicaId;
  signature: Signature;
};

export type Commit = {
  kind: "commit";
  view: View;
  seq: Seq;
  digest: Digest;
  replica: ReplicaId;
  signature: Signature;
};

export type Checkpoint = {
  kind: "checkpoint";
  seq: Seq;
  /** Root digest of the replicated state after `seq`. */
  digest: Digest;
  replica: ReplicaId;
  signature: Signature;
};

/** Proof that a slot prepared: the pre-prepare without bodies, and 2f prepares of other replicas. */
export type PreparedCertificate = {
  view: View;
  seq: Seq;
  digest: Digest;
  prePrepareSignature: Signature;
  prepares: readonly Prepare[];
};

export type ViewChange = {
  kind: "view-change";
  /** The view the sender asks for. */
  view: View;
  replica: ReplicaId;
  /** Last stable checkpoint and its proof: 2f+1 checkpoints (empty where stableSeq is 0). */
  stableSeq: Seq;
  stableProof: readonly Checkpoint[];
  /** P: one certificate for each slot above stableSeq that prepared here, ascending by seq. */
  prepared: readonly PreparedCertificate[];
  signature: Signature;
};

export type NewView = {
  kind: "new-view";
  view: View;
  replica: ReplicaId;
  /** V: the 2f+1 view-changes it is built from, by digest; ascending by replica. */
  viewChanges: readonly { replica: ReplicaId; digest: Digest }[];
  /** O: pre-prepares without bodies for min-s+1..max-s; digest of the empty batch in gaps. */
  prePrepares: readonly { seq: Seq; digest: Digest; signature: Signature }[];
  signature: Signature;
};

/** What the sender has and lacks, sent at an interval; peers resend what it lacks. Not signed. */
export type Status = {
  kind: "status";
  replica: ReplicaId;
  view: View;
  /** False while waiting for the new-view of `view`. */
  viewActive: boolean;
  stableSeq: Seq;
  executedSeq: Seq;
  /**
   * For the seqs above both executedSeq and stableSeq, in order, a byte each: bit 0 has the
   * pre-prepare and its batch, 1 prepared, 2 committed.
   */
  slots: Uint8Array;
  /** Replicas whose view-change is held, for `view` or a later one, as a bit set. */
  viewChangesHeld: Uint8Array;
};

/** Asks for bodies: batches and view-changes by digest, or nodes of a checkpoint's state tree. */
export type Fetch = {
  kind: "fetch";
  replica: ReplicaId;
  what: "batch" | "view-change" | "state";
  digests: readonly Digest[];
};

/** Answers a fetch: self-certifying, for its digest is what was asked. */
export type Data = {
  kind: "data";
  replica: ReplicaId;
  what: "batch" | "view-change" | "state";
  bytes: Uint8Array;
};

/** Proof of a stable checkpoint for one who is behind: f+1 or more signed checkpoints. */
export type CheckpointProof = {
  kind: "checkpoint-proof";
  replica: ReplicaId;
  checkpoints: readonly Checkpoint[];
};

/**
 * Proof that a batch committed, with the batch: 2f+1 commits of one view, seq and digest, ascending
 * by replica. A replica in any view may verify and execute it, so a laggard needs nobody's view.
 */
export type CommitCertificate = {
  kind: "commit-certificate";
  view: View;
  seq: Seq;
  digest: Digest;
  requests: readonly Request[];
  commits: readonly Commit[];
};

export type Message =
  | Request
  | Reply
  | PrePrepare
  | Prepare
  | Commit
  | Checkpoint
  | ViewChange
  | NewView
  | Status
  | Fetch
  | Data
  | CheckpointProof
  | CommitCertificate;

export type MessageKind = Message["kind"];
