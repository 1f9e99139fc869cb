// What a certificate proves, judged with our own codec and arithmetic and the keys of the simulation: the
// code under test may count, compare and verify as it likes.
// Source: Castro & Liskov, OSDI '99 §4.2, §4.3.

import type {
  Checkpoint,
  Commit,
  Digest,
  Prepare,
  PreparedCertificate,
  PrincipalId,
  ReplicaId,
  Seq,
  Signature,
  View,
} from "../../node/core/messages.js";
import { preparesNeeded, primaryOf, quorumOf } from "../../node/core/quorum.js";
import type { Signable } from "../../node/core/wire.js";

export type Audit = {
  /** Whether the signature is this principal's over the message, as our own codec writes it. */
  holds: (principal: PrincipalId, message: Signable, signature: Signature) => boolean;
  /** Proofs that were looked at before. */
  checked: WeakSet<object>;
  /** What is wrong with a view-change, undefined for nothing, by the digest of its encoding. */
  viewChanges: Map<Digest, string | undefined>;
};

type About = { view: View; seq: Seq; digest: Digest };

export function isVoteFor(vote: About, { view, seq, digest }: About): boolean {
  return vote.view === view && vote.seq === seq && vote.digest === digest;
}

/** The different replicas whose true signatures stand under these votes. */
export function votersOf(
  votes: readonly (Prepare | Commit | Checkpoint)[],
  { holds }: Audit,
): ReadonlySet<ReplicaId> {
  const signed = votes.filter((vote) => holds(vote.replica, vote, vote.signature));
  return new Set(signed.map(({ replica }) => replica));
}

/** @source OSDI '99 §4.2, prepared(m, v, n, i) */
export function preparedProblem(
  { view, seq, digest, prepares, prePrepareSignature }: PreparedCertificate,
  n: number,
  audit: Audit,
): string | undefined {
  const primary = primaryOf(view, n);
  const alike = prepares.filter(
    (prepare) => isVoteFor(prepare, { view, seq, digest }) && prepare.replica !== primary,
  );
  const voters = votersOf(alike, audit);
  if (voters.size < preparesNeeded(n)) return `prepared seq ${seq} with ${voters.size} backups`;
  const proposed = { kind: "pre-prepare" as const, view, seq, digest };
  if (audit.holds(primary, proposed, prePrepareSignature)) return undefined;
  return `prepared seq ${seq}, and its primary proposed nothing like it`;
}

/** @source OSDI '99 §4.3 */
export function stableProblem(
  proof: readonly Checkpoint[],
  { seq, digest }: { seq: Seq; digest: Digest },
  n: number,
  audit: Audit,
): string | undefined {
  const alike = proof.filter((vote) => vote.seq === seq && vote.digest === digest);
  const voters = votersOf(alike, audit);
  if (voters.size >= quorumOf(n)) return undefined;
  return `calls seq ${seq} stable with ${voters.size} checkpoints`;
}
