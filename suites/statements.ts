// The journals of what replicas heard one another sign, in a run's folder, and the public keys of who signed.

import { existsSync, readFileSync } from "node:fs";
import { type JournalScan, type Signers, scanJournals } from "../checker/forensics/journals.js";
import { nodeFiles } from "./cluster/layout.js";
import { parseJsonObject } from "./json-lines.js";
import { UsageError } from "./usage-error.js";

/** Undefined where no journal was kept, or no cluster file says whose the keys are. */
export function readStatements(
  directory: string,
  replicas: readonly string[],
): { scan: JournalScan; signers: Signers } | undefined {
  const files = replicas.map((node) => ({ node, ...nodeFiles(directory, node) }));
  const journals = files.filter(({ journal }) => existsSync(journal));
  const clusterFile = files.map((each) => each.clusterFile).find(existsSync);
  if (journals.length === 0 || clusterFile === undefined) return undefined;
  const signers = signersOf(clusterFile);
  const read = journals.map(({ node, journal }) => ({ node, lines: linesOf(journal) }));
  return { scan: scanJournals(read, signers), signers };
}

/** Of a cluster file only what a third party needs, so that one of another version tells it, too. */
function signersOf(path: string): Signers {
  const { cluster, replicas } = parseJsonObject(readFileSync(path, "utf8"), path);
  const malformed = (wanted: string) => new UsageError("malformed", `${path}: wanted ${wanted}`);
  if (typeof cluster !== "string" || !/^[0-9a-f]{16}$/.test(cluster)) {
    throw malformed("cluster: 16 hexadecimal characters");
  }
  if (!Array.isArray(replicas)) throw malformed("replicas: an array");
  const members = replicas.map((replica: unknown) => {
    const { name, signingKey } = Object(replica) as Partial<Record<string, unknown>>;
    if (typeof name === "string" && typeof signingKey === "string" && KEY.test(signingKey)) {
      return { name, signingKey };
    }
    throw malformed("replicas with name and signingKey");
  });
  return { cluster, replicas: members };
}

const KEY = /^[0-9a-f]{64}$/;

/** One journal is in memory at a time. */
function* linesOf(path: string): Iterable<string> {
  yield* readFileSync(path, "latin1").split("\n");
}
