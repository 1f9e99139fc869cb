// Whether a view that a correct replica enters follows from 2f+1 true view-changes. Written from the paper
// alone: what the core computes is what is judged here.
// Source: Castro & Liskov, OSDI '99 §4.4: V, O, min-s and max-s.

import { batchDigest, sha256 } from "../../node/core/digest.js";
import type { LogRecord } from "../../node/core/log.js";
import type { Digest, PreparedCertificate, Seq, ViewChange } from "../../node/core/messages.js";
import { quorumOf } from "../../node/core/quorum.js";
import { encodeMessage } from "../../node/core/wire.js";
import { type Audit, preparedProblem, stableProblem } from "./audit.js";

/** What is wrong with it, or undefined. */
export function newViewProblem(
  { message, viewChanges }: LogRecord & { kind: "new-view" },
  n: number,
  audit: Audit,
): string | undefined {
  const { view } = message;
  const senders = new Set(viewChanges.map(({ replica }) => replica));
  if (senders.size < quorumOf(n)) return `entered view ${view} with ${senders.size} view-changes`;
  const digests = viewChanges.map((one) => sha256(encodeMessage(one)));
  if (message.viewChanges.map(({ digest }) => digest).join() !== digests.join()) {
    return `entered view ${view} with other view-changes than it names`;
  }
  for (const [index, one] of viewChanges.entries()) {
    const problem = viewChangeProblem(one, n, audit, digests[index]);
    if (problem !== undefined)
      return `entered view ${view}: r${one.replica}'s view-change ${problem}`;
    if (one.view !== view) return `entered view ${view} by a view-change for view ${one.view}`;
  }
  const proposed = message.prePrepares.map(({ seq, digest }) => `${seq} ${digest}`).join();
  if (proposed === expectedOf(viewChanges).join()) return undefined;
  return `entered view ${view}, whose pre-prepares do not follow from its view-changes`;
}

/** Whether its view-changes hold certificates of two batches for one seq. */
export function choosesBetweenViews({
  viewChanges,
}: Pick<LogRecord & { kind: "new-view" }, "viewChanges">): boolean {
  const digests = new Map<Seq, Digest>();
  for (const { seq, digest } of viewChanges.flatMap(({ prepared }) => prepared)) {
    if ((digests.get(seq) ?? digest) !== digest) return true;
    digests.set(seq, digest);
  }
  return false;
}

/** For each seq from min-s + 1 to max-s: what prepared in the highest view, or the null request. */
function expectedOf(viewChanges: readonly ViewChange[]): string[] {
  const certificates = viewChanges.flatMap(({ prepared }) => prepared);
  const minSeq = Math.max(...viewChanges.map(({ stableSeq }) => stableSeq));
  const maxSeq = Math.max(minSeq, ...certificates.map(({ seq }) => seq));
  return Array.from({ length: maxSeq - minSeq }, (_, index) => {
    const seq = minSeq + 1 + index;
    const highest = certificates
      .filter((certificate) => certificate.seq === seq)
      .reduce<PreparedCertificate | undefined>(
        (best, one) => (best === undefined || one.view > best.view ? one : best),
        undefined,
      );
    return `${seq} ${highest?.digest ?? batchDigest([])}`;
  });
}

/** Why it proves nothing, or undefined. One that many replicas hold is judged once. */
export function viewChangeProblem(
  message: ViewChange,
  n: number,
  audit: Audit,
  digest: Digest = sha256(encodeMessage(message)),
): string | undefined {
  const { viewChanges: judged } = audit;
  if (!judged.has(digest)) judged.set(digest, viewChangeFlaw(message, n, audit));
  return judged.get(digest);
}

function viewChangeFlaw(message: ViewChange, n: number, audit: Audit): string | undefined {
  const { replica, stableSeq, stableProof, prepared, signature } = message;
  if (!audit.holds(replica, message, signature)) return "is not signed by it";
  const [first] = stableProof;
  if (stableSeq > 0 && first?.seq !== stableSeq) return `proves no checkpoint at ${stableSeq}`;
  if (first !== undefined) {
    const problem = stableProblem(stableProof, first, n, audit);
    if (problem !== undefined) return problem;
  }
  for (const certificate of prepared) {
    const problem = preparedProblem(certificate, n, audit);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
