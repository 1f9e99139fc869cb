// Who lied, by its own signatures. A replica that some fault made lie, or robbed of what it had promised, is
// named with the proof; a replica of which the nemesis did no such thing must never contradict itself, for
// that is the promise of the system under test: a vote forgotten at a restart breaks it. That a replica is
// mute or slow is a suspicion, and never named a proof.

import { counted, cut } from "../describe.js";
import type { FaultSpan } from "../run-record.js";
import type { CheckResult } from "../verdict.js";
import { findContradictions, type Proof, type SignatureHolds } from "./contradictions.js";
import { signatureHolds } from "./ed25519.js";
import type { JournalScan, Signers } from "./journals.js";

/** Lies that show as contradictions where two correct replicas compare what they heard. */
const CONTRADICTING: ReadonlySet<string> = new Set([
  "equivocate",
  "bad-proposal",
  "propose-as-backup",
  "double-vote",
  "forge-view-change",
  "forge-new-view",
]);

const EXAMPLES_MAX = 24;

/** `scan` and `signers` are absent where no journal, or no key, was kept. */
export function accountable(
  evidence: { scan: JournalScan; signers: Signers } | undefined,
  faults: readonly FaultSpan[],
  holds: SignatureHolds = signatureHolds,
): CheckResult {
  if (evidence === undefined || evidence.scan.journals === 0) {
    return { valid: "unknown", summary: "no journal of signed statements was collected" };
  }
  const { scan, signers } = evidence;
  const found = findContradictions(scan, signers, holds);
  const figures = {
    journals: scan.journals,
    statements: scan.statements.length,
    proofs: found.proofs.length,
    "signatures verified": found.verified,
  };
  if (scan.statements.length === 0) {
    return { valid: "unknown", summary: "no signed statement stands in the journals", figures };
  }
  const excused = faultyIn(faults, signers);
  const broken = found.proofs.filter(({ replica }) => !excused.has(replica));
  const unfinished = found.unfinished.filter((replica) => !excused.has(replica));
  const words = (proof: Proof) =>
    excused.has(proof.replica)
      ? `${proof.replica} proved to have lied: ${proof.deed}`
      : `${proof.replica} contradicted itself, though no fault made it: ${proof.deed}`;
  const proved = [...broken, ...found.proofs.filter((proof) => !broken.includes(proof))];
  const lines = cut(proved.map(words), EXAMPLES_MAX);
  const notes = [...lines, ...notProved(faults, found.proofs), ...readingNotes(scan, found)];
  const heads = proved.filter(
    ({ replica }, index) => proved.findIndex((other) => other.replica === replica) === index,
  );
  const valid = broken.length > 0 ? false : unfinished.length > 0 ? "unknown" : true;
  const summary =
    valid === "unknown"
      ? `the budget ended before all suspicions of ${unfinished.join(", ")} were verified`
      : heads.map(words).join("; ") ||
        `no replica contradicts itself in ${counted(scan.statements.length, "signed statement")} of ${counted(scan.journals, "journal")}`;
  return {
    valid,
    summary,
    figures,
    ...(notes.length === 0 ? {} : { explanation: notes }),
    ...(proved.length === 0 ? {} : { proved }),
  };
}

/** Replicas that may have broken their word: a fault made them lie, or took their memory. */
function faultyIn(faults: readonly FaultSpan[], { replicas }: Signers): ReadonlySet<string> {
  const all = replicas.map(({ name }) => name);
  return new Set(faults.flatMap(({ spendsF, nodes }) => (spendsF === true ? (nodes ?? all) : [])));
}

/** Lies that were told, and of which no proof was found: each may have been told once, or to one only. */
function notProved(faults: readonly FaultSpan[], proofs: readonly Proof[]): readonly string[] {
  return faults.flatMap(({ id, label, landed, nodes = [] }) => {
    const [kind, lie = ""] = label.split(" ");
    if (kind !== "lie" || !landed || !CONTRADICTING.has(lie)) return [];
    if (proofs.some(({ replica }) => nodes.includes(replica))) return [];
    return [`lied, not proved: ${id} ${label}`];
  });
}

type Found = ReturnType<typeof findContradictions>;

function readingNotes(scan: JournalScan, found: Found): readonly string[] {
  const { malformed, foreign, full } = scan;
  const { more, forged, unfinished } = found;
  return [
    more === 0 ? [] : `${counted(more, "more suspicion")} of those replicas not verified`,
    malformed === 0 ? [] : `${counted(malformed, "line")} of the journals malformed: not believed`,
    foreign === 0 ? [] : `${counted(foreign, "statement")} of another cluster: not believed`,
    forged === 0 ? [] : `${counted(forged, "signature")} that would have been a proof, and false`,
    unfinished.length === 0 ? [] : `verified no more, the budget ended: ${unfinished.join(", ")}`,
    full.length === 0 ? [] : `journals that were full: ${full.join(", ")}`,
  ].flat();
}
