// Reads the journals in which replicas noted what they heard others sign. Nothing that a line claims is
// believed: what was said comes from the signed bytes, and that it was said is for the signature to prove.

import { decodeStatement, type StatementKind } from "./statement.js";

/** One replica's journal. */
export type Journal = { node: string; lines: Iterable<string> };

/** Who may have signed something in this cluster. */
export type Signers = {
  /** The cluster's id, which all that is signed in it begins with: 16 hexadecimal characters. */
  cluster: string;
  /** In order of their numbers, from 0; Ed25519 keys in hexadecimal. */
  replicas: readonly { name: string; signingKey: string }[];
};

/** Not yet verified. */
export type Statement = {
  /** Whose it is to be: of a pre-prepare whoever sent it, of all else whom the bytes name. */
  signer: number;
  kind: StatementKind;
  /** 0 where the kind has none, as seq. */
  view: number;
  seq: number;
  digest: string;
  /** What the signature covers, and the signature; hexadecimal. */
  bytes: string;
  signature: string;
  /** In whose journals it stands. */
  heardBy: readonly string[];
};

export type JournalScan = {
  journals: number;
  lines: number;
  statements: readonly Statement[];
  /** Lines that are no statement, or say another thing than their bytes. */
  malformed: number;
  /** Statements of another cluster. */
  foreign: number;
  /** Replicas of which a journal says that it kept no more, as "r0 of r2". */
  full: readonly string[];
};

const HEX = /^(?:[0-9a-f]{2})+$/;
const SIGNATURE = /^[0-9a-f]{128}$/;

/** Linear: 100,000 lines take about a second. */
export function scanJournals(journals: readonly Journal[], signers: Signers): JournalScan {
  /** By line: who heard the same wrote the same. */
  const known = new Map<string, Statement & { heardBy: string[] }>();
  const full: string[] = [];
  const counts = { lines: 0, malformed: 0, foreign: 0 };
  for (const { node, lines } of journals) {
    for (const line of lines) {
      if (line === "") continue;
      counts.lines += 1;
      const before = known.get(line);
      if (before !== undefined) {
        if (before.heardBy.at(-1) !== node) before.heardBy.push(node);
        continue;
      }
      const fields = fieldsOf(line);
      if (typeof fields["full"] === "number") {
        full.push(`${node} of r${fields["full"]}`);
        continue;
      }
      const read = statementOf(fields, signers);
      if (typeof read === "string") counts[read] += 1;
      else known.set(line, { ...read, heardBy: [node] });
    }
  }
  return { journals: journals.length, ...counts, statements: [...known.values()], full };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(line: string): Fields {
  try {
    return Object(JSON.parse(line));
  } catch (error) {
    if (error instanceof SyntaxError) return {}; // Torn by a kill.
    throw error;
  }
}

function statementOf(
  fields: Fields,
  { cluster, replicas }: Signers,
): Omit<Statement, "heardBy"> | "malformed" | "foreign" {
  const { signer, bytes, signature } = fields;
  if (typeof bytes !== "string" || !HEX.test(bytes)) return "malformed";
  if (typeof signature !== "string" || !SIGNATURE.test(signature)) return "malformed";
  const content = decodeStatement(Buffer.from(bytes, "hex"));
  if (content === undefined) return "malformed";
  const { kind, view, seq, digest, replica = signer } = content;
  const told = fields["kind"] === kind && fields["view"] === view && fields["seq"] === seq;
  if (!told || fields["digest"] !== digest || replica !== signer) return "malformed";
  if (typeof signer !== "number" || replicas[signer] === undefined) return "malformed";
  if (content.cluster !== cluster) return "foreign";
  return { signer, kind, view: view ?? 0, seq: seq ?? 0, digest, bytes, signature };
}
