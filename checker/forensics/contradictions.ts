// Finds statements that no correct replica signs: two of one replica that contradict each other, or one that
// was not its to make. Source: OSDI '99 §4.2 to §4.4; "proof of misbehaviour" as in PeerReview, SOSP '07.
//
// A correct replica names one digest for a slot of a view when it proposes or prepares, and one when it
// commits; one digest for the state at a checkpoint; and sends one view-change, and one new-view, for a
// view. Only a view's primary proposes and announces it, and it does not prepare. A primary commits only to
// what it proposed. A backup may commit to what it did not prepare: an earlier process may have prepared what
// another, equivocating primary's proposal was, and been killed before the vote was on its disk; 2f others
// then make the certificate.

import type { JournalScan, Signers, Statement } from "./journals.js";

/** Proof that a replica deviated from the protocol, for anybody who has its public key. */
export type Proof = {
  replica: string;
  /** Of the first statement. */
  kind: Statement["kind"];
  /** Absent of checkpoints. */
  view?: number;
  /** Absent of view-changes and new-views. */
  seq?: number;
  /** What it did, in words: "pre-prepares for view 3, seq 17 with digests ab12… and cd34…". */
  deed: string;
  /** Ed25519, hexadecimal. */
  signingKey: string;
  /** Two that contradict each other, or one that nobody in its place may make. */
  statements: readonly ProofStatement[];
};

export type ProofStatement = Pick<Statement, "kind" | "digest" | "bytes" | "signature" | "heardBy">;

export type Findings = {
  proofs: readonly Proof[];
  /** Suspicions beyond those that were proved, of replicas of which enough is proved. */
  more: number;
  verified: number;
  /** Signatures that did not hold. */
  forged: number;
  /** Replicas whose suspicions were not all looked at, because the budget ended. */
  unfinished: readonly string[];
};

export type SignatureHolds = (key: string, bytes: string, signature: string) => boolean;

/** Proofs of one replica and one kind of statement: after so many, another tells nothing new. */
const PROOFS_PER_KIND = 2;
/** Signatures verified of what one replica sent: who forges in another's name wastes only its own. */
export const VERIFIED_PER_SENDER_MAX = 200;

/** Statements of one replica of which no two may differ in their digests; or each of which is `misplaced`. */
type Suspicion = { signer: number; statements: Statement[]; misplaced: boolean };

/** Verifies only what would be a proof; the rest is compared. */
export function findContradictions(
  { statements }: JournalScan,
  { replicas }: Signers,
  holds: SignatureHolds,
): Findings {
  const proofs: Proof[] = [];
  const counts = { more: 0, verified: 0, forged: 0 };
  const unfinished = new Set<string>();
  const verifiedOf = new Map<number, number>();
  const provedOf = new Map<string, number>();
  for (const { signer, statements: said, misplaced } of suspicions(statements, replicas.length)) {
    const name = replicas[signer]?.name ?? "";
    const key = replicas[signer]?.signingKey ?? "";
    const about = `${name} ${said[0]?.kind} ${misplaced}`;
    const proved = provedOf.get(about) ?? 0;
    if (proved >= PROOFS_PER_KIND) {
      counts.more += 1;
      continue;
    }
    const isTrue = ({ signer: sender, bytes, signature }: Statement): boolean => {
      const spent = verifiedOf.get(sender) ?? 0;
      if (spent >= VERIFIED_PER_SENDER_MAX) {
        unfinished.add(replicas[sender]?.name ?? "");
        return false;
      }
      verifiedOf.set(sender, spent + 1);
      counts.verified += 1;
      const isHeld = holds(key, bytes, signature);
      if (!isHeld) counts.forged += 1;
      return isHeld;
    };
    const found = misplaced ? firstTrue(said, isTrue) : contradiction(said, isTrue);
    if (found === undefined) continue;
    provedOf.set(about, proved + 1);
    proofs.push(proofOf(found, { replica: name, signingKey: key }));
  }
  return { proofs, ...counts, unfinished: [...unfinished] };
}

function firstTrue(
  statements: readonly Statement[],
  isTrue: (statement: Statement) => boolean,
): readonly Statement[] | undefined {
  const found = statements.find(isTrue);
  return found === undefined ? undefined : [found];
}

/** The first two that are truly signed and differ. */
function contradiction(
  statements: readonly Statement[],
  isTrue: (statement: Statement) => boolean,
): readonly Statement[] | undefined {
  let first: Statement | undefined;
  for (const statement of statements) {
    if (first?.digest === statement.digest || !isTrue(statement)) continue;
    if (first !== undefined) return [first, statement];
    first = statement;
  }
  return undefined;
}

