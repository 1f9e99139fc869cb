// What is proved by signatures: single votes, prepared certificates, commit certificates, checkpoint
// proofs. Cheap conditions come first, signatures last; a signature seen valid once is remembered, so
// the many copies of a vote that a view change carries cost one verification.
// Source: OSDI '99 §4.2, §4.4.

import type {
  Checkpoint,
  Commit,
  CommitCertificate,
  Digest,
  PrePrepare,
  Prepare,
  PreparedCertificate,
  ReplicaId,
  Seq,
  Signature,
  View,
} from "./messages.js";
import { preparesNeeded, primaryOf, quorumOf, weakQuorumOf } from "./quorum.js";
import type { Replica } from "./state.js";
import { type Signable, signedBytes } from "./wire.js";

type Vote = Prepare | Commit | Checkpoint;
type Proposed = Pick<PrePrepare, "view" | "seq" | "digest">;

/** Signatures remembered in one generation, for each slot of the window and each replica. */
const REMEMBERED_PER_VOTER = 4;

export function sign(replica: Replica, message: Signable): Signature {
  return replica.keyring.sign(signedBytes(replica.config.cluster, message));
}

type About = { view: View; seq: Seq; digest: Digest };

/** Our prepare, remembered as verified. */
export function signPrepare(replica: Replica, { view, seq, digest }: About): Prepare {
  const unsigned = { kind: "prepare" as const, view, seq, digest, replica: replica.id };
  const vote = { ...unsigned, signature: sign(replica, unsigned) };
  remember(replica, voteKey(vote));
  return vote;
}

/** Our commit, remembered as verified. */
export function signCommit(replica: Replica, { view, seq, digest }: About): Commit {
  const unsigned = { kind: "commit" as const, view, seq, digest, replica: replica.id };
  const vote = { ...unsigned, signature: sign(replica, unsigned) };
  remember(replica, voteKey(vote));
  return vote;
}

/** Our checkpoint, remembered as verified. */
export function signCheckpoint(replica: Replica, seq: Seq, digest: Digest): Checkpoint {
  const unsigned = { kind: "checkpoint" as const, seq, digest, replica: replica.id };
  const vote = { ...unsigned, signature: sign(replica, unsigned) };
  remember(replica, voteKey(vote));
  return vote;
}

export function voteHolds(replica: Replica, vote: Vote): boolean {
  const key = voteKey(vote);
  if (remembered(replica, key)) return true;
  const bytes = signedBytes(replica.config.cluster, vote);
  if (!replica.keyring.verify(vote.replica, bytes, vote.signature)) return false;
  remember(replica, key);
  return true;
}

/** Whether the signature is that of the view's primary over this pre-prepare. */
export function prePrepareHolds(replica: Replica, about: Proposed, signature: Signature): boolean {
  const { view, seq, digest } = about;
  const key = `0/${view}/${seq}/${digest}/${latin1(signature)}`;
  if (remembered(replica, key)) return true;
  const bytes = signedBytes(replica.config.cluster, { kind: "pre-prepare", view, seq, digest });
  const principal = primaryOf(view, replica.config.n);
  if (!replica.keyring.verify(principal, bytes, signature)) return false;
  remember(replica, key);
  return true;
}

/** Why the certificate proves nothing, or undefined where it is valid. */
export function preparedProblem(
  replica: Replica,
  certificate: PreparedCertificate,
): string | undefined {
  const { view, seq, digest, prepares } = certificate;
  const { n } = replica.config;
  if (prepares.length !== preparesNeeded(n)) return "wrong-prepare-count";
  if (!distinctAscending(prepares, n)) return "repeated-prepares";
  const primary = primaryOf(view, n);
  for (const prepare of prepares) {
    if (prepare.replica === primary) return "prepare-of-primary";
    if (prepare.view !== view || prepare.seq !== seq || prepare.digest !== digest) {
      return "mismatched-prepare";
    }
  }
  if (!prePrepareHolds(replica, certificate, certificate.prePrepareSignature)) {
    return "forged-pre-prepare";
  }
  return prepares.every((prepare) => voteHolds(replica, prepare)) ? undefined : "forged-prepare";
}

/** Why the commits do not prove the batch committed; the batch itself is the caller's to check. */
export function commitProblem(
  replica: Replica,
  certificate: CommitCertificate,
): string | undefined {
  const { view, seq, digest, commits } = certificate;
  const { n } = replica.config;
  if (commits.length !== quorumOf(n)) return "wrong-commit-count";
  if (!distinctAscending(commits, n)) return "repeated-commits";
  for (const commit of commits) {
    if (commit.view !== view || commit.seq !== seq || commit.digest !== digest) {
      return "mismatched-commit";
    }
  }
  return commits.every((commit) => voteHolds(replica, commit)) ? undefined : "forged-commit";
}

/** Why the checkpoints prove no digest; f+1 prove that a correct replica holds it, 2f+1 stability. */
export function proofProblem(
  replica: Replica,
  proof: readonly Checkpoint[],
  wanted: "weak" | "stable",
): string | undefined {
  const { n } = replica.config;
  const needed = wanted === "weak" ? weakQuorumOf(n) : quorumOf(n);
  const [first] = proof;
  if (first === undefined || proof.length < needed || proof.length > n) return "wrong-proof-count";
  if (first.seq === 0 || first.seq % replica.config.checkpointInterval !== 0)
    return "no-checkpoint";
  if (!distinctAscending(proof, n)) return "repeated-checkpoints";
  for (const checkpoint of proof) {
    if (checkpoint.seq !== first.seq || checkpoint.digest !== first.digest) {
      return "mismatched-checkpoint";
    }
  }
  return proof.every((checkpoint) => voteHolds(replica, checkpoint))
    ? undefined
    : "forged-checkpoint";
}

/** True where the replicas are in range, distinct and ascending. */
export function distinctAscending(list: readonly { replica: ReplicaId }[], n: number): boolean {
  let last = -1;
  for (const { replica } of list) {
    if (replica <= last || replica >= n) return false;
    last = replica;
  }
  return true;
}

function voteKey(vote: Vote): string {
  const view = vote.kind === "checkpoint" ? "" : vote.view;
  const signature = latin1(vote.signature);
  return `${vote.kind}/${view}/${vote.seq}/${vote.replica}/${vote.digest}/${signature}`;
}

function latin1(signature: Signature): string {
  return Buffer.from(signature.buffer, signature.byteOffset, signature.length).toString("latin1");
}

function remembered(replica: Replica, key: string): boolean {
  return replica.verified.young.has(key) || replica.verified.old.has(key);
}

function remember(replica: Replica, key: string): void {
  const { verified, config } = replica;
  verified.young.add(key);
  if (verified.young.size < REMEMBERED_PER_VOTER * config.n * config.window) return;
  verified.old = verified.young;
  verified.young = new Set();
}
