// A replica's ledger in the run store: `replicas/<id>/ledger.jsonl`. The first line is the head, then
// one line for each account, entry and session, in that order.

import { readFileSync } from "node:fs";
import type {
  LedgerAccount,
  LedgerDump,
  LedgerEntry,
  LedgerSession,
} from "../checker/run-record.js";
import { readJsonLines } from "./json-lines.js";
import { UsageError } from "./usage-error.js";

type Line =
  | { head: { version: 1; node: string; seq: number; digest: string; chain: string } }
  | { account: LedgerAccount }
  | { entry: LedgerEntry }
  | { session: LedgerSession };

export function ledgerText(dump: LedgerDump): string {
  const { node, seq, digest, chain } = dump;
  const lines: Line[] = [
    { head: { version: 1, node, seq, digest, chain } },
    ...dump.accounts.map((account) => ({ account })),
    ...dump.entries.map((entry) => ({ entry })),
    ...dump.sessions.map((session) => ({ session })),
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** Throws UsageError naming the line that is not a ledger's. */
export function readLedgerFile(path: string): LedgerDump {
  const accounts: LedgerAccount[] = [];
  const entries: LedgerEntry[] = [];
  const sessions: LedgerSession[] = [];
  let head: Extract<Line, { head: unknown }>["head"] | undefined;
  const { values } = readJsonLines(readFileSync(path, "utf8"), path);
  for (const [index, value] of values.entries()) {
    const line = value as Partial<Record<"head" | "account" | "entry" | "session", unknown>>;
    if (line.head !== undefined) head = line.head as NonNullable<typeof head>;
    else if (line.account !== undefined) accounts.push(line.account as LedgerAccount);
    else if (line.entry !== undefined) entries.push(line.entry as LedgerEntry);
    else if (line.session !== undefined) sessions.push(line.session as LedgerSession);
    else throw malformed(path, index, "wanted a head, account, entry or session");
  }
  if (head === undefined) throw malformed(path, 0, "wanted the ledger's head");
  if (head.version !== 1) {
    throw new UsageError(
      "newer-version",
      `${path}: ledger file of version ${head.version}; this ordeal reads version 1: upgrade it`,
    );
  }
  const { node, seq, digest, chain } = head;
  return { node, seq, digest, chain, accounts, entries, sessions };
}

function malformed(path: string, index: number, wanted: string): UsageError {
  return new UsageError("malformed", `${path} line ${index + 1}: ${wanted}, found another thing`);
}