/** What is worth verifying, in the order of replicas, views and seqs. */
function suspicions(statements: readonly Statement[], n: number): readonly Suspicion[] {
  const slots = new Map<string, Suspicion>();
  const add = (signer: number, slot: string, statement: Statement, misplaced: boolean) => {
    const key = `${signer} ${slot} ${statement.view} ${statement.seq}`;
    const known = slots.get(key);
    if (known === undefined) slots.set(key, { signer, statements: [statement], misplaced });
    else known.statements.push(statement);
  };
  const primaryOf = ({ view }: Statement) => view % n;
  const proposals = new Set<string>();
  for (const { kind, signer, bytes, signature, view } of statements) {
    if (kind === "pre-prepare" && signer === view % n) proposals.add(`${bytes} ${signature}`);
  }
  for (const statement of statements) {
    const { kind, signer, bytes, signature } = statement;
    const isPrimarys = signer === primaryOf(statement);
    switch (kind) {
      case "pre-prepare":
        // A backup may have passed on what its primary signed.
        if (!isPrimarys && proposals.has(`${bytes} ${signature}`)) break;
        add(primaryOf(statement), "slot", statement, false);
        if (!isPrimarys) add(signer, kind, statement, true);
        break;
      case "prepare":
        if (isPrimarys) add(signer, kind, statement, true);
        add(signer, "slot", statement, false);
        break;
      case "commit":
        add(signer, isPrimarys ? "slot" : kind, statement, false);
        break;
      case "new-view":
        if (!isPrimarys) add(signer, "as backup", statement, true);
        add(signer, kind, statement, false);
        break;
      case "checkpoint":
      case "view-change":
        add(signer, kind, statement, false);
        break;
      default:
        kind satisfies never;
    }
  }
  const found = [...slots.values()].filter(
    ({ statements: [first, ...others], misplaced }) =>
      misplaced || others.some(({ digest }) => digest !== first?.digest),
  );
  for (const suspicion of found) suspicion.statements.sort(inOrder);
  return found.sort((a, b) => a.signer - b.signer || bySlot(a.statements[0], b.statements[0]));
}

const KINDS: readonly Statement["kind"][] = [
  "pre-prepare",
  "prepare",
  "commit",
  "checkpoint",
  "view-change",
  "new-view",
];

function inOrder(a: Statement, b: Statement): number {
  return (
    KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
    b.heardBy.length - a.heardBy.length ||
    (a.bytes < b.bytes ? -1 : a.bytes > b.bytes ? 1 : 0) ||
    (a.signature < b.signature ? -1 : 1)
  );
}

function bySlot(a: Statement | undefined, b: Statement | undefined): number {
  if (a === undefined || b === undefined) return 0;
  return a.view - b.view || a.seq - b.seq || inOrder(a, b);
}

function proofOf(
  statements: readonly Statement[],
  who: Pick<Proof, "replica" | "signingKey">,
): Proof {
  const [first] = statements;
  if (first === undefined) throw new Error("a proof of nothing");
  const { kind, view, seq } = first;
  return {
    replica: who.replica,
    kind,
    ...(kind === "checkpoint" ? {} : { view }),
    ...(kind === "view-change" || kind === "new-view" ? {} : { seq }),
    deed: deedOf(statements),
    signingKey: who.signingKey,
    statements: statements.map(({ kind: each, digest, bytes, signature, heardBy }) => {
      return { kind: each, digest, bytes, signature, heardBy };
    }),
  };
}

function deedOf(statements: readonly Statement[]): string {
  const [first, second] = statements;
  if (first === undefined) return "nothing";
  const where = placeOf(first);
  if (second === undefined) {
    const place = first.kind === "prepare" ? "its primary" : "not its primary";
    return `a ${first.kind} for ${where}, though it is ${place}`;
  }
  const what =
    first.kind === second.kind ? `${first.kind}s` : `a ${first.kind} and a ${second.kind}`;
  return `${what} for ${where} with digests ${short(first)} and ${short(second)}`;
}

function placeOf({ kind, view, seq }: Statement): string {
  if (kind === "checkpoint") return `seq ${seq}`;
  return kind === "view-change" || kind === "new-view"
    ? `view ${view}`
    : `view ${view}, seq ${seq}`;
}

function short({ digest }: Statement): string {
  return `${digest.slice(0, 4)}…`;
}
